"""A remedy in words that carries the change it asks for, so that words and change cannot differ.

A remedy is a `str`, as most remedies are sentences only: what builds, passes and shows diagnostics does not
have to know which of them can be applied by a machine.
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
        line: Where the text to replace begins, from 1; likewise the column, in characters.
        column: See `line`.
        end_line: Where it ends; `end_column` is that of the first character that stays.
        end_column: See `end_line`.
        replacement: What belongs there.
    """

    file: str
    line: int
    column: int
    end_line: int
    end_column: int
    replacement: str


@dataclass(frozen=True, slots=True)
class Edit:
    """A change of an expression: what stands at a stretch of it becomes something else."""

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
        change: A text replaces what the finding marks; an `Edit` is of the expression that the finding is in;
            a `Fix` is of the file.
        words: With `{}` for the replacement.
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
