"""Turns a compiled workspace into the bytes of a bundle file, and a bundle file back into its message.

The format is described in `proto/nextbest/v1/bundle.proto`: magic, format number, length, payload, SHA-256.
The data plane checks the payload when it opens the bundle (every index in range, every program well-formed);
this module only checks the envelope.
"""

import hashlib
import struct
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from google.protobuf.message import DecodeError

from nextbest.v1.bundle_pb2 import Bundle

MAGIC: Final = b"nextbest"
FORMAT: Final = 1
SIZE_BYTES_MAX: Final = 512 * 1024 * 1024
"""Of a whole file. Ten thousand actions take some 10 MB; the rest is room for models."""

_HEADER: Final = struct.Struct("<8sIQ")
_DIGEST_BYTES: Final = 32
_ENVELOPE_BYTES: Final = _HEADER.size + _DIGEST_BYTES


class BundleDefect(StrEnum):
    """What keeps a file from being read as a bundle."""

    NOT_A_BUNDLE = "not a bundle"
    NEWER_FORMAT = "newer format"
    OVERSIZED = "oversized"
    TRUNCATED = "truncated"
    DAMAGED = "damaged"


class BundleError(Exception):
    """A file that cannot be read as a bundle, or a bundle that cannot be written.

    Attributes:
        defect: What kind of fault.
        message: Lower-case fragment without full stop.
        help: What to do about it.
    """

    def __init__(self, defect: BundleDefect, message: str, remedy: str) -> None:
        super().__init__(f"{message}: {remedy}")
        self.defect = defect
        self.message = message
        self.help = remedy


@dataclass(frozen=True, slots=True)
class Sealed:
    """A bundle file.

    Attributes:
        data: The file's bytes.
        digest: SHA-256 of `data` in lower-case hexadecimal: the bundle's name, and what `sha256sum` prints.
    """

    data: bytes
    digest: str


def seal(bundle: Bundle) -> Sealed:
    """Encodes a bundle. The same message gives the same bytes.

    Raises:
        BundleError: The file would exceed `SIZE_BYTES_MAX`.
    """
    payload = bundle.SerializeToString(deterministic=True)
    size = len(payload) + _ENVELOPE_BYTES
    if size > SIZE_BYTES_MAX:
        raise _oversized(size)
    signed = _HEADER.pack(MAGIC, FORMAT, len(payload)) + payload
    data = signed + hashlib.sha256(signed).digest()
    return Sealed(data, digest(data))


def digest(data: bytes) -> str:
    """Names a bundle file: SHA-256 of its bytes in lower-case hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def read(data: bytes) -> Bundle:
    """Decodes a bundle file.

    Raises:
        BundleError: The bytes are not a complete, undamaged bundle in a format that this version knows.
    """
    if not data or not data.startswith(MAGIC[: len(data)]):
        raise BundleError(
            BundleDefect.NOT_A_BUNDLE,
            f"not a bundle: it does not begin with `{MAGIC.decode()}`",
            "compile the workspace with `nextbest compile` and give the file it writes",
        )
    if len(data) > SIZE_BYTES_MAX:
        raise _oversized(len(data))
    if len(data) < _HEADER.size:
        raise _truncated(len(data), _ENVELOPE_BYTES)
    _, format_number, payload_bytes = _HEADER.unpack_from(data)
    _require_format(format_number)
    size = payload_bytes + _ENVELOPE_BYTES
    if size > SIZE_BYTES_MAX:
        raise _oversized(size)
    if len(data) < size:
        raise _truncated(len(data), size)
    if len(data) > size:
        raise _damaged(f"{len(data) - size} bytes too many")
    if hashlib.sha256(data[:-_DIGEST_BYTES]).digest() != data[-_DIGEST_BYTES:]:
        raise _damaged("its checksum does not match its content")
    try:
        return Bundle.FromString(data[_HEADER.size : -_DIGEST_BYTES])
    except DecodeError:
        raise _damaged("its checksum matches, but its content is not a bundle message") from None


def _require_format(number: int) -> None:
    if number == 0:
        raise _damaged("format 0 does not exist")
    if number != FORMAT:
        raise BundleError(
            BundleDefect.NEWER_FORMAT,
            f"written in format {number}, this version reads format {FORMAT}",
            "upgrade nextbest, or compile the workspace again with this version",
        )


def _damaged(cause: str) -> BundleError:
    return BundleError(BundleDefect.DAMAGED, f"damaged: {cause}", "copy the file again, or compile it again")


def _truncated(found: int, expected: int) -> BundleError:
    return BundleError(
        BundleDefect.TRUNCATED,
        f"truncated: {found:,} bytes of at least {expected:,}",
        "copy the file again, or compile it again",
    )


def _oversized(size: int) -> BundleError:
    return BundleError(
        BundleDefect.OVERSIZED,
        f"oversized: {size:,} bytes, at most {SIZE_BYTES_MAX:,} are allowed",
        "use smaller models, or split the workspace",
    )
