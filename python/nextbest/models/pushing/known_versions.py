"""Bytes that are in the registry already -> their version, with damaged files repaired and the card revised.

A version never changes: a repeated push has to bring what was pushed before, except for the model card, which
its owner may revise. Files that were damaged are written again from the push.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from nextbest.diagnostics import Diagnostic, Severity
from nextbest.models import ModelError
from nextbest.models.refusal import ANOTHER, DAMAGED_VERSION
from nextbest.registry.amendments import CardRevision
from nextbest.registry.card import Card
from nextbest.registry.manifest import MODEL_CARD, Manifest
from nextbest.registry.registry import Registry, Version
from nextbest.registry.version_files import MODEL

_OTHERWISE: Final = (
    "push it with the files that it was pushed with, or export it again with a new entry in "
    "metadata_props, which makes it a new version; a workspace may override the binding in its model file"
)

# What is pushed with a model, by its name in manifests: as it is called, and another one of it.
_WORDS: Final = {
    "bindings": ("a binding", "another binding"),
    "golden rows": ("golden rows", "other golden rows"),
    "background sample": ("a background sample", "another background sample"),
}


@dataclass(frozen=True, slots=True)
class Known:
    """A version that is there already.

    Attributes:
        version: Which.
        manifest: Its own, with the card as last revised.
        damaged: Its files that have changed since they were written, each with the finding.
        absent: Rows that this copy of the registry lacks, and the push brings.
        has_new_card: Whether the push brings another card.
    """

    version: Version
    manifest: Manifest
    damaged: dict[str, ModelError] = field(default_factory=dict)
    absent: list[str] = field(default_factory=list)
    has_new_card: bool = False

    @property
    def needs_files(self) -> bool:
        """Whether files have to be written again."""
        return bool(self.damaged or self.absent)

    def mended(self, files: Mapping[str, bytes]) -> dict[str, bytes]:
        """The files to write again, as they were.

        Args:
            files: What the push brings, the model included.

        Raises:
            ModelError: NB618: the push does not bring the original of a damaged file.
        """
        right = {MODEL: self.version.digest, **self.manifest.files}
        found = {
            name: files[name]
            for name in (*self.damaged, *self.absent)
            if name in files and hashlib.sha256(files[name]).hexdigest() == right[name]
        }
        for name in self.damaged.keys() - found.keys():
            message = f"{self.damaged[name].message}, and the push brings another file than the original"
            remedy = (
                f"restore `{self.version.folder}` from a backup, or move that folder away and push the model "
                "again"
            )
            raise ModelError(message, remedy, DAMAGED_VERSION)
        return found

    def warnings(self) -> list[Diagnostic]:
        """Warns of damage, because it may happen again."""
        if not self.damaged:
            return []
        names = " and ".join(f"`{name}`" for name in self.damaged)
        message = f"the version {self.version} was damaged: {names} had to be written again"
        remedy = "find out what changed it: a disk, a copy or an editor may do it again"
        return [Diagnostic(DAMAGED_VERSION, message, None, remedy, Severity.WARNING)]


def look_up(registry: Registry, name: str, digest: str, sources: Mapping[str, str]) -> Known | None:
    """Finds the version that has these bytes already.

    Args:
        registry: Where to look.
        name: Of the model.
        digest: SHA-256 of the bytes.
        sources: SHA-256 of the files that are pushed with them.

    Raises:
        ModelError: They were pushed with something else beside them (NB668), or the version is too damaged to
            be compared (NB618).
    """
    if name not in registry.names():
        return None
    found = [version for version in registry.versions(name) if version.digest == digest]
    if not found:
        return None
    (version,) = found
    manifest = registry.manifest(version)
    damaged = registry.damage(version, manifest)
    different = [
        what
        for what in dict.fromkeys((*sources, *manifest.sources))
        if what != MODEL_CARD and sources.get(what) != manifest.sources.get(what)
    ]
    has_new_card = sources.get(MODEL_CARD) not in {None, manifest.sources.get(MODEL_CARD)}
    if different:
        before = " and ".join(_before(what, sources, manifest) for what in different)
        message = f"these bytes are the version {version} already, which was pushed {before}"
        for error in damaged.values():
            raise ModelError(f"{error.message}; {message}", _OTHERWISE, DAMAGED_VERSION)
        raise ModelError(message, _OTHERWISE, ANOTHER)
    return Known(version, manifest, damaged, registry.absent_rows(version, manifest), has_new_card)


def _before(what: str, sources: Mapping[str, str], manifest: Manifest) -> str:
    """How the first push of a version differed from this one."""
    one, another = _WORDS.get(what, (what, f"other {what}"))
    if what not in manifest.sources:
        return f"without {one}"
    return f"with {another if what in sources else one}"


def revision_of(card: Card, content: bytes, *, by: str, at: str) -> CardRevision:
    """The revision that a card file results in."""
    return CardRevision(by, at, card, hashlib.sha256(content).hexdigest(), content.decode())
