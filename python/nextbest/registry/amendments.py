"""What happens to a version after its push: revisions of its card, rows that are forgotten, repairs.

The folder of a version holds what was pushed. What comes later is kept beside the aliases, with who did it
and when, and nothing of it is ever dropped.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from nextbest.registry.card import Card
from nextbest.registry.manifest import MODEL_CARD, Manifest
from nextbest.registry.record_files import changing, read_record, store_record

FILE: Final = "amendments.json"


@dataclass(frozen=True, slots=True)
class CardRevision:
    """A card that took the place of the one before.

    Attributes:
        by: Who revised it.
        at: RFC 3339, UTC.
        card: As it is since.
        source: SHA-256 of its file.
        text: Its file.
    """

    by: str
    at: str
    card: Card
    source: str
    text: str


@dataclass(frozen=True, slots=True)
class FilesEvent:
    """Files of a version were removed permanently or, in a repair, written again.

    Attributes:
        by: Who did it.
        at: RFC 3339, UTC.
        files: Their names.
    """

    by: str
    at: str
    files: list[str]


@dataclass(frozen=True, slots=True)
class Amendments:
    """Everything that happened to the versions of a model, by SHA-256, oldest first."""

    cards: dict[str, list[CardRevision]] = field(default_factory=dict)
    forgotten: dict[str, list[FilesEvent]] = field(default_factory=dict)
    repairs: dict[str, list[FilesEvent]] = field(default_factory=dict)

    def apply(self, manifest: Manifest) -> Manifest:
        """The manifest of a version with its card as it was last revised."""
        revisions = self.cards.get(manifest.version)
        if not revisions:
            return manifest
        sources = {**manifest.sources, MODEL_CARD: revisions[-1].source}
        return replace(manifest, card=revisions[-1].card, sources=sources)

    def forgetting(self, version: str, file: str) -> FilesEvent | None:
        """When a file of a version was removed permanently; None if it was not."""
        return next((found for found in self.forgotten.get(version, []) if file in found.files), None)


def read_amendments(folder: Path) -> Amendments:
    """Reads the amendments of a model.

    Args:
        folder: Of the model, in the registry.

    Raises:
        ModelError: NB618: the file is damaged.
    """
    return read_record(folder / FILE, Amendments)


def revise_card(folder: Path, version: str, revision: CardRevision) -> None:
    """Adds a revision of a card."""
    with changing(folder):
        found = read_amendments(folder)
        cards = {**found.cards, version: [*found.cards.get(version, []), revision]}
        store_record(folder / FILE, replace(found, cards=cards))


def note_forgotten(folder: Path, version: str, removal: FilesEvent) -> None:
    """Adds that files were removed; the caller holds the lock of the folder."""
    found = read_amendments(folder)
    forgotten = {**found.forgotten, version: [*found.forgotten.get(version, []), removal]}
    store_record(folder / FILE, replace(found, forgotten=forgotten))


def note_repair(folder: Path, version: str, repair: FilesEvent) -> None:
    """Adds that files were written again; the caller holds the lock of the folder."""
    found = read_amendments(folder)
    repairs = {**found.repairs, version: [*found.repairs.get(version, []), repair]}
    store_record(folder / FILE, replace(found, repairs=repairs))
