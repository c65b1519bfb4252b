"""Files that people name in settings -> their bytes, without waiting and without end.

A named pipe waits for a writer, and a device such as /dev/zero never ends: neither is a certificate or an
access file.
"""

import errno
import os
import stat
from pathlib import Path
from typing import Final

BYTES_MAX: Final = 16 * 1024 * 1024
"""Far more than any certificate, key or access file."""


def read(path: Path, bytes_max: int = BYTES_MAX) -> bytes:
    """Reads a file.

    Args:
        path: Of a regular file, or a link to one.
        bytes_max: It may have so many.

    Raises:
        OSError: It cannot be read, is not a regular file, or is too large.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if stat.S_ISDIR(found.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "not a regular file", str(path))
        if found.st_size > bytes_max:
            raise OSError(errno.EFBIG, f"larger than {bytes_max:,} bytes", str(path))
        return file.read(bytes_max)
