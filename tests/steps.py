"""Runs targets of the Makefile in order, and lists how long each took and which tests were slowest.

    python tests/steps.py lint-rust test-python

Stops at the first target that fails, with its exit code. Uses the standard library alone, as it also runs
the set-up.
"""

import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree as ET

ROOT = Path(__file__).parents[1]
# Where targets leave pytest's reports, one file each.
REPORTS = ROOT / "target/steps"
LISTED = 10


def main() -> int:
    for report in REPORTS.glob("*.xml"):
        report.unlink()
    took: dict[str, float] = {}
    code = 0
    for step in sys.argv[1:]:
        print(f"\n== {step}", flush=True)
        start = time.monotonic()
        code = subprocess.run(
            [os.environ.get("MAKE", "make"), "--no-print-directory", step], cwd=ROOT, check=False
        ).returncode
        took[step] = time.monotonic() - start
        if code:
            break
    print(table(took, durations(REPORTS)), flush=True)
    if code:
        print(f"\n{step} failed", flush=True)
    return code


def durations(folder: Path) -> dict[str, dict[str, float]]:
    """Returns how long the tests of each file took, in seconds."""
    found: dict[str, dict[str, float]] = {}
    for report in sorted(folder.glob("*.xml")):
        # Written by pytest a moment ago.
        for case in ET.parse(report).iter("testcase"):  # noqa: S314
            file = case.get("classname", "").replace(".", "/") + ".py"
            found.setdefault(file, {})[case.get("name", "")] = float(case.get("time", 0))
    return found


def table(steps: dict[str, float], files: dict[str, dict[str, float]]) -> str:
    """Returns the times as text: steps in order, then files and tests, slowest first."""
    lines = ["", f"{'step':<24}{'seconds':>9}"]
    lines += [f"{step:<24}{seconds:>9.1f}" for step, seconds in steps.items()]
    lines.append(f"{'total':<24}{sum(steps.values()):>9.1f}")
    if files:
        sums = Counter({file: sum(tests.values()) for file, tests in files.items()})
        lines += ["", f"{'seconds':>9}  slowest test files (the files of one step run side by side)"]
        lines += [f"{seconds:>9.1f}  {file}" for file, seconds in sums.most_common(LISTED)]
        single = Counter({f"{file}::{name}": s for file, tests in files.items() for name, s in tests.items()})
        lines += ["", f"{'seconds':>9}  slowest tests"]
        lines += [f"{seconds:>9.1f}  {test}" for test, seconds in single.most_common(LISTED)]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
