"""A path -> the bytes of a regular file, never more than a limit, and never waiting for a pipe or device."""

import errno
import os
from pathlib import Path


def read_file(path: Path, bytes_max: int) -> bytes:
    """Reads a file.

    Args:
        path: A regular file, or a link to one.
        bytes_max: Of a larger file, one byte more than this is read, so that the caller notices.

    Raises:
        OSError: The file cannot be read, or is not a regular file.
    """
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "not a regular file")
    with path.open("rb") as file:
        return file.read(bytes_max + 1)


def is_text(name: str) -> bool:
    """Whether a file's name is UTF-8, so that a bundle can hold it."""
    return os.fsencode(name).decode(errors="replace") == name


def is_folder(path: Path) -> bool:
    """Whether a path is a folder or a link to one; False if that cannot be determined."""
    try:
        return path.is_dir()
    except OSError:
        return False
