"""The variables of one signal -> where it is exported to, and how.

A variable of the signal, such as OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, comes before the one for all signals.
"""

import importlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

from nextbest import regular_file
from nextbest.settings import variables
from nextbest.settings.variables import SettingError

GRPC: Final = "grpc"
HTTP: Final = "http/protobuf"
PROTOCOLS: Final = (GRPC, HTTP)
COMPRESSIONS: Final = ("none", "gzip")
FOREVER_S: Final = 86_400.0
"""What a timeout of 0 is taken for."""

_PORTS: Final = {"http": 80, "https": 443}
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_HEADER_NAME: Final = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]+")
_HEADER_VALUE: Final = re.compile(r"[\t\x20-\x7e]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Where a signal is exported to, and how.

    Attributes:
        url: `http://host:port`, or `https:`; for HTTP with the path of the signal.
        protocol: `grpc` or `http/protobuf`.
        headers: Sent with each request; names in lower case.
        timeout_s: Until a request counts as unanswered.
        compression: `none` or `gzip`.
        certificate: Of the authorities that may have signed the collector's certificate, PEM; None: those of
            the system.
        client_certificate: Who this process is to the collector, PEM.
        client_key: Its private key, PEM.
    """

    url: str
    protocol: str = GRPC
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout_s: float = 10.0
    compression: str = COMPRESSIONS[0]
    certificate: bytes | None = field(default=None, repr=False)
    client_certificate: bytes | None = field(default=None, repr=False)
    client_key: bytes | None = field(default=None, repr=False)

    @property
    def is_encrypted(self) -> bool:
        """Whether TLS is spoken."""
        return self.url.startswith("https://")


def read(found: Mapping[str, str], signal: str, warnings: list[str]) -> Destination | None:
    """Reads where a signal goes; None where no endpoint is set.

    Args:
        found: Variables that are set.
        signal: `traces` or `metrics`.
        warnings: Takes what an operator should know.

    Raises:
        SettingError: A variable cannot be used.
    """
    name, endpoint = _of(found, signal, "ENDPOINT")
    protocol_name, _ = _of(found, signal, "PROTOCOL")
    protocol = variables.word(found, protocol_name, PROTOCOLS) or GRPC
    if endpoint is None:
        return None
    parts = _split(name, endpoint, protocol, is_insecure=_is_insecure(found, signal, warnings))
    path = ""
    if protocol == HTTP:
        is_base = name == "OTEL_EXPORTER_OTLP_ENDPOINT"
        path = f"{parts.path.rstrip('/')}/v1/{signal}" if is_base else parts.path or "/"
        path += f"?{parts.query}" if parts.query else ""
    compression_name, _ = _of(found, signal, "COMPRESSION")
    timeout_name, _ = _of(found, signal, "TIMEOUT")
    timeout_ms = variables.whole(found, timeout_name, 10_000)
    files = _files(found, signal, warnings, is_encrypted=parts.scheme == "https")
    return Destination(
        url=f"{parts.scheme}://{_host(parts)}{path}",
        protocol=protocol,
        headers=_headers(*_of(found, signal, "HEADERS")),
        timeout_s=timeout_ms / 1e3 if timeout_ms else FOREVER_S,
        compression=variables.word(found, compression_name, COMPRESSIONS) or COMPRESSIONS[0],
        certificate=files["CERTIFICATE"],
        client_certificate=files["CLIENT_CERTIFICATE"],
        client_key=files["CLIENT_KEY"],
    )


def pairs(name: str, text: str) -> dict[str, str]:
    """Reads `key=value` pairs with commas between, percent-encoded.

    Raises:
        SettingError: It is something else.
    """
    read_pairs: dict[str, str] = {}
    for pair in filter(None, (part.strip() for part in text.split(","))):
        key, equals, value = pair.partition("=")
        if not equals or not key.strip():
            # The pair itself may be a secret: it is not repeated.
            raise SettingError(f"{name}: give `key=value` pairs with commas between")
        read_pairs[unquote(key.strip())] = unquote(value.strip())
    return read_pairs


def flag(found: Mapping[str, str], name: str, warnings: list[str]) -> bool:
    """Reads `true` or `false`. Anything else counts as false, with a warning, as the specification asks."""
    text = found.get(name, "false").casefold()
    if text not in {"true", "false"}:
        warnings.append(f"{name} is `{found[name]}` and counts as false: give `true` or `false`")
    return text == "true"


def _of(found: Mapping[str, str], signal: str, name: str) -> tuple[str, str | None]:
    own = f"OTEL_EXPORTER_OTLP_{signal.upper()}_{name}"
    common = f"OTEL_EXPORTER_OTLP_{name}"
    value = found.get(own)
    return (own, value) if value is not None else (common, found.get(common))


def _is_insecure(found: Mapping[str, str], signal: str, warnings: list[str]) -> bool:
    name, _ = _of(found, signal, "INSECURE")
    return flag(found, name, warnings)


def _split(name: str, endpoint: str, protocol: str, *, is_insecure: bool) -> SplitResult:
    fault = SettingError(
        f"{name} is not a collector's address: give http://host:port or https://host:port"
        + (", or host:port" if protocol == GRPC else "")
    )
    text = endpoint
    if not _SCHEME.match(text) and protocol == GRPC:
        text = f"{'http' if is_insecure else 'https'}://{text}"
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise fault from None
    if parts.scheme not in _PORTS or not host or re.search(r"[\s\x00-\x1f\x7f]", text):
        raise fault
    if "@" in parts.netloc:
        raise SettingError(f"{name} holds a user or password: send them as OTEL_EXPORTER_OTLP_HEADERS")
    return parts


def _host(parts: SplitResult) -> str:
    host = parts.hostname or ""
    return f"{f'[{host}]' if ':' in host else host}:{parts.port or _PORTS[parts.scheme]}"


def _headers(name: str, text: str | None) -> dict[str, str]:
    headers = {key.lower(): value for key, value in pairs(name, text or "").items()}
    for key, value in headers.items():
        if not _HEADER_NAME.fullmatch(key) or key.endswith("-bin"):
            raise SettingError(
                f"{name}: `{key}` cannot be the name of a header: give letters, digits and `-`"
            )
        if not _HEADER_VALUE.fullmatch(value):
            raise SettingError(f"{name}: the value of `{key}` cannot be sent: give printable ASCII")
    return headers


def _files(
    found: Mapping[str, str], signal: str, warnings: list[str], *, is_encrypted: bool
) -> dict[str, bytes | None]:
    read_files: dict[str, bytes | None] = {}
    for name in ("CERTIFICATE", "CLIENT_CERTIFICATE", "CLIENT_KEY"):
        variable, path = _of(found, signal, name)
        if path is not None and not is_encrypted:
            warnings.append(
                f"{variable} has no effect: the endpoint of {signal} does not begin with https://"
            )
            path = None
        read_files[name] = None if path is None else _content(variable, path)
    if (read_files["CLIENT_CERTIFICATE"] is None) != (read_files["CLIENT_KEY"] is None):
        missing = "CERTIFICATE" if read_files["CLIENT_CERTIFICATE"] is None else "KEY"
        raise SettingError(
            f"OTEL_EXPORTER_OTLP_CLIENT_{missing} is not set: a certificate and its private key go together"
        )
    _try_certificates(found, signal, read_files)
    return read_files


def _content(variable: str, path: str) -> bytes:
    try:
        return regular_file.read(Path(path))
    except OSError as error:
        raise SettingError(f"{variable}: cannot read `{path}`: {error.strerror}") from None


def _try_certificates(found: Mapping[str, str], signal: str, files: Mapping[str, bytes | None]) -> None:
    if not any(files.values()):
        return
    # Loading it takes longer than all other settings.
    ssl = importlib.import_module("ssl")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if files["CERTIFICATE"] is not None:
        variable, path = _of(found, signal, "CERTIFICATE")
        try:
            context.load_verify_locations(cadata=files["CERTIFICATE"].decode("ascii"))
        except (ssl.SSLError, ValueError):
            raise SettingError(f"{variable}: `{path}` holds no certificates: give a PEM file") from None
    if files["CLIENT_KEY"] is not None:
        variable, certificate = _of(found, signal, "CLIENT_CERTIFICATE")
        _, key = _of(found, signal, "CLIENT_KEY")
        try:
            # A password is never asked for.
            context.load_cert_chain(certificate or "", key, password="")
        except (ssl.SSLError, OSError):
            raise SettingError(
                f"{variable}: `{certificate}` and `{key}` do not fit: give a certificate and its private "
                "key, PEM files without a password"
            ) from None
