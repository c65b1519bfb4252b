"""Links in the Markdown pages lead to files and headings that exist; links to other hosts are left alone."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "ARCHITECTURE.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCED = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
CODE = re.compile(r"`[^`\n]*`")
HEADING = re.compile(r"^#{1,6} +(.+?) *$", re.MULTILINE)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def anchors(page: Path) -> set[str]:
    """Makes the anchors of a page's headings in the way GitHub does."""
    headings = HEADING.findall(FENCED.sub("", page.read_text()))
    names = [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]
    repeated = {f"{name}-{names[:index].count(name)}" for index, name in enumerate(names)}
    return set(names) | repeated


def broken(page: Path) -> list[str]:
    found = []
    for link in LINK.findall(CODE.sub("", FENCED.sub("", page.read_text()))):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            found.append(link)
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    assert broken(page) == []


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# A page, and more\n[here](#a-page-and-more) [there](page.md#a-page-and-more) [web](https://a.example)\n"
        "[no file](none.md) [no heading](#none) `[code](none)`\n```sh\n# Not a heading\n[code](none)\n```\n"
        "[comment](#not-a-heading)\n"
    )
    assert broken(page) == ["none.md", "#none", "#not-a-heading"]
