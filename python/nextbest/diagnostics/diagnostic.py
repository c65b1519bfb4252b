"""One finding: a stable code, a position in a file, a message and a remedy."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How grave a finding is. Only errors keep a workspace from being compiled."""

    ERROR = "error"
    WARNING = "warning"


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
        help: What to do about it.
        severity: Error or warning.
    """

    code: str
    message: str
    position: Position | None
    help: str = ""
    severity: Severity = Severity.ERROR
