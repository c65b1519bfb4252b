"""Encoded OTLP messages -> HTTP requests of a collector, tried again within their timeout.

The SDK has an exporter for this as well. It brings five packages, and trusts the authorities of one of them
instead of the system's.
"""

import gzip
import http.client
import logging
import os
import random
import ssl
import threading
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from nextbest.settings.otel import Destination

BACKOFF_S: Final = 0.5
"""Before the second attempt; doubles with each."""
CONNECT_S_MAX: Final = 5.0
_ANSWER_BYTES_MAX: Final = 64 * 1024
_AGAIN: Final = frozenset({429, 502, 503, 504})

_log = logging.getLogger(__name__)


class Poster:
    """Posts messages to one receiver."""

    def __init__(self, destination: "Destination", authorities: Iterable[bytes]) -> None:
        """Takes where to.

        Args:
            destination: The receiver.
            authorities: Whose certificates are trusted, DER; of a destination that is spoken to over TLS.
        """
        self._destination = destination
        self._parts = urlsplit(destination.url)
        self._context = _context(destination, authorities) if destination.is_encrypted else None
        self._stopped = threading.Event()

    def post(self, message: bytes) -> bool:
        """Sends a message; True when the receiver has taken it."""
        headers = {**self._destination.headers, "content-type": "application/x-protobuf"}
        if self._destination.compression == "gzip":
            headers["content-encoding"] = "gzip"
            message = gzip.compress(message, compresslevel=1)
        until = time.monotonic() + self._destination.timeout_s
        backoff_s = BACKOFF_S
        while True:
            reason, wait_s = self._attempt(message, headers, until - time.monotonic())
            if not reason:
                return True
            wait_s = backoff_s * random.uniform(0.5, 1.0) if wait_s is None else wait_s  # noqa: S311
            if wait_s < 0.0 or time.monotonic() + wait_s >= until or self._stopped.wait(wait_s):
                _log.warning("the collector has not taken what was exported to it: %s", reason)
                return False
            backoff_s *= 2.0

    def stop(self) -> None:
        """Gives up what is tried again."""
        self._stopped.set()

    def _attempt(self, message: bytes, headers: dict[str, str], left_s: float) -> tuple[str, float | None]:
        """Returns why the message was not taken, and how long to wait then; negative: it is given up."""
        connection = self._connect(min(left_s, CONNECT_S_MAX))
        try:
            connection.connect()
            connection.sock.settimeout(max(left_s, 0.001))
            path = self._parts.path + (f"?{self._parts.query}" if self._parts.query else "")
            connection.request("POST", path, message, headers)
            answer = connection.getresponse()
            answer.read(_ANSWER_BYTES_MAX)
        except (OSError, http.client.HTTPException) as error:
            return str(error) or type(error).__name__, None
        finally:
            connection.close()
        if 200 <= answer.status < 300:
            return "", None
        reason = f"HTTP status {answer.status}"
        if answer.status not in _AGAIN:
            return reason, -1.0
        after = answer.getheader("retry-after", "")
        return reason, float(after) if after.isdecimal() else None

    def _connect(self, timeout_s: float) -> http.client.HTTPConnection:
        host, port = self._parts.hostname or "", self._parts.port
        timeout_s = max(timeout_s, 0.001)
        if self._context is None:
            return http.client.HTTPConnection(host, port, timeout=timeout_s)
        return http.client.HTTPSConnection(host, port, timeout=timeout_s, context=self._context)


def _context(destination: "Destination", authorities: Iterable[bytes]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    for certificate in authorities:
        context.load_verify_locations(cadata=certificate)
    if destination.client_certificate is not None and destination.client_key is not None:
        # Python takes them from files alone: one that is in memory.
        file = os.memfd_create("nextbest-collector")
        try:
            os.write(file, destination.client_key + b"\n" + destination.client_certificate)
            context.load_cert_chain(f"/proc/self/fd/{file}")
        finally:
            os.close(file)
    return context
