"""A key without a value in braces -> the text that a comma cut in two, in quotes.

`{title: For young people, now cheaper}` has two entries: `now cheaper` is a key.
"""

from nextbest.diagnostics import Fix, Remedy
from nextbest.workspace.document import Document, Node
from nextbest.workspace.scalar import quote


def is_bare(document: Document, key: Node) -> bool:
    """Whether a key is between commas or braces, without a colon."""
    line = document.lines[key.end_line] if key.end_line < len(document.lines) else ""
    return line[key.end_column :].lstrip()[:1] in {",", "}"}


def is_continued(document: Document, mapping: Node, key: str) -> bool:
    """Whether the entry before a bare key is bare too: only the first of them is reported."""
    names = list(mapping.keys)
    index = names.index(key)
    return index > 0 and all(is_bare(document, mapping.keys[name]) for name in names[index - 1 : index + 1])


def rejoin(document: Document, mapping: Node, key: str) -> Remedy | None:
    """The remedy that quotes the text before a bare key together with the key; None if that is not possible.

    Args:
        document: The file.
        mapping: The mapping that has the key.
        key: The first key that the comma cut off.
    """
    names = list(mapping.keys)
    index = names.index(key)
    if index == 0 or not is_bare(document, mapping.keys[key]):
        return None
    before = names[index - 1]
    first = mapping.children.get(before)
    while index + 1 < len(names) and is_bare(document, mapping.keys[names[index + 1]]):
        index += 1
    last = mapping.keys[names[index]]
    if first is None or first.style or first.children or first.line != last.end_line:
        return None
    text = document.lines[first.line][first.column : last.end_column]
    written = quote(text)
    if written is None:
        return None
    fix = Fix(
        document.file, first.line + 1, first.column + 1, last.end_line + 1, last.end_column + 1, written
    )
    return Remedy(f"a comma ends the text before it: quote all of it, `{before}: {{}}`", fix)
