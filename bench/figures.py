"""Figures in pages -> those of bench/results: each is followed by a comment that names its source.

    x 12.4<!-- eligibility cases.10000_or_missing.ratio_numpy -->
    1.1<!-- serving bank1000_open5000.p999_us /1000 --> ms

Benchmark, path of the figure, and a divisor or factor where the page has another unit. A figure keeps the
decimals that it has in the page. `make figures` writes those of the last runs; tests/bench refuses pages that
differ. A figure whose benchmark was never recorded stays as it is.
"""

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import results

ROOT = Path(__file__).parents[1]
PAGES = ("README.md", "ARCHITECTURE.md", "docs/**/*.md")
MARKED = re.compile(
    r"(?P<shown>\d[\d,]*(?:\.\d+)?)<!-- (?P<bench>\w+) (?P<path>[\w.]+)(?: (?P<scale>[/*]\d+))? -->"
)


def pages(root: Path = ROOT) -> list[Path]:
    """Returns the pages that may show figures."""
    return sorted(page for pattern in PAGES for page in root.glob(pattern))


def rewrite(text: str, read_result: Callable[[str], dict[str, Any]]) -> str:
    """Returns a page with the figures of the results.

    Raises:
        LookupError: A result does not have a figure that the page names.
    """

    def replace(mark: re.Match[str]) -> str:
        try:
            result = read_result(mark["bench"])
        except results.NotRecordedError:
            return mark[0]
        scale = mark["scale"] or "*1"
        value = results.figure(result, mark["path"])
        value = value / int(scale[1:]) if scale[0] == "/" else value * int(scale[1:])
        decimals = len(mark["shown"].partition(".")[2])
        return mark[0].replace(mark["shown"], f"{value:,.{decimals}f}", 1)

    return MARKED.sub(replace, text)


def main() -> None:
    for page in pages():
        text = page.read_text()
        written = rewrite(text, results.read)
        if written != text:
            page.write_text(written)
            print(f"{page.relative_to(ROOT)}: figures of bench/results")


if __name__ == "__main__":
    sys.exit(main())
