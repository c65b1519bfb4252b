"""slow.txt lists tests by their times, and is not out of date."""

import re
from pathlib import Path

import slow

TESTS = Path(__file__).parents[1]


def test_most_listed_functions_exist() -> None:
    found = {
        f"{path.name}::{name}"
        for path in TESTS.rglob("test_*.py")
        for name in re.findall(r"^(?:async )?def (test_\w+)", path.read_text(), re.MULTILINE)
    }
    # A test that got another name runs in `make check` until the list is written again.
    assert len(slow.read() - found) < 0.2 * len(slow.read()), "run `make test slow-tests`"


def test_functions_are_chosen_by_all_their_cases() -> None:
    times = {
        "tests/a/test_b.py": {"test_one": 0.6, "test_quick": 0.4, "test_cases[1]": 0.2, "test_cases[2]": 0.4},
        "tests/a/test_c.py": {f"test_table[{case}]": 0.02 for case in range(100)},
    }
    assert slow.select(times) == ["test_b.py::test_cases", "test_b.py::test_one"]
