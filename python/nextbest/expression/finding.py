"""An error or warning in a text, at offsets of the text; a diagnostic wherever the text is written."""

import re
from dataclasses import dataclass

from nextbest.diagnostics import Diagnostic, Edit, Fix, Remedy, Severity
from nextbest.diagnostics.remedy import Stretch
from nextbest.expression.source import SourceText

NAME = re.compile(r"[A-Za-z_][\w.]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding.

    Attributes:
        code: `NB4..` is an error, `NB5..` a warning.
        message: As in a diagnostic.
        stretch: The marked part; of length 0 where something is missing.
        help: As in a diagnostic; an `Edit` of a `Remedy` is one of the text.
        otherwise: The remedy if the text of `help` has errors itself.
    """

    code: str
    message: str
    stretch: Stretch
    help: str = ""
    otherwise: str = ""

    def at(self, source: SourceText) -> Diagnostic:
        """Maps the finding to the file in which the text is written."""
        severity = Severity.ERROR if self.code.startswith("NB4") else Severity.WARNING
        start, length = self.stretch
        position = source.locate(start, max(length, 1))
        return Diagnostic(self.code, self.message, position, self._help(source), severity)

    @property
    def edit(self) -> Edit | None:
        """The change of the text that the remedy asks for."""
        if not isinstance(self.help, Remedy):
            return None
        change = self.help.change
        if isinstance(change, str):
            return Edit(self.stretch, change)
        return change if isinstance(change, Edit) else None

    def _help(self, source: SourceText) -> str:
        """The remedy, with its change as the file needs it: quoted if the text is in quotes."""
        edit = self.edit
        if not isinstance(self.help, Remedy) or edit is None or source.rewrite is None:
            return str(self.help)
        if edit.stretch == (0, len(source.text)):
            fix = source.rewrite(edit.replacement)
            return str(self.help) if fix is None else Remedy(self.help.words, fix)
        place = source.locate(*edit.stretch)
        if place.length != edit.stretch[1] or not NAME.fullmatch(edit.replacement):
            fix = source.rewrite(edit.apply(source.text))
            return str(self.help) if fix is None else Remedy(self.help.words, fix)
        # Names are written in the same way in all quotes.
        end = place.column + place.length
        fix = Fix(place.file, place.line, place.column, place.line, end, edit.replacement)
        return Remedy(self.help.words, fix)


def instead(words: str, text: str, stretch: Stretch) -> Remedy:
    """A remedy that replaces a text; `{}` in the words is the replacement."""
    return Remedy(words, Edit(stretch, text))


def whole(text: str) -> Stretch:
    """All of a text."""
    return 0, max(len(text), 1)
