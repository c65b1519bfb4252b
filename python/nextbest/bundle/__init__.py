"""Bundle files: written from a compiled workspace, read back, and decided on in this process."""

from nextbest.bundle.file import (
    FORMAT,
    MAGIC,
    SIZE_BYTES_MAX,
    BundleDefect,
    BundleError,
    Sealed,
    digest,
    read,
    seal,
)

__all__ = [
    "FORMAT",
    "MAGIC",
    "SIZE_BYTES_MAX",
    "BundleDefect",
    "BundleError",
    "Sealed",
    "digest",
    "read",
    "seal",
]
