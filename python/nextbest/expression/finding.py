"""What is wrong with a text, at offsets of the text; it becomes a diagnostic wherever the text stands."""

from dataclasses import dataclass

from nextbest.diagnostics import Diagnostic, Severity
from nextbest.expression.source import SourceText

# Offset and length of a part of a text, in characters.
Stretch = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding.

    Attributes:
        code: `NB4..` is an error, `NB5..` a warning.
        message: As in a diagnostic.
        stretch: What is wrong; of length 0 where something is missing.
        help: As in a diagnostic.
    """

    code: str
    message: str
    stretch: Stretch
    help: str = ""

    def at(self, source: SourceText) -> Diagnostic:
        """Places the finding in the file that the text stands in."""
        severity = Severity.ERROR if self.code.startswith("NB4") else Severity.WARNING
        start, length = self.stretch
        position = source.locate(start, max(length, 1))
        return Diagnostic(self.code, self.message, position, self.help, severity)


def whole(text: str) -> Stretch:
    """All of a text."""
    return 0, max(len(text), 1)
