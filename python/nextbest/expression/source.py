"""A piece of CEL text and the way from its characters to a place in a file."""

from collections.abc import Callable
from dataclasses import dataclass

from nextbest.diagnostics import Fix, Position


@dataclass(frozen=True, slots=True)
class SourceText:
    """CEL text as an author wrote it.

    Attributes:
        text: The text, after YAML has been read.
        locate: From an offset into `text` and a length, both in characters, to the place in the file. The
            offset may equal the text's length (where something is missing at its end); the length is at least
            1.
        rewrite: From the corrected text to the change of the file; None if there is none.
    """

    text: str
    locate: Callable[[int, int], Position]
    rewrite: Callable[[str], Fix | None] | None = None
