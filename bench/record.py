"""Runs a benchmark and keeps its figures: `python bench/record.py serving`.

The benchmark's last line is JSON. It goes to bench/results/serving.json with machine, date and commit. A run
with options measures less than the whole (`--quick`): its figures go to target/bench, and no page shows them.
"""

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import machine
import results

ROOT = Path(__file__).parents[1]
PARTIAL = ROOT / "target/bench"
# Results and pictures of the benchmarks themselves.
UNCOUNTED = (":!bench/results", ":!bench/*.png")


def main() -> None:
    bench, *options = sys.argv[1:]
    command = [sys.executable, "-u", str(ROOT / "bench" / f"{bench}.py"), *options]
    last = ""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        for line in running.stdout or ():
            print(line, end="", flush=True)
            last = line if line.strip() else last
    if running.returncode:
        sys.exit(running.returncode)
    figures = json.loads(last)
    about = figures.pop("machine", None) or machine.describe()
    figures.pop("bench", None)
    content = {
        "bench": bench,
        "options": options,
        "date": datetime.now(UTC).date().isoformat(),
        "commit": git("rev-parse", "--short", "HEAD"),
        "uncommitted_changes": git("status", "--porcelain", "rust", "python", "bench", *UNCOUNTED) != "",
        "machine": about,
        "figures": figures,
    }
    file = results.write(bench, content, PARTIAL if options else results.FOLDER)
    print(f"recorded in {file.relative_to(ROOT)}")


def git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip()


if __name__ == "__main__":
    main()
