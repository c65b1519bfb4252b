"""Files of the registry: written whole or not at all, and read no further than a limit."""

import contextlib
import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from pathlib import Path

READ_ONLY = 0o444


def write_new(path: Path, data: bytes) -> None:
    """Writes a new, read-only file to the disk; it must not exist."""
    with _naming(path), open(path, "xb", opener=_read_only) as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def replace(path: Path, data: bytes) -> None:
    """Replaces a file: a reader sees the old bytes or the new ones, also after a crash.

    The caller holds the lock of the folder's model: other files that were to replace this one are left over
    from processes that were killed, and are removed.
    """
    remove_leftovers(path)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    with _naming(path), fresh.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    sync_folder(path.parent)


def remove_leftovers(path: Path) -> None:
    """Removes what killed processes wrote of a file, before it replaced the file."""
    for found in path.parent.glob(f".{path.name}.*"):
        found.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Brings the names in a folder to the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_limited(path: Path, size_bytes_max: int) -> bytes:
    """Reads a regular file; of a larger one, one byte more than the limit.

    Raises:
        OSError: It cannot be read, or is not a regular file.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "not a regular file")
        return file.read(size_bytes_max + 1)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Holds a lock on a file, which is created if it does not exist; waits for the current holder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        # Closing it gives the lock back.
        os.close(descriptor)


@contextlib.contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Names the file in the error of a write, which has no name: a disk is full."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or str(path)
        raise


def _read_only(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC, READ_ONLY)
