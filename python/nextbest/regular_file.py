"""Files that people name -> their bytes, without waiting for ever.

A named pipe waits for a writer, and a device such as /dev/zero never ends: neither is a certificate, a bundle
or a table of customers.
"""

import errno
import os
import stat
from contextlib import ExitStack
from io import BufferedReader
from pathlib import Path
from typing import Final

BYTES_MAX: Final = 16 * 1024 * 1024
"""Far more than any certificate, key or access file."""


def open_file(path: Path) -> BufferedReader:
    """Opens a file for reading.

    Args:
        path: Of a regular file, or a link to one.

    Raises:
        OSError: It cannot be read, or is not a regular file.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with ExitStack() as stack:
        stack.callback(os.close, descriptor)
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, "not a regular file", str(path))
        stack.pop_all()
    return os.fdopen(descriptor, "rb")


def read(path: Path, bytes_max: int = BYTES_MAX) -> bytes:
    """Reads a file.

    Args:
        path: Of a regular file, or a link to one.
        bytes_max: The maximum size.

    Raises:
        OSError: It cannot be read, is not a regular file, or is too large.
    """
    with open_file(path) as file:
        if os.fstat(file.fileno()).st_size > bytes_max:
            raise OSError(errno.EFBIG, f"larger than {bytes_max:,} bytes", str(path))
        return file.read(bytes_max)
