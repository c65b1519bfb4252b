"""Files and folders of this repository that pages name exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "ARCHITECTURE.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCED = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
PATH = re.compile(r"`((?:bench|docs|proto|python|rust|tests)/[\w./-]+)`")
# Made by the first run of a benchmark.
MADE = {"bench/results"}


def missing(page: Path) -> list[str]:
    named = PATH.findall(FENCED.sub("", page.read_text()))
    return [path for path in named if path not in MADE and not (ROOT / path).exists()]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_paths_that_a_page_names_exist(page: Path) -> None:
    assert missing(page) == []


def test_a_path_that_does_not_exist_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("`rust/engine/src` `rust/engine/src/none.rs` `tests/*.yaml`\n```sh\n`rust/none`\n```\n")
    assert missing(page) == ["rust/engine/src/none.rs"]
