"""The files that say who a server is and who may call it: read, and read again when they change."""

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from nextbest import regular_file
from nextbest.serve.access import CONTROL_ROLES, DECISION_ROLES, Access, AccessError
from nextbest.serve.access import read as read_access
from nextbest.settings import SettingError, Settings

WATCH_S: Final = 1.0
"""Between two looks at the files. Their contents are compared: mounted secrets change by moving links."""
RELOADED: Final = "only certificates and the access file are read again, all other settings take a restart"


@dataclass(frozen=True, slots=True)
class Certificates:
    """Who the server is, and whose callers it believes; PEM text.

    Attributes:
        certificate: The server's own, then those that lead to a root.
        key: Its private key.
        client_ca: Of the authorities that may have signed callers' certificates; None: callers have none.
    """

    certificate: bytes
    key: bytes
    client_ca: bytes | None


@dataclass(frozen=True, slots=True)
class Secrets:
    """Both, as they are now; None where the settings name no file."""

    certificates: Certificates | None = None
    access: Access | None = None

    @property
    def decisions_require_certificates(self) -> bool:
        """Whether client certificates are required on the decision port: none of its callers has a key."""
        return self._require_certificates(DECISION_ROLES)

    @property
    def control_requires_certificates(self) -> bool:
        """Whether the control port requires client certificates: not if any caller has a key."""
        return self._require_certificates(CONTROL_ROLES)

    def _require_certificates(self, roles: Iterable[str]) -> bool:
        has_authorities = self.certificates is not None and self.certificates.client_ca is not None
        return has_authorities and (self.access is None or not self.access.with_keys(roles))

    def warnings(self) -> list[str]:
        """Says who is locked out, and what to do about it."""
        if self.access is None:
            return []
        if self.certificates is not None and self.certificates.client_ca is not None:
            return list(self.access.warnings())
        missing = (
            "this server has no TLS: set NEXTBEST_TLS_CERTIFICATE, NEXTBEST_TLS_KEY and "
            "NEXTBEST_TLS_CLIENT_CA"
            if self.certificates is None
            else "this server does not ask for one: set NEXTBEST_TLS_CLIENT_CA"
        )
        return [
            f"`{caller.name}` cannot call: it has only a certificate, and {missing}, or make a key with "
            f"`nextbest access key {caller.name}`"
            for caller in self.access.callers
            if not caller.key_hashes
        ]

    @property
    def authenticates(self) -> bool:
        """Whether every caller is authenticated, over encrypted connections."""
        return self.certificates is not None and (
            self.access is not None or self.control_requires_certificates
        )

    def tls(self) -> dict[str, object]:
        """Returns the settings of `nextbest._core.Server` for them; none without certificates."""
        if self.certificates is None:
            return {}
        return {
            "tls_certificate": self.certificates.certificate,
            "tls_key": self.certificates.key,
            "tls_client_ca": self.certificates.client_ca,
            "tls_client_required": self.decisions_require_certificates,
        }


def read(settings: Settings) -> Secrets:
    """Reads the files that the settings name.

    Raises:
        SettingError: Not all that belong together are named.
        AccessError: It is not a valid access file.
        OSError: One of them cannot be read.
    """
    certificate, key = settings.tls_certificate, settings.tls_key
    if (certificate is None) != (key is None):
        missing = "NEXTBEST_TLS_KEY" if key is None else "NEXTBEST_TLS_CERTIFICATE"
        raise SettingError(f"{missing} is not set: a certificate and its private key go together")
    if certificate is None and settings.tls_client_ca is not None:
        raise SettingError(
            "NEXTBEST_TLS_CLIENT_CA is set without NEXTBEST_TLS_CERTIFICATE: certificates of callers need TLS"
        )
    certificates = None
    if certificate is not None and key is not None:
        authorities = settings.tls_client_ca
        certificates = Certificates(
            regular_file.read(certificate),
            regular_file.read(key),
            regular_file.read(authorities) if authorities else None,
        )
    access = None if settings.access is None else read_access(settings.access)
    return Secrets(certificates, access)


class Watch:
    """Looks at the files until it is stopped, and hands on what has changed."""

    def __init__(
        self,
        settings: Settings,
        secrets: Secrets,
        use: Callable[[Secrets], None],
        announce: Callable[[str], None],
        interval_s: float = WATCH_S,
    ) -> None:
        """Begins, where there is anything to look at.

        Args:
            settings: Which files.
            secrets: What they were.
            use: Takes what they are now; may raise what a server raises for those that it cannot use.
            announce: Told what was renewed, or why not: then everything stays as it was.
            interval_s: Between two looks.
        """
        self._settings = settings
        self._secrets = secrets
        self._use = use
        self._announce = announce
        self._interval_s = interval_s
        # What the files held when they were last made use of.
        self._used: list[bytes] = []
        self._failure = ""
        self._woken = threading.Event()
        self._is_stopped = False
        self._asked_by = ""
        self._thread = threading.Thread(target=self._run, name="nextbest-secrets", daemon=True)
        if secrets != Secrets():
            self._thread.start()

    def stop(self) -> None:
        """Ends it, without waiting for a look that is under way: a file share may not answer."""
        self._is_stopped = True
        self._woken.set()

    def look(self, asked_by: str) -> None:
        """Looks at once, and announces what came of it, whatever it is; without waiting for it."""
        if self._thread.is_alive():
            self._asked_by = asked_by
            self._woken.set()
        else:
            self._announce(f"{asked_by}: there are no files to read again; {RELOADED}")

    def _run(self) -> None:
        while True:
            self._woken.wait(self._interval_s)
            self._woken.clear()
            if self._is_stopped:
                return
            asked_by, self._asked_by = self._asked_by, ""
            change = self._look(is_asked=bool(asked_by))
            if change:
                self._announce(f"{asked_by}: {change}; {RELOADED}" if asked_by else change)

    def _look(self, *, is_asked: bool) -> str:
        """Returns the message to log; none if nothing changed, unless a reload was requested."""
        try:
            contents = [regular_file.read(file) for file in _named(self._settings)]
            if contents == self._used:
                self._failure = ""
                return "nothing has changed" if is_asked else ""
            found = read(self._settings)
            if found != self._secrets:
                self._use(found)
        except (SettingError, AccessError, OSError, ValueError) as error:
            # Said once: while a certificate and its key are replaced one after the other, they do not fit.
            if str(error) == self._failure and not is_asked:
                return ""
            self._failure = str(error)
            return f"not renewed, everything stays as it was: {error}"
        changed = [
            name
            for name, before, after in (
                ("certificates", self._secrets.certificates, found.certificates),
                ("access", self._secrets.access, found.access),
            )
            if before != after
        ]
        self._secrets, self._used, self._failure = found, contents, ""
        if changed:
            return f"renewed: {', '.join(changed)}"
        return "nothing has changed" if is_asked else ""


def _named(settings: Settings) -> list[Path]:
    files = (settings.tls_certificate, settings.tls_key, settings.tls_client_ca, settings.access)
    return [file for file in files if file is not None]
