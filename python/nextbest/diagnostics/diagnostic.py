"""One finding: a stable code, a position in a file, a message and a remedy."""

from dataclasses import dataclass
from enum import StrEnum

from nextbest.diagnostics.remedy import Fix, Remedy


class Severity(StrEnum):
    """The severity of a finding. Only errors keep a workspace from being compiled.

    A note is about this version, or about values that nextbest filled in: there is nothing to correct.
    """

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A stretch of text in a file of the workspace.

    Attributes:
        file: Path relative to the workspace, with forward slashes.
        line: From 1.
        column: In characters, from 1.
        length: In characters; at least 1, and within the line.
    """

    file: str
    line: int
    column: int
    length: int = 1


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding.

    Attributes:
        code: `NB` and three digits; never reused for another meaning.
        message: Lower-case fragment without full stop; the author's text in backticks.
        position: Where; None for a finding about the workspace as a whole.
        help: The remedy, on one line; a `Remedy` if a change of the file does it.
        severity: Error, warning or note.
    """

    code: str
    message: str
    position: Position | None
    help: str = ""
    severity: Severity = Severity.ERROR

    @property
    def fix(self) -> Fix | None:
        """The change that `help` asks for; None where it is a sentence only."""
        if not isinstance(self.help, Remedy):
            return None
        change, place = self.help.change, self.position
        if isinstance(change, str) and place is not None:
            end = place.column + place.length
            return Fix(place.file, place.line, place.column, place.line, end, change)
        return change if isinstance(change, Fix) else None
