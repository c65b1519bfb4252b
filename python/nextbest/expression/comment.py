"""A comment in CEL text -> the lines of the file that become part of it unintentionally.

YAML folds the lines of plain and `>` text into one. A CEL comment ends with its line, so the following lines
become part of the comment.
"""

from collections.abc import Iterator

from nextbest.diagnostics import Edit, Remedy
from nextbest.expression.finding import Finding
from nextbest.expression.source import SourceText
from nextbest.expression.tokens import Tokens

MARK = "//"


def find_swallowed(source: SourceText, tokens: Tokens) -> Finding | None:
    """Finds a comment that continues over the next line of the file."""
    for start, end in _comments(tokens):
        first = source.locate(start, 1).line
        kept = next((at for at in range(start, end) if source.locate(at, 1).line != first), None)
        if kept is None or not source.text[kept:end].strip():
            continue
        swallowed = source.text[kept:end].strip()
        without = f"{source.text[:start].rstrip()} {source.text[kept:].strip()}"
        remedy = Remedy("leave the comment out: `{}`", Edit.of_all(source.text, without))
        return Finding("NB416", f"the comment hides `{swallowed}`", (start, len(MARK)), remedy)
    return None


def _comments(tokens: Tokens) -> Iterator[tuple[int, int]]:
    """Where comments begin and end: they are between tokens."""
    text = tokens.text
    ends = [start + len(word) for start, word in zip(tokens.starts, tokens.words, strict=True)]
    for begin, end in zip([0, *ends], [*tokens.starts, len(text)], strict=True):
        at = text.find(MARK, begin, end)
        while at >= 0:
            stop = text.find("\n", at, end)
            stop = stop if stop >= 0 else end
            yield at, stop
            at = text.find(MARK, stop, end)
