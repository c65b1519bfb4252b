"""Who a client is, and whom it trusts: certificates for gRPC, and an API key for every call.

Files are read once, when a client is made: after a renewal, make a new one.
"""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import grpc

from nextbest import regular_file
from nextbest.client.errors import InvalidRequest

Pem = bytes | str | os.PathLike[str]
"""PEM text as bytes, or the path of a file of it."""

_CERTIFICATE: Final = (b"-----BEGIN CERTIFICATE-----",)
# gRPC has no way to take a password, so encrypted keys are not among them.
_PRIVATE_KEY: Final = (
    b"-----BEGIN PRIVATE KEY-----",
    b"-----BEGIN RSA PRIVATE KEY-----",
    b"-----BEGIN EC PRIVATE KEY-----",
)


@dataclass(frozen=True, slots=True)
class Tls:
    """An encrypted connection to a server that proves who it is.

    Attributes:
        root_certificates: Of the authorities that are trusted; None: those that gRPC brings, or the file that
            `GRPC_DEFAULT_SSL_ROOTS_FILE_PATH` names.
        certificate: The client's own, then those that lead to a root; for servers that ask for one.
        private_key: Of `certificate`, without a password.
        server_name: What the certificates of all servers have to name; None: the host of the address.
    """

    root_certificates: Pem | None = None
    certificate: Pem | None = None
    private_key: Pem | None = field(default=None, repr=False)
    server_name: str | None = None


def channel_credentials(tls: Tls) -> grpc.ChannelCredentials:
    """Returns what gRPC connects with.

    Raises:
        InvalidRequest: A file cannot be read, or something is not what it should be.
    """
    if (tls.certificate is None) != (tls.private_key is None):
        missing = "private_key" if tls.private_key is None else "certificate"
        raise InvalidRequest("a certificate and its private key go together", f"tls.{missing}")
    credentials: grpc.ChannelCredentials = grpc.ssl_channel_credentials(
        root_certificates=_read(tls.root_certificates, "root_certificates", _CERTIFICATE),
        private_key=_read(tls.private_key, "private_key", _PRIVATE_KEY),
        certificate_chain=_read(tls.certificate, "certificate", _CERTIFICATE),
    )
    return credentials


def bearer(api_key: str | None) -> tuple[tuple[str, str], ...]:
    """Returns the metadata that an API key is sent as; none for None.

    Raises:
        InvalidRequest: It is empty, or has other characters than printable ASCII, or spaces.
    """
    if api_key is None:
        return ()
    if not api_key or not all("!" <= character <= "~" for character in api_key):
        # The message does not contain the key: it may end in a log.
        raise InvalidRequest("not printable ASCII without spaces: was it read with its line end?", "api_key")
    return (("authorization", f"Bearer {api_key}"),)


def _read(source: Pem | None, field_name: str, markers: tuple[bytes, ...]) -> bytes | None:
    if source is None:
        return None
    field_name = f"tls.{field_name}"
    try:
        data = source if isinstance(source, bytes) else regular_file.read(Path(source))
    except (OSError, ValueError) as error:
        # A ValueError is a text with NUL; an OSError may well be PEM text that was given for a path.
        reason = getattr(error, "strerror", None) or error
        raise InvalidRequest(
            f"the file cannot be read: {reason}; PEM text is given as bytes", field_name
        ) from None
    if not any(marker in data for marker in markers):
        wanted = markers[0].decode()
        raise InvalidRequest(f"not PEM, or something else: `{wanted}` should be in it", field_name)
    return data
