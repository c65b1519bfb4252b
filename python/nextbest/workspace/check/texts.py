"""Texts for people -> those that a `#` cuts off: `label: Deal #1` is `Deal` followed by a comment.

By convention, a comment has a space after its `#`; a number or a hashtag has none.
"""

import re
from collections.abc import Iterator

from nextbest.diagnostics import Diagnostic, Fix, Position, Remedy, Severity
from nextbest.workspace.document import Document, Node
from nextbest.workspace.load import Source, Workspace
from nextbest.workspace.scalar import quote

TEXTS = frozenset({"label", "description", "reason"})
# All values below this key are shown to customers.
CONTENT = "content"
CUT = re.compile(r"[ \t]+(#[^\s#].*)")
COMMENT = re.compile(r"[ \t]+#(?=\s|#|$)")


def check_texts(workspace: Workspace) -> Iterator[Diagnostic]:
    """Finds labels, descriptions, reasons and values of content that a `#` cuts off unintentionally."""
    single = (workspace.schema, workspace.channels, workspace.issues, workspace.contact)
    found: list[Source] = [source for source in single if source is not None]  # type: ignore[type-arg]
    for source in (*found, *workspace.groups, *workspace.models, *workspace.personas):
        document = source.document
        if document.node is not None and any(" #" in line and CUT.search(line) for line in document.lines):
            yield from _check_below(document, document.node, is_content=False)


def _check_below(document: Document, node: Node, *, is_content: bool) -> Iterator[Diagnostic]:
    for step, child in node.children.items():
        if child.children:
            yield from _check_below(document, child, is_content=is_content or step == CONTENT)
        elif (is_content or step in TEXTS) and not child.style:
            yield from _check_text(document, child)


def _check_text(document: Document, node: Node) -> Iterator[Diagnostic]:
    line = document.lines[node.end_line] if node.end_line < len(document.lines) else ""
    found = CUT.match(line, node.end_column)
    if found is None:
        return
    # A comment after the text stays a comment.
    lost = COMMENT.split(found[1], maxsplit=1)[0].rstrip()
    position = Position(document.file, node.end_line + 1, found.start(1) + 1, len(lost))
    message = f"`{lost}` is read as a comment, not as a part of the text"
    yield Diagnostic("NB228", message, position, _whole(document, node, found.start(1) + len(lost)),
                     Severity.WARNING)  # fmt: skip


def _whole(document: Document, node: Node, end: int) -> str:
    """The remedy: the whole text in quotes."""
    otherwise = "quote the text; put a space after the `#` of a comment"
    if node.line != node.end_line:
        return otherwise
    start = node.column
    line = document.lines[node.line]
    start += len(line[start:end]) - len(line[start:end].lstrip())
    written = None if line[end - 1] in ",}]" else quote(line[start:end])
    if written is None:
        return otherwise
    fix = Fix(document.file, node.line + 1, start + 1, node.line + 1, end + 1, written)
    return Remedy("quote all of it: {}; put a space after the `#` of a comment", fix)
