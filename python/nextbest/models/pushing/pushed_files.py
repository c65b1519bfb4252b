"""`binding.yaml` and `card.yaml` of a push -> what they define, with where it is written."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from nextbest.diagnostics import Diagnostic, Severity
from nextbest.registry.card import Card
from nextbest.workspace.definitions import CardFile, Definition, Kind
from nextbest.workspace.document import Document
from nextbest.workspace.files import read_file
from nextbest.workspace.source import FILE_BYTES_MAX, parse
from nextbest.workspace.validation import validate


@dataclass(frozen=True, slots=True)
class Written:
    """A YAML file: its bytes, its data and their positions."""

    content: bytes
    document: Document
    definition: Definition


@dataclass(slots=True)
class Findings:
    """The findings of such files, and their lines."""

    diagnostics: list[Diagnostic] = field(default_factory=list)
    sources: dict[str, Sequence[str]] = field(default_factory=dict)

    @property
    def is_refused(self) -> bool:
        """Whether there is an error."""
        return any(found.severity is Severity.ERROR for found in self.diagnostics)


def read_written(path: Path | None, kind: Kind, findings: Findings) -> Written | None:
    """Reads a file.

    Returns:
        None if there is no file, or it cannot be used; `findings` has the reason.

    Raises:
        OSError: It cannot be read.
    """
    if path is None:
        return None
    content = read_file(path, FILE_BYTES_MAX)
    document, diagnostics = parse(str(path), content)
    findings.sources[document.file] = document.lines
    definition = None
    if document.node is not None:
        definition, found = validate(document, kind)
        diagnostics += found
    elif not diagnostics:
        diagnostics = [Diagnostic("NB111", "this file is empty", document.value(), "fill it in")]
    findings.diagnostics += diagnostics
    return Written(content, document, definition) if definition is not None else None


def card_of(written: Written | None, findings: Findings) -> Card | None:
    """The model card that a file defines; warns of one that has expired already."""
    if written is None or not isinstance(written.definition, CardFile):
        return None
    given = written.definition
    card = Card(
        owner=given.owner,
        description=given.description,
        trained_from=given.training.from_ if given.training is not None else "",
        trained_until=given.training.until if given.training is not None else "",
        population=given.population,
        metrics=dict(given.metrics),
        limits=list(given.limits),
        expires=given.expires or "",
    )
    if card.is_expired(datetime.now(UTC)):
        position = written.document.value("expires")
        message = f"the model card expired on {card.expires}"
        remedy = "train the model again, or write a later date into its card"
        findings.diagnostics.append(Diagnostic("NB620", message, position, remedy, Severity.WARNING))
    return card
