"""A text of a file -> a warning if it only looks equal to what others write (NB514)."""

from collections.abc import Iterator

from nextbest.diagnostics import Diagnostic, Position, Severity
from nextbest.diagnostics.spelling import unusual_spelling


def check_spelling(text: str, position: Position) -> Iterator[Diagnostic]:
    """Checks a text that is compared with other texts."""
    unusual = unusual_spelling(text)
    if unusual is not None:
        yield Diagnostic("NB514", unusual[0], position, unusual[1], Severity.WARNING)
