"""Which tests `make check` leaves out: those marked `slow`, and those that slow.txt lists.

    python tests/slow.py    # `make slow-tests`: rewrites slow.txt from the times of the last `make test`

A test function is listed if all its cases together take SLOW_S, and each of them CASE_S on average: many
quick cases of one table stay. Files have different names, so that a file that moves keeps its lines.
"""

from pathlib import Path

import steps

LIST = Path(__file__).with_suffix(".txt")
SLOW_S = 0.5
CASE_S = 0.1


def read() -> set[str]:
    """Returns the functions of slow.txt: `test_file.py::test_function`."""
    return set(LIST.read_text().split())


def select(files: dict[str, dict[str, float]]) -> list[str]:
    """Returns the functions that take too long for `make check`, of the times of all cases."""
    cases: dict[str, list[float]] = {}
    for file, tests in files.items():
        for name, seconds in tests.items():
            cases.setdefault(f"{Path(file).name}::{name.partition('[')[0]}", []).append(seconds)
    return sorted(
        function
        for function, taken in cases.items()
        if sum(taken) >= SLOW_S and sum(taken) / len(taken) >= CASE_S
    )


def main() -> None:
    if not (steps.REPORTS / "test-python.xml").exists():
        raise SystemExit("target/steps/test-python.xml does not exist: run `make test` first")
    measured = steps.durations(steps.REPORTS)
    LIST.write_text("".join(f"{function}\n" for function in select(measured)))


if __name__ == "__main__":
    main()
