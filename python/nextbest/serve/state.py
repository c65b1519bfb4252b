"""The folder in which a server keeps what has to outlive it: the bundle that was activated last.

    DIR/layout               "nextbest state 1": what this module reads and writes
    DIR/lock                 held by the server that uses the folder
    DIR/bundle/active.json   which bundle, when it was activated, and which bundle file it superseded
    DIR/bundle/SHA.bundle    the bundle

A bundle is written under its digest, and then `active.json` is replaced: whenever the process or the machine
stops, the folder holds the whole of the old activation or the whole of the new one. What else a crash leaves
is removed at the next start.
"""

import contextlib
import fcntl
import json
import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Self

from nextbest import bundle

LAYOUT: Final = "nextbest state 1\n"
_ACTIVE: Final = "active.json"
_TEMPORARY: Final = ".temporary"
_DIGEST: Final = re.compile("[0-9a-f]{64}")
_SUFFIX: Final = ".bundle"


class StateError(Exception):
    """A state folder cannot be used; `message` has the reason, `help` the remedy."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.message = message
        self.help = remedy


class StateTakenError(StateError):
    """Another server has the folder."""


class DamagedError(Exception):
    """The stored state cannot be read; the message has the reason."""


@dataclass(frozen=True, slots=True)
class Kept:
    """An activation that is kept.

    Attributes:
        digest: Of the bundle.
        supersedes: Digest of the bundle file that the server was started with.
        activated_at: In UTC.
    """

    digest: str
    supersedes: str
    activated_at: datetime


class State:
    """A state folder that this process has for itself."""

    def __init__(self, folder: Path) -> None:
        """Opens the folder, and creates it where there is none.

        Raises:
            StateTakenError: Another server has it.
            StateError: It cannot be written, or a later version of nextbest has written it.
        """
        self.folder = folder
        self._bundles = folder / "bundle"
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._bundles.mkdir(mode=0o700, exist_ok=True)
            self._lock = _lock(folder)
            self._check_layout()
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise StateError(
                f"the state folder `{folder}` cannot be used: {reason}",
                "name a folder that this user may write with --state or NEXTBEST_STATE",
            ) from None

    def close(self) -> None:
        """Leaves the folder to others."""
        os.close(self._lock)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def kept(self) -> Kept | None:
        """Returns the activation that is kept.

        Raises:
            DamagedError: It cannot be read.
        """
        try:
            read = json.loads((self._bundles / _ACTIVE).read_bytes())
            kept = _parse(read)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise DamagedError(f"{self._bundles / _ACTIVE}: {type(error).__name__}: {error}") from None
        return kept

    def read(self, kept: Kept) -> bytes:
        """Returns the bundle of an activation.

        Raises:
            DamagedError: It is not there, or its bytes are not those that were kept.
        """
        file = self._file(kept.digest)
        try:
            data = file.read_bytes()
        except (OSError, ValueError) as error:
            raise DamagedError(f"{file}: {getattr(error, 'strerror', None) or error}") from None
        if bundle.digest(data) != kept.digest:
            raise DamagedError(f"{file}: its bytes have changed since it was written")
        return data

    def prepare(self, data: bytes) -> None:
        """Writes a bundle, without making it the one that is kept: all that a full disk can prevent.

        Raises:
            OSError: It cannot be written; what is kept stays.
        """
        _write(self._file(bundle.digest(data)), data)

    def commit(self, kept: Kept) -> None:
        """Keeps a bundle that is prepared in place of the one before.

        Raises:
            OSError: It cannot be written; what was kept stays.
        """
        content = {
            "bundle": kept.digest,
            "supersedes": kept.supersedes,
            "activated_at": kept.activated_at.astimezone(UTC).isoformat(),
        }
        _write(self._bundles / _ACTIVE, json.dumps(content, indent=2).encode() + b"\n")
        self.clean()

    def discard(self) -> None:
        """Keeps nothing any more.

        Raises:
            OSError: The folder cannot be written.
        """
        (self._bundles / _ACTIVE).unlink(missing_ok=True)
        _sync_folder(self._bundles)
        self.clean()

    def clean(self) -> None:
        """Removes bundles that are not kept: what a crash or a refused activation has left."""
        try:
            kept = self.kept()
        except DamagedError:
            # The operator who repairs it by hand may want these files.
            return
        keep = None if kept is None else self._file(kept.digest)
        with contextlib.suppress(OSError):
            for file in self._bundles.iterdir():
                if file.name.endswith((_SUFFIX, _TEMPORARY)) and file != keep:
                    file.unlink(missing_ok=True)

    def _file(self, digest: str) -> Path:
        return self._bundles / f"{digest}{_SUFFIX}"

    def _check_layout(self) -> None:
        file = self.folder / "layout"
        try:
            found = file.read_text(encoding="utf-8")
        except FileNotFoundError:
            _write(file, LAYOUT.encode())
            return
        if found != LAYOUT:
            raise StateError(
                f"the state folder `{self.folder}` has another layout: `{found.strip()[:80]}`, and this "
                f"version of nextbest reads `{LAYOUT.strip()}`",
                "run the version of nextbest that wrote it, or name another folder with --state",
            )


def _parse(read: Any) -> Kept:
    digests = (read["bundle"], read["supersedes"])
    if not all(isinstance(digest, str) and _DIGEST.fullmatch(digest) for digest in digests):
        raise ValueError("a digest has 64 hexadecimal digits")
    activated_at = datetime.fromisoformat(read["activated_at"])
    if activated_at.tzinfo is None:
        raise ValueError("the time of the activation has no zone")
    return Kept(*digests, activated_at)


def _lock(folder: Path) -> int:
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip()
        os.close(descriptor)
        raise StateTakenError(
            f"the state folder `{folder}` is in use by another server, process {holder or 'unknown'}",
            "stop that server, or give this one a folder with --state that no other uses",
        ) from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return descriptor


def _write(file: Path, data: bytes) -> None:
    """Replaces a file: by all of the data, or not at all, also when the machine stops."""
    temporary = file.with_name(file.name + _TEMPORARY)
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(descriptor, rest) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        temporary.replace(file)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(file.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
