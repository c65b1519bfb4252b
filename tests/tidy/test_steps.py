"""The table at the end of `make test`."""

from pathlib import Path

import steps

REPORT = """<testsuites><testsuite>
<testcase classname="tests.a.test_b" name="test_c[1]" time="1.5"/>
<testcase classname="tests.a.test_b" name="test_c[2]" time="0.5"/>
<testcase classname="tests.a.test_d" name="test_e" time="1.75"/>
</testsuite></testsuites>"""


def test_slowest_parts_come_first(tmp_path: Path) -> None:
    (tmp_path / "test-python.xml").write_text(REPORT)
    shown = steps.table({"lint": 2.25, "test-python": 3.0}, steps.durations(tmp_path))
    assert [line.split() for line in shown.splitlines() if line and "slowest" not in line] == [
        ["step", "seconds"],
        ["lint", "2.2"],
        ["test-python", "3.0"],
        ["total", "5.2"],
        ["2.0", "tests/a/test_b.py"],
        ["1.8", "tests/a/test_d.py"],
        ["1.8", "tests/a/test_d.py::test_e"],
        ["1.5", "tests/a/test_b.py::test_c[1]"],
        ["0.5", "tests/a/test_b.py::test_c[2]"],
    ]


def test_without_tests_there_are_steps_alone(tmp_path: Path) -> None:
    assert steps.table({"lint": 1.0}, steps.durations(tmp_path)).splitlines()[-1].split() == ["total", "1.0"]
