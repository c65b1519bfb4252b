"""A folder of pushed models: immutable versions named by the SHA-256 of their bytes.

    <registry>/<name>/versions/<sha256>/model.onnx, manifest.json, binding.yaml, ...
    <registry>/<name>/aliases.json

A version is written into a folder beside its place and renamed into it: it is there whole, or not at all, and
is never changed again. Whoever reads one compares its bytes with its name.
"""

import errno
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from nextbest.diagnostics.suggestion import one_of, suggest
from nextbest.models import aliases as moves
from nextbest.models.aliases import ALIASES, Aliases, Move
from nextbest.models.files import read_limited, sync_folder, write_new
from nextbest.models.limits import SIZE_BYTES_MAX
from nextbest.models.manifest import Manifest, parse_manifest, render_manifest
from nextbest.models.refusal import DAMAGED_VERSION, UNKNOWN, ModelError

FOLDER: Final = Path("models/registry")
"""Where the registry of a workspace is, unless somebody says otherwise."""
MODEL: Final = "model.onnx"
MANIFEST: Final = "manifest.json"
PREFIX_MIN: Final = 6
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
_VERSION: Final = re.compile(r"[0-9a-f]{64}")
_PREFIX: Final = re.compile(r"[0-9a-f]{6,64}")
_FILE_BYTES_MAX: Final = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Version:
    """A version of a model, by where it is; that it is whole is found out by reading it."""

    name: str
    digest: str
    folder: Path

    def __str__(self) -> str:
        return f"{self.name}@{self.digest[:12]}"


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
        return sorted(
            path.parent.name for path in self.root.glob("*/versions") if _NAME.fullmatch(path.parent.name)
        )

    def versions(self, name: str) -> list[Version]:
        """The versions of a model, by SHA-256.

        Raises:
            ModelError: NB617: there is no such model.
        """
        folder = self._folder(name) / "versions"
        found = sorted(path.name for path in folder.iterdir() if _VERSION.fullmatch(path.name))
        return [Version(name, digest, folder / digest) for digest in found]

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
                are damaged (NB618).
        """
        versions = self.versions(name)
        if reference in ALIASES:
            named = self.aliases(name).named.get(reference)
            if named is None:
                remedy = f"promote a version: nextbest model promote {name}@VERSION --alias {reference}"
                raise ModelError(f"the alias `{reference}` of `{name}` names no version yet", remedy, UNKNOWN)
            reference = named
        if not _PREFIX.fullmatch(reference):
            remedy = f"give {one_of(ALIASES)}, or at least {PREFIX_MIN} digits of a SHA-256"
            raise ModelError(f"`{reference}` is no version of `{name}`", remedy, UNKNOWN)
        found = [version for version in versions if version.digest.startswith(reference)]
        if len(found) != 1:
            message = f"`{name}` has {len(found) or 'no'} version{'s' * (len(found) > 1)} `{reference[:12]}`"
            remedy = f"see `nextbest model show {name}`" if not found else "give more digits"
            raise ModelError(message, remedy, UNKNOWN)
        return found[0]

    def manifest(self, version: Version) -> Manifest:
        """Reads the manifest of a version.

        Raises:
            ModelError: NB618: it is damaged.
        """
        try:
            manifest = parse_manifest(read_limited(version.folder / MANIFEST, _FILE_BYTES_MAX))
        except (OSError, ValueError) as error:
            raise _damaged(version, f"its manifest cannot be read: {error}") from None
        if manifest.version != version.digest or manifest.name != version.name:
            raise _damaged(version, "its manifest is that of another")
        return manifest

    def model(self, version: Version) -> bytes:
        """Reads the ONNX bytes of a version, which are those that it is named by.

        Raises:
            ModelError: NB618: they are not.
        """
        try:
            data = read_limited(version.folder / MODEL, SIZE_BYTES_MAX)
        except OSError as error:
            raise _damaged(version, f"its model cannot be read: {error.strerror or error}") from None
        if hashlib.sha256(data).hexdigest() != version.digest:
            raise _damaged(version, "its bytes are not those that it is named by")
        return data

    def file(self, version: Version, manifest: Manifest, name: str) -> bytes | None:
        """Reads another file of a version; None when it has no such file.

        Raises:
            ModelError: NB618: it is not as it was written.
        """
        expected = manifest.files.get(name)
        if expected is None:
            return None
        try:
            data = read_limited(version.folder / name, _FILE_BYTES_MAX)
        except OSError as error:
            raise _damaged(version, f"`{name}` cannot be read: {error.strerror or error}") from None
        if hashlib.sha256(data).hexdigest() != expected:
            raise _damaged(version, f"`{name}` was changed")
        return data

    def publish(self, manifest: Manifest, onnx: bytes, files: Mapping[str, bytes]) -> Version:
        """Writes a version; one that is there already is left as it is.

        Args:
            manifest: Its `files` are those given.
            onnx: The model.
            files: All else, by name.
        """
        version = self.version(manifest.name, manifest.version)
        folder = version.folder.parent
        folder.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix=".push-", dir=folder))
        try:
            for name, data in {MODEL: onnx, MANIFEST: render_manifest(manifest), **files}.items():
                write_new(fresh / name, data)
            fresh.chmod(0o755)
            sync_folder(fresh)
            os.rename(fresh, version.folder)  # noqa: PTH104 - Path.rename would do the same
            sync_folder(folder)
        except OSError as error:
            # Of two pushes of the same bytes, the second finds the folder there.
            if error.errno not in {errno.ENOTEMPTY, errno.EEXIST}:
                raise
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
        return version

    def promote(self, version: Version, alias: str, *, by: str, at: str) -> Move:
        """Lets an alias name a version; see `aliases.promote`."""
        return moves.promote(self._folder(version.name), alias, version.digest, by=by, at=at)

    def plan_promotion(self, version: Version, alias: str, *, by: str, at: str) -> Move:
        """What `promote` would do, of a version that need not be there yet; nothing is written."""
        return moves.plan_promotion(self.root / version.name, alias, version.digest, by=by, at=at)

    def roll_back(self, name: str, alias: str, *, by: str, at: str) -> Move:
        """Lets an alias name what it named before; see `aliases.roll_back`."""
        return moves.roll_back(self._folder(name), alias, by=by, at=at)

    def retire(self, version: Version, *, by: str, at: str) -> None:
        """Marks a version as not to be used again; see `aliases.retire`."""
        moves.retire(self._folder(version.name), version.digest, by=by, at=at)

    def _folder(self, name: str) -> Path:
        names = self.names()
        if name not in names:
            remedy = suggest(name, names, otherwise=f"push it: nextbest model push FILE --name {name}")
            raise ModelError(f"no model `{name}` was pushed to `{self.root}`", remedy, UNKNOWN)
        return self.root / name


def _damaged(version: Version, reason: str) -> ModelError:
    remedy = "restore its folder from a backup, or push the same file to another registry and copy it"
    return ModelError(f"the version {version} is damaged: {reason}", remedy, DAMAGED_VERSION)
