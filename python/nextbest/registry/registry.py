"""A folder of pushed models: immutable versions named by the SHA-256 of their bytes.

    <registry>/<name>/versions/<sha256>/model.onnx, manifest.json, binding.yaml, ...
    <registry>/<name>/aliases.json, amendments.json

A version is written into a folder beside its place and renamed into it: it is there whole, or not at all, and
is never changed again. Commands that use a version verify it first.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from nextbest.diagnostics.suggestion import one_of, suggest
from nextbest.models.refusal import DAMAGED_VERSION, UNKNOWN, ModelError
from nextbest.registry import aliases as moves
from nextbest.registry import amendments, version_files
from nextbest.registry.aliases import ALIASES, Aliases, Grounds, Move
from nextbest.registry.amendments import Amendments, CardRevision, FilesEvent
from nextbest.registry.kept_rows import create_ignore_file
from nextbest.registry.manifest import Manifest
from nextbest.registry.record_files import changing
from nextbest.registry.version_files import REFERENCE, ROWS, Version

__all__ = ["FOLDER", "PREFIX_MIN", "Registry", "Version", "Waiver", "is_name"]

FOLDER: Final = Path("models/registry")
"""The default registry of a workspace."""
PREFIX_MIN: Final = 6
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
_VERSION: Final = re.compile(r"[0-9a-f]{64}")
_PREFIX: Final = re.compile(r"[0-9a-f]{6,64}")


@dataclass(frozen=True, slots=True)
class Waiver:
    """Lets a version be champion that was pushed without golden rows.

    Attributes:
        reason: Why; empty for no reason.
        is_first_waived: The first champion of a model needs no reason.
    """

    reason: str = ""
    is_first_waived: bool = True


def is_name(text: str) -> bool:
    """Whether a model can have this name, which is that of a folder too."""
    return _NAME.fullmatch(text) is not None


class Registry:
    """The models in a folder, which need not exist before one is pushed."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def names(self) -> list[str]:
        """The models that have been pushed."""
        if not self.root.is_dir():
            return []
        folders = (path.parent for path in self.root.glob("*/versions"))
        return sorted(
            folder.name for folder in folders if _NAME.fullmatch(folder.name) and _is_pushed(folder)
        )

    def versions(self, name: str) -> list[Version]:
        """The versions of a model, by SHA-256.

        Raises:
            ModelError: NB617: there is no such model.
        """
        folder = self._folder(name)
        return [Version(name, digest, folder / "versions" / digest) for digest in _digests(folder)]

    def version(self, name: str, digest: str) -> Version:
        """A version by its name and SHA-256, whether it is there or not."""
        return Version(name, digest, self.root / name / "versions" / digest)

    def aliases(self, name: str) -> Aliases:
        """The aliases of a model.

        Raises:
            ModelError: NB617 or NB618.
        """
        return moves.read_aliases(self._folder(name))

    def resolve(self, name: str, reference: str) -> Version:
        """Finds a version.

        Args:
            name: Of the model.
            reference: An alias, a SHA-256, or at least `PREFIX_MIN` of its first digits.

        Raises:
            ModelError: There is no such model or version, or several have these digits (NB617); the aliases
                are damaged, or name a version that is not there (NB618).
        """
        versions = self.versions(name)
        if reference in ALIASES:
            named = self.aliases(name).named.get(reference)
            if named is None:
                remedy = f"promote a version: nextbest model promote {name}@VERSION --alias {reference}"
                raise ModelError(f"the alias `{reference}` of `{name}` names no version yet", remedy, UNKNOWN)
            if named not in [version.digest for version in versions]:
                remedy = (
                    f"restore its folder, or promote another: nextbest model promote {name}@VERSION "
                    f"--alias {reference}"
                )
                message = f"`{reference}` of `{name}` names the version {named[:12]}, which is not there"
                raise ModelError(message, remedy, DAMAGED_VERSION)
            reference = named
        if not _PREFIX.fullmatch(reference):
            remedy = f"give {one_of(ALIASES)}, or at least {PREFIX_MIN} digits of a SHA-256"
            raise ModelError(f"`{reference}` is not a version of `{name}`", remedy, UNKNOWN)
        found = [version for version in versions if version.digest.startswith(reference)]
        if len(found) != 1:
            message = f"`{name}` has {len(found) or 'no'} version{'s' * (len(found) > 1)} `{reference[:12]}`"
            remedy = f"see `nextbest model show {name}`" if not found else "give more digits"
            raise ModelError(message, remedy, UNKNOWN)
        return found[0]

    def manifest(self, version: Version) -> Manifest:
        """Reads the manifest of a version, with its card as it was last revised.

        Raises:
            ModelError: NB618: it is damaged.
        """
        return self.amendments(version.name).apply(version_files.read_manifest(version))

    def amendments(self, name: str) -> Amendments:
        """What has happened to the versions of a model since they were pushed.

        Raises:
            ModelError: NB617 or NB618.
        """
        return amendments.read_amendments(self._folder(name))

    def model(self, version: Version) -> bytes:
        """Reads the ONNX bytes of a version, which are those that it is named by.

        Raises:
            ModelError: NB618: they are not.
        """
        return version_files.read_model(version)

    def file(self, version: Version, manifest: Manifest, name: str) -> bytes | None:
        """Reads another file of a version; None when it has no such file, or no longer.

        Raises:
            ModelError: NB618: it is not as it was written.
        """
        digest = manifest.files.get(name)
        if digest is None or self.amendments(version.name).forgetting(version.digest, name) is not None:
            return None
        return version_files.read_other(version, name, digest)

    def verify(self, version: Version) -> Manifest:
        """Reads all files of a version, before it is used; returns its manifest.

        Raises:
            ModelError: NB618: one of them is not as it was written.
        """
        manifest = self.manifest(version)
        for error in self.damage(version, manifest).values():
            raise error
        return manifest

    def damage(self, version: Version, manifest: Manifest) -> dict[str, ModelError]:
        """The files of a version, besides its manifest, that are not as they were written."""
        forgotten = self.amendments(version.name).forgotten.get(version.digest, [])
        gone = {name for event in forgotten for name in event.files}
        found = version_files.damage(version, manifest)
        return {name: error for name, error in found.items() if name not in gone}

    def absent_rows(self, version: Version, manifest: Manifest) -> list[str]:
        """Rows that were pushed with a version, were not forgotten, and are not in this copy."""
        found = self.amendments(version.name)
        return [
            name
            for name in ROWS
            if name in manifest.files
            and found.forgetting(version.digest, name) is None
            and not (version.folder / name).exists()
        ]

    def publish(self, manifest: Manifest, onnx: bytes, files: Mapping[str, bytes]) -> Version:
        """Writes a version; one that is there already is left as it is.

        Args:
            manifest: Its `files` are those given.
            onnx: The model.
            files: All else, by name.
        """
        version = self.version(manifest.name, manifest.version)
        create_ignore_file(self.root)
        version.folder.parent.mkdir(parents=True, exist_ok=True)
        with changing(self.root / manifest.name):
            version_files.write_version(version, manifest, onnx, files)
        return version

    def repair(self, version: Version, files: Mapping[str, bytes], *, by: str, at: str) -> None:
        """Writes damaged files of a version again, and records it; rows that were forgotten stay away.

        Rows that this copy of the registry lacks, as a clone does, are added again; that is not a repair.

        Args:
            version: Which.
            files: What they should be; the caller has compared it with the manifest.
            by: Who repairs it.
            at: RFC 3339, UTC.
        """
        folder = self._folder(version.name)
        with changing(folder):
            # They may have been forgotten since the caller looked.
            known = self.amendments(version.name)
            names = [name for name in files if known.forgetting(version.digest, name) is None]
            absent = {name for name in ROWS if not (version.folder / name).exists()}
            for name in names:
                version_files.rewrite(version, name, files[name])
            damaged = sorted(set(names) - absent)
            if damaged:
                amendments.note_repair(folder, version.digest, FilesEvent(by, at, damaged))

    def forget_rows(self, version: Version, *, by: str, at: str, with_reference: bool = False) -> list[str]:
        """Removes the golden rows and the background sample of a version permanently, and records it.

        Args:
            version: Which; its manifest stays as it is.
            by: Who does it.
            at: RFC 3339, UTC.
            with_reference: The histograms of the background sample, too.

        Returns:
            The files that are forgotten now, and were not before.
        """
        manifest = self.manifest(version)
        folder = self._folder(version.name)
        wanted = (*ROWS, REFERENCE) if with_reference else ROWS
        names = [name for name in wanted if name in manifest.files]
        with changing(folder):
            # A push of the same bytes that was killed left the rows beside the version.
            version_files.remove_unfinished(version.folder.parent)
            known = self.amendments(version.name)
            # Removed first: a record of rows that are still there would be wrong.
            for name in names:
                version_files.remove(version, name)
            fresh = [name for name in names if known.forgetting(version.digest, name) is None]
            if fresh:
                amendments.note_forgotten(folder, version.digest, FilesEvent(by, at, fresh))
        return fresh

    def fate_of(self, version: Version, manifest: Manifest, name: str) -> str:
        """Why a file that was pushed with a version is missing; empty if it is there, or never was."""
        if name not in manifest.files:
            return ""
        event = self.amendments(version.name).forgetting(version.digest, name)
        if event is not None:
            return f"forgotten on {event.at} by {event.by}"
        return "" if (version.folder / name).exists() else "not in this copy of the registry"

    def revise_card(self, version: Version, revision: CardRevision) -> None:
        """Puts another card in the place of a version's; every one before is kept.

        Raises:
            ModelError: NB618: the version is damaged.
        """
        self.verify(version)
        amendments.revise_card(self._folder(version.name), version.digest, revision)

    def promote(
        self, version: Version, alias: str, *, by: str, at: str, waiver: Waiver | None = None
    ) -> Move:
        """Lets an alias name a version; see `aliases.promote`.

        Raises:
            ModelError: NB618: the version is damaged; and those of `aliases.promote`.
        """
        grounds = _grounds(self.verify(version), waiver)
        move = Move(alias, "", version.digest, by, at)
        return moves.promote(self._folder(version.name), move, grounds)

    def plan_promotion(self, manifest: Manifest, move: Move, waiver: Waiver | None = None) -> Move:
        """What `promote` would do, of a version that need not be there yet; nothing is written."""
        is_published = self.version(manifest.name, manifest.version).folder.exists()
        grounds = replace(_grounds(manifest, waiver), is_published=is_published)
        return moves.plan_promotion(self.root / manifest.name, move, grounds)

    def roll_back(self, name: str, alias: str, *, by: str, at: str) -> Move:
        """Lets an alias name what it named before; see `aliases.roll_back`.

        Raises:
            ModelError: NB618: that version is damaged; and those of `aliases.roll_back`.
        """

        def check(digest: str) -> None:
            self.verify(self.resolve(name, digest))

        return moves.roll_back(self._folder(name), alias, check, by=by, at=at)

    def retire(self, version: Version, *, by: str, at: str) -> None:
        """Marks a version as not to be used again; see `aliases.retire`."""
        moves.retire(self._folder(version.name), version.digest, by=by, at=at)

    def _folder(self, name: str) -> Path:
        names = self.names()
        if name not in names:
            remedy = suggest(name, names, otherwise=f"push it: nextbest model push FILE --name {name}")
            raise ModelError(f"no model `{name}` was pushed to `{self.root}`", remedy, UNKNOWN)
        return self.root / name


def _is_pushed(folder: Path) -> bool:
    """Whether a first push was not killed before it was done."""
    return bool(_digests(folder)) or (folder / moves.FILE).exists()


def _digests(folder: Path) -> list[str]:
    """The versions in the folder of a model."""
    return sorted(path.name for path in (folder / "versions").iterdir() if _VERSION.fullmatch(path.name))


def _grounds(manifest: Manifest, waiver: Waiver | None) -> Grounds:
    given = waiver or Waiver()
    return Grounds(manifest.report.golden is not None, given.reason, given.is_first_waived)
