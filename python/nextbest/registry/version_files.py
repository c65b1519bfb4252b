"""The folder of a version: written whole, named by its model's SHA-256, and compared with that when read.

    model.onnx, manifest.json, manifest.json.sha256, binding.yaml, card.yaml, ...

The name of the folder protects the model, `manifest.json.sha256` the manifest, and the manifest every other
file. That finds what disks, copies and editors do to a file, but no forgery: a forger can write all three.
"""

import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from nextbest.models.limits import SIZE_BYTES_MAX
from nextbest.models.refusal import DAMAGED_VERSION, ModelError
from nextbest.registry.files import read_limited, remove_leftovers, replace, sync_folder, write_new
from nextbest.registry.manifest import CHECKED_FORMAT, Manifest, parse_manifest, render_manifest

MODEL: Final = "model.onnx"
_FRESH: Final = ".push-"
MANIFEST: Final = "manifest.json"
MANIFEST_DIGEST: Final = "manifest.json.sha256"
ROWS: Final = ("golden.parquet", "background.parquet")
"""Customers' data: a version is whole without them."""
REFERENCE: Final = "reference.json"
_FILE_BYTES_MAX: Final = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Version:
    """A version of a model, by where it is; that it is whole is found out by reading it."""

    name: str
    digest: str
    folder: Path

    def __str__(self) -> str:
        return f"{self.name}@{self.digest[:12]}"


def read_manifest(version: Version) -> Manifest:
    """Reads the manifest of a version, as it was pushed.

    Raises:
        ModelError: NB618: it is damaged.
    """
    remedy = (
        f"restore `{version.folder}` from a backup, or move that folder away and push the model again with "
        "what belongs to it"
    )
    try:
        data = read_limited(version.folder / MANIFEST, _FILE_BYTES_MAX)
        manifest = parse_manifest(data)
    except (OSError, ValueError) as error:
        raise _damaged(version, f"its manifest cannot be read: {error}", remedy) from None
    if manifest.version != version.digest or manifest.name != version.name:
        raise _damaged(version, "its manifest is that of another version", remedy)
    if manifest.format >= CHECKED_FORMAT and not _is_checked(version, data):
        raise _damaged(version, f"its manifest is not the one that `{MANIFEST_DIGEST}` names", remedy)
    return manifest


def read_model(version: Version) -> bytes:
    """Reads the ONNX bytes of a version.

    Raises:
        ModelError: NB618: they are not those that it is named by.
    """
    try:
        data = read_limited(version.folder / MODEL, SIZE_BYTES_MAX)
    except OSError as error:
        raise _damaged(version, f"its model cannot be read: {error.strerror or error}") from None
    if hashlib.sha256(data).hexdigest() != version.digest:
        raise _damaged(version, "its bytes are not those that it is named by")
    return data


def read_other(version: Version, name: str, digest: str) -> bytes | None:
    """Reads another file of a version; None for rows that are not in this copy of the registry.

    Raises:
        ModelError: NB618: it is not as it was written.
    """
    try:
        data = read_limited(version.folder / name, _FILE_BYTES_MAX)
    except OSError as error:
        if error.errno == errno.ENOENT and name in ROWS:
            return None
        raise _damaged(version, f"`{name}` cannot be read: {error.strerror or error}") from None
    if hashlib.sha256(data).hexdigest() != digest:
        raise _damaged(version, f"`{name}` was changed")
    return data


def write_version(version: Version, manifest: Manifest, onnx: bytes, files: Mapping[str, bytes]) -> None:
    """Writes a version; one that is there already is left as it is.

    The caller holds the lock of the model: folders of other pushes are left over from processes that were
    killed, and are removed, as rows of customers may be in them.

    Args:
        version: Where to; the folder above is there.
        manifest: Its `files` are those given.
        onnx: The model.
        files: All else, by name.
    """
    parent = version.folder.parent
    remove_unfinished(parent)
    fresh = Path(tempfile.mkdtemp(prefix=_FRESH, dir=parent))
    rendered = render_manifest(manifest)
    digest = _digest_file(rendered)
    try:
        for name, data in {MODEL: onnx, MANIFEST: rendered, MANIFEST_DIGEST: digest, **files}.items():
            write_new(fresh / name, data)
        fresh.chmod(0o755)
        sync_folder(fresh)
        os.rename(fresh, version.folder)  # noqa: PTH104 - Path.rename would do the same
        sync_folder(parent)
    except OSError as error:
        # Of two pushes of the same bytes, the second finds the folder there.
        if error.errno not in {errno.ENOTEMPTY, errno.EEXIST}:
            raise
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def remove_unfinished(versions: Path) -> None:
    """Removes folders of pushes that were killed; the caller holds the lock of the model."""
    for found in versions.glob(f"{_FRESH}*"):
        shutil.rmtree(found, ignore_errors=True)


def rewrite(version: Version, name: str, data: bytes) -> None:
    """Replaces a damaged file by what it should be."""
    path = version.folder / name
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    replace(path, data)
    path.chmod(0o444)


def remove(version: Version, name: str) -> None:
    """Removes a file and what killed processes wrote of it, also from the disk's list of names."""
    (version.folder / name).unlink(missing_ok=True)
    remove_leftovers(version.folder / name)
    sync_folder(version.folder)


def damage(version: Version, manifest: Manifest) -> dict[str, ModelError]:
    """The files of a version, besides its manifest, that are not as they were written."""
    found = {}
    readers = {MODEL: lambda: read_model(version)} | {
        name: lambda name=name, digest=digest: read_other(version, name, digest)
        for name, digest in manifest.files.items()
    }
    for name, read in readers.items():
        try:
            read()
        except ModelError as error:
            found[name] = error
    return found


def _is_checked(version: Version, manifest: bytes) -> bool:
    try:
        return read_limited(version.folder / MANIFEST_DIGEST, 200) == _digest_file(manifest)
    except OSError:
        return False


def _digest_file(manifest: bytes) -> bytes:
    """As `sha256sum` writes it."""
    return f"{hashlib.sha256(manifest).hexdigest()}  {MANIFEST}\n".encode()


def _damaged(version: Version, reason: str, remedy: str = "") -> ModelError:
    usual = (
        "push the same file again, with what was pushed with it: that repairs the version; or restore its "
        "folder from a backup"
    )
    return ModelError(f"the version {version} is damaged: {reason}", remedy or usual, DAMAGED_VERSION)
