"""Each page under docs/ names its readers in its first sentence."""

from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("page", sorted(DOCS.rglob("*/*.md")), ids=lambda page: str(page.relative_to(DOCS)))
def test_a_page_names_its_readers(page: Path) -> None:
    title, empty, first, *_ = page.read_text().splitlines()
    assert title.startswith("# ")
    assert empty == ""
    assert first.startswith("For ")
