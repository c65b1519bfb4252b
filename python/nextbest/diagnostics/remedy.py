"""A remedy in words with the change that it describes, so that words and change cannot differ.

A remedy is a `str`, because most remedies are sentences only: code that builds, passes and shows diagnostics
need not know which of them a program can apply.
"""

from dataclasses import dataclass
from typing import Self

Stretch = tuple[int, int]
"""Offset and length of a part of a text, in characters."""


@dataclass(frozen=True, slots=True)
class Fix:
    """A change of a file.

    Attributes:
        file: Path relative to the workspace, with forward slashes.
        line: The start of the text to replace, from 1.
        column: See `line`.
        end_line: Its end; `end_column` is the column of the first character after it.
        end_column: See `end_line`.
        replacement: The new text.
    """

    file: str
    line: int
    column: int
    end_line: int
    end_column: int
    replacement: str


@dataclass(frozen=True, slots=True)
class Edit:
    """A change of an expression: a part of it is replaced."""

    stretch: Stretch
    replacement: str

    @classmethod
    def of_all(cls, text: str, replacement: str) -> Self:
        """Replaces all of an expression."""
        return cls((0, len(text)), replacement)

    def apply(self, text: str) -> str:
        """The expression after the change."""
        start, length = self.stretch
        return text[:start] + self.replacement + text[start + length :]


class Remedy(str):
    """A remedy in words, and its change.

    Attributes:
        change: A text replaces the marked part; an `Edit` changes the expression of the finding; a `Fix`
            changes the file.
        words: With `{}` in place of the replacement.
    """

    __slots__ = ("change", "words")

    change: str | Edit | Fix
    words: str

    def __new__(cls, words: str, change: str | Edit | Fix) -> Self:
        """Joins words and change.

        Args:
            words: See the attribute.
            change: See the attribute.
        """
        replacement = change if isinstance(change, str) else change.replacement
        remedy = super().__new__(cls, words.replace("{}", replacement, 1))
        remedy.change = change
        remedy.words = words
        return remedy
