"""Access files: who may call a server, how each proves who it is, and what each may do.

    callers:
      web:
        roles: [decide]
        keys: ["sha256:9f86d081..."]
      crm:
        roles: [decide, explain, customers]
        certificates: [crm.bank.example, "spiffe://bank/crm"]
      releases:
        roles: [observe, operate]
        keys: ["sha256:60303ae2..."]

A caller that is not in the file may do nothing, and one that is may do what its roles allow. Keys are random
(`create_key`), and the file has only their hashes: a reader of the file cannot call.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from nextbest import regular_file
from nextbest.diagnostics.suggestion import one_of, suggest
from nextbest.v1 import access_pb2, control_pb2, customer_pb2, decision_pb2

_NAMES: Final = {number: name.removeprefix("ROLE_").lower() for name, number in access_pb2.Role.items()}
METHOD_ROLES: Final = {
    f"/{service.full_name}/{method.name}": _NAMES[method.GetOptions().Extensions[access_pb2.role]]
    for file in (decision_pb2, customer_pb2, control_pb2)
    for service in file.DESCRIPTOR.services_by_name.values()
    for method in service.methods
}
"""By method, the role that a caller needs for it: the option `role` of proto/nextbest/v1."""
_BESIDES: Final = {
    "explain": "full explanations and contributions, with decide",
    "observe": "reflection",
}


def _granted(services: Collection[str]) -> dict[str, str]:
    """By role, the methods of the services that it grants."""
    granted: dict[str, list[str]] = {}
    for path, role in METHOD_ROLES.items():
        _, service, method = path.split("/")
        if service in services:
            granted.setdefault(role, []).append(method)
    for role, more in _BESIDES.items():
        if role in granted:
            granted[role].append(more)
    return {role: ", ".join(granted[role]) for role in _NAMES.values() if role in granted}


DECISION_ROLES: Final = _granted(("nextbest.v1.DecisionService", "nextbest.v1.CustomerService"))
CONTROL_ROLES: Final = _granted(("nextbest.v1.ControlService",))
ROLES: Final = DECISION_ROLES | CONTROL_ROLES
"""By name, the calls that a role grants."""

KEY_PREFIX: Final = "nbk_"
"""Lets scanners of repositories find keys that were committed."""
KEY_BYTES: Final = 32
HASH_PREFIX: Final = "sha256:"
FILE_BYTES_MAX: Final = 1_048_576
_HASH: Final = re.compile(r"sha256:[0-9a-f]{64}")
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,127}")


class AccessError(Exception):
    """An access file that cannot be used: `path:line: what`, and what to do."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.message = message
        self.help = remedy


@dataclass(frozen=True, slots=True)
class Caller:
    """One who may call.

    Attributes:
        name: For people, logs and refusals.
        roles: What it may do; of `ROLES`.
        key_hashes: SHA-256 of its API keys: two while one replaces the other.
        certificate_names: DNS names and URIs; its certificate is made out to one of them.
    """

    name: str
    roles: frozenset[str]
    key_hashes: tuple[bytes, ...] = field(default=(), repr=False)
    certificate_names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Access:
    """All who may call."""

    callers: tuple[Caller, ...]

    def with_keys(self, roles: Iterable[str]) -> tuple[str, ...]:
        """Returns the names of those with any of the roles who have a key."""
        wanted = frozenset(roles)
        return tuple(caller.name for caller in self.callers if caller.key_hashes and caller.roles & wanted)

    def locked_out(self) -> tuple[str, ...]:
        """Returns the names of those who may call the control port, and cannot prove who they are there.

        gRPC for Python either requires certificates or does not request any: if any caller has a key, a
        certificate alone is not accepted.
        """
        if not self.with_keys(CONTROL_ROLES):
            return ()
        return tuple(
            caller.name
            for caller in self.callers
            if caller.roles & CONTROL_ROLES.keys() and not caller.key_hashes
        )

    def warnings(self) -> tuple[str, ...]:
        """Returns a sentence for each who is locked out, with its remedy."""
        keyed = " and ".join(f"`{name}`" for name in self.with_keys(CONTROL_ROLES))
        return tuple(
            f"`{name}` cannot call the control port: it has a certificate alone, and the port takes keys "
            f"alone because {keyed} comes with one: make a key with `nextbest access key {name}`, or "
            f"certificates for {keyed}"
            for name in self.locked_out()
        )

    def by_key(self, key: str) -> Caller | None:
        """Returns the caller with this key, after comparing it in constant time with all keys."""
        digest = hashlib.sha256(key.encode()).digest()
        found = None
        for caller in self.callers:
            for known in caller.key_hashes:
                if hmac.compare_digest(known, digest):
                    found = caller
        return found

    def by_certificate(self, names: Iterable[str]) -> Caller | None:
        """Returns the caller with a certificate for one of the names."""
        shown = frozenset(names)
        return next((caller for caller in self.callers if shown & frozenset(caller.certificate_names)), None)

    def of_decisions(self) -> list[dict[str, Any]]:
        """Returns the callers as `nextbest._core.Server` takes them: with the roles of the decision port."""
        return [
            {
                "name": caller.name,
                "roles": sorted(caller.roles & DECISION_ROLES.keys()),
                "key_hashes": list(caller.key_hashes),
                "certificate_names": list(caller.certificate_names),
            }
            for caller in self.callers
        ]


def create_key() -> tuple[str, str]:
    """Makes a key. Returns it, and its hash as an access file has it."""
    key = KEY_PREFIX + secrets.token_urlsafe(KEY_BYTES)
    return key, HASH_PREFIX + hashlib.sha256(key.encode()).hexdigest()


def check_name(name: str) -> None:
    """Raises `AccessError` if the name of a caller is not valid."""
    if not _NAME.fullmatch(name):
        raise AccessError(
            (f"`{name}` is not a valid name of a caller"),
            "give letters, digits and . _ / -, 128 of them at most",
        )


def read(path: Path) -> Access:
    """Reads an access file.

    Raises:
        AccessError: It is not a valid access file.
        OSError: It cannot be read.
    """
    data = regular_file.read(path)
    if len(data) > FILE_BYTES_MAX:
        raise AccessError(f"{path}: larger than {FILE_BYTES_MAX:,} bytes", "is it an access file?")
    return parse(data, str(path))


def parse(data: bytes, path: str) -> Access:
    """Reads an access file's bytes; `path` is what messages call it.

    Raises:
        AccessError: It is not a valid access file.
    """
    try:
        root = yaml.compose(data.decode(), Loader=yaml.SafeLoader)
    except UnicodeDecodeError:
        raise AccessError(f"{path}: not UTF-8", "save it as UTF-8") from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise AccessError(f"{path}:{line}: not YAML: {error.problem}", "mend the line") from None
    except (yaml.YAMLError, RecursionError) as error:
        raise AccessError(f"{path}: not YAML: {error}", "mend it") from None
    return _Reader(path).read(root)


class _Reader:
    """YAML nodes -> callers, with the line in every message."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._keys: dict[bytes, str] = {}
        self._certificates: dict[str, str] = {}

    def read(self, root: yaml.Node | None) -> Access:
        if root is None:
            raise AccessError(f"{self._path}: empty", "begin with `callers:`")
        fields = self._fields(root, ("callers",))
        if "callers" not in fields:
            raise self._error(root, "no `callers`", "begin with `callers:`")
        named = self._mapping(fields["callers"])
        return Access(tuple(self._caller(name, node) for name, node in named))

    def _caller(self, name_node: yaml.Node, node: yaml.Node) -> Caller:
        name = self._text(name_node)
        try:
            check_name(name)
        except AccessError as error:
            raise self._error(name_node, error.message, error.help) from None
        fields = self._fields(node, ("roles", "keys", "certificates"))
        caller = Caller(
            name,
            frozenset(self._role(item) for item in self._items(fields.get("roles"))),
            tuple(self._hash(item, name) for item in self._items(fields.get("keys"))),
            tuple(self._certificate(item, name) for item in self._items(fields.get("certificates"))),
        )
        if not caller.key_hashes and not caller.certificate_names:
            raise self._error(
                name_node,
                f"`{name}` has neither `keys` nor `certificates`, so no caller can identify as it",
                f"make a key with `nextbest access key {name}`",
            )
        if not caller.roles:
            raise self._error(name_node, f"`{name}` has no `roles`", f"give some of {one_of(list(ROLES))}")
        return caller

    def _role(self, node: yaml.Node) -> str:
        role = self._text(node)
        if role not in ROLES:
            raise self._error(node, f"there is no role `{role}`", suggest(role, ROLES))
        return role

    def _hash(self, node: yaml.Node, name: str) -> bytes:
        text = self._text(node)
        if not _HASH.fullmatch(text):
            # It may be the key itself, which is a secret: it is not repeated.
            raise self._error(
                node,
                "a key is written as its hash: `sha256:` and 64 hexadecimal digits",
                f"make one with `nextbest access key {name}`",
            )
        digest = bytes.fromhex(text.removeprefix(HASH_PREFIX))
        owner = self._keys.setdefault(digest, name)
        if owner != name:
            raise self._error(node, f"`{owner}` has this key, too", "give each caller a different key")
        return digest

    def _certificate(self, node: yaml.Node, name: str) -> str:
        text = self._text(node)
        if not text or "*" in text or any(character.isspace() for character in text):
            raise self._error(
                node,
                (f"`{text}` is not a valid name in a certificate"),
                "give a DNS name or a URI, without wildcards",
            )
        owner = self._certificates.setdefault(text, name)
        if owner != name:
            raise self._error(node, f"`{owner}` has this certificate, too", "give each caller its own name")
        return text

    def _fields(self, node: yaml.Node, known: tuple[str, ...]) -> dict[str, yaml.Node]:
        fields: dict[str, yaml.Node] = {}
        for key, value in self._mapping(node):
            name = self._text(key)
            if name not in known:
                raise self._error(key, f"there is no `{name}` here", f"give {one_of(list(known))}")
            fields[name] = value
        return fields

    def _mapping(self, node: yaml.Node) -> list[tuple[yaml.Node, yaml.Node]]:
        if not isinstance(node, yaml.MappingNode):
            raise self._error(node, "not a mapping", "give `name: ...` lines")
        seen: set[str] = set()
        for key, _ in node.value:
            name = self._text(key)
            if name in seen:
                raise self._error(key, f"`{name}` is given twice", "keep one of them")
            seen.add(name)
        return list(node.value)

    def _items(self, node: yaml.Node | None) -> list[yaml.Node]:
        if node is None:
            return []
        if not isinstance(node, yaml.SequenceNode):
            raise self._error(node, "not a list", "put it in square brackets")
        return list(node.value)

    def _text(self, node: yaml.Node) -> str:
        if not isinstance(node, yaml.ScalarNode):
            raise self._error(node, "not a text", "give a text")
        return str(node.value)

    def _error(self, node: yaml.Node, message: str, remedy: str) -> AccessError:
        return AccessError(f"{self._path}:{node.start_mark.line + 1}: {message}", remedy)
