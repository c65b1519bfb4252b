"""Turns where servers are into the one name that gRPC resolves.

gRPC shares calls out among all addresses that one name has, and leaves out those that cannot be reached. It
knows names of DNS and lists of IP addresses, but no lists of names: what such a list names is looked up here,
once.
"""

import socket
from collections.abc import Sequence
from dataclasses import dataclass

from nextbest.client.errors import InvalidRequest, Unavailable
from nextbest.client.values import check_iterable, check_text

_PORT_MAX = 65_535


@dataclass(frozen=True, slots=True)
class Target:
    """Servers that do the same.

    Attributes:
        name: What gRPC resolves.
        text: What people call them.
        authority: What calls say whom they are for, and certificates are checked against; None leaves that
            to gRPC, which takes `name`.
        hosts: Of a list; empty when there is only one address.
    """

    name: str
    text: str
    authority: str | None = None
    hosts: frozenset[str] = frozenset()


def resolve(address: str | Sequence[str]) -> Target:
    """Returns what gRPC calls a server, or several.

    Args:
        address: `host:port` or any name that gRPC resolves; or a list of `host:port`, whose names are looked
            up now, without a limit of time but the resolver's own.

    Raises:
        InvalidRequest: An entry is not `host:port`, or there is none.
        Unavailable: A name of a list has no address.
    """
    if isinstance(address, str):
        entries = [address]
    else:
        given = check_iterable(address, "address", "`host:port`, or a list of them,")
        entries = [check_text(entry, "address") for entry in given]
    if not entries:
        raise InvalidRequest("no server is named: give `host:port`, or a list of them", "address")
    if len(entries) == 1:
        (name,) = entries
        # gRPC would take the path for the authority, with characters that HTTP/2 allows in none.
        return Target(name, name, "localhost" if name.startswith("unix:") else None)
    pairs = [_split(entry) for entry in entries]
    return Target(_name(pairs), ", ".join(entries), entries[0], frozenset(host for host, _ in pairs))


def _split(entry: str) -> tuple[str, int]:
    host, _, port = entry.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or "/" in host or not port.isdecimal() or not 0 < int(port) <= _PORT_MAX:
        message = (
            f"`{entry}` is not `host:port`, which a list consists of; give one `dns:///` name without a list"
        )
        raise InvalidRequest(message, "address")
    return host, int(port)


def _name(pairs: Sequence[tuple[str, int]]) -> str:
    # One list is of one family, so the first family that all of them have is taken.
    found = [_look_up(host, port) for host, port in pairs]
    for family, scheme, form in (
        (socket.AF_INET, "ipv4", "{}:{}"),
        (socket.AF_INET6, "ipv6", "[{}]:{}"),
    ):
        if all(family in addresses for addresses in found):
            chosen = [form.format(*each) for addresses in found for each in addresses[family]]
            return f"{scheme}:{','.join(dict.fromkeys(chosen))}"
    raise InvalidRequest("some have IPv4 addresses alone, others IPv6 addresses alone", "address")


def _look_up(host: str, port: int) -> dict[int, list[tuple[str, int]]]:
    try:
        answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise Unavailable(f"`{host}` has no address: {error.strerror or error}") from None
    addresses: dict[int, list[tuple[str, int]]] = {}
    for family, _, _, _, place in answers:
        addresses.setdefault(family, []).append((str(place[0]), port))
    return addresses
