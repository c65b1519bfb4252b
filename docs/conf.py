"""Markdown pages -> HTML (`make docs`). Nothing is fetched while the pages are built.

The source folder is the repository, so that README, ARCHITECTURE and the changelog are pages of the same
site, and every link between them is checked. The pages are plain Markdown without directives, so that they
read the same in a repository browser: the list of links in an `index.md` is its table of contents.
"""

import re
from pathlib import Path

from pygments.lexers.special import TextLexer
from sphinx.application import Sphinx

ROOT = Path(__file__).parents[1]
LIST_LINK = re.compile(r"^[-*] \[([^\]]+)\]\(([^)#:]+\.md)\)", re.MULTILINE)
LINK = re.compile(r"\[([^\]]+)\]\(([^)\s#:]+)\)")
HOME = '<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0; url=docs/index.html">\n'

project = "nextbest"
root_doc = "docs/index"
include_patterns = ["*.md", "docs/**.md", "python/nextbest/diagnostics/reference.md"]
exclude_patterns = [".*", "bench", "dist", "rust", "target", "tests"]
extensions = ["myst_parser"]
# A link to a heading is spelled as in a repository browser.
myst_heading_anchors = 4
# Options begin with two hyphens, not with a dash.
smartquotes = False

html_title = "nextbest"
html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["pages.css"]
html_theme_options = {"top_of_page_buttons": []}
html_show_copyright = False
html_show_sphinx = False
html_copy_source = False
pygments_style = "friendly"
pygments_dark_style = "monokai"


def table_of_contents(text: str) -> str:
    """Makes Sphinx's table of contents from the links that lists of an index page begin with."""
    entries = "\n".join(f"{title} <{page}>" for title, page in LIST_LINK.findall(text))
    return f"\n```{{toctree}}\n:hidden:\n\n{entries}\n```\n" if entries else ""


def without_folder(folder: Path, link: re.Match[str]) -> str:
    """Leaves the text alone of a link to a folder, which has no page."""
    return link[1] if (folder / link[2]).is_dir() else link[0]


def complete(_app: Sphinx, name: str, source: list[str]) -> None:
    """Adds the table of contents, and takes away links that only a repository browser can follow."""
    folder = (ROOT / name).parent
    text = LINK.sub(lambda found: without_folder(folder, found), source[0])
    source[0] = text + (table_of_contents(text) if Path(name).name == "index" else "")


def write_home(app: Sphinx, failure: Exception | None) -> None:
    """Leads from the site's address to its first page."""
    if failure is None:
        Path(app.outdir, "index.html").write_text(HOME)


def setup(app: Sphinx) -> None:
    """Connects to Sphinx."""
    app.connect("source-read", complete)
    app.connect("build-finished", write_home)
    # CEL with comments that begin with #, and HAProxy's settings: no highlighter reads them.
    app.add_lexer("cel", TextLexer)
    app.add_lexer("haproxy", TextLexer)
