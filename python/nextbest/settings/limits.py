"""The limits of a server for its peers' messages and for waiting, if an operator sets them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Each attribute `name` is the variable `NEXTBEST_NAME`; None: the server's default, given here.

    What a single message may hold has no variable: bytes, parts, attributes, placements, lengths of texts.
    docs/operator/limits.md lists those bounds.

    Attributes:
        connections_max: 4,096. Connections of the decision port; more are closed at once.
        peer_connections_max: 1,024. Those from one address; of IPv6, from one network of 64 bits. Unix
            sockets have no address.
        intake_bytes_max: 268,435,456. Memory of messages that have begun and not ended, over all connections;
            beyond it they are refused with RESOURCE_EXHAUSTED.
        answer_bytes_max: 268,435,456. Memory of answers under construction and unread, over all connections;
            beyond it calls are refused with RESOURCE_EXHAUSTED. An explanation takes 40 MiB of it while it is
            built.
        customers_max: 10,000,000. Customers that are stored.
        customers_bytes_max: 2,147,483,648. Memory of all customers that are stored; beyond it upserts are
            refused with RESOURCE_EXHAUSTED.
        handshake_s_max: 5. From accepting a socket to the end of its HTTP/2 preface, TLS included.
        message_s_max: 10. From the headers of a call to the end of its message.
        reading_s_max: 30. For a peer to read 16 KiB of a response; its connection is closed then.
        idle_s_max: 1,800. After this time without a call on a connection, or a question on a stream, the
        server asks the client to leave.
        keepalive_s: 30. Between pings on a connection.
        keepalive_timeout_s: 10. From a ping to giving the connection up.
        connection_age_s: 3,600. The age at which the server asks a client to leave, up to a tenth earlier; 0:
            never.
    """

    connections_max: int | None = None
    peer_connections_max: int | None = None
    intake_bytes_max: int | None = None
    answer_bytes_max: int | None = None
    customers_max: int | None = None
    customers_bytes_max: int | None = None
    handshake_s_max: float | None = None
    message_s_max: float | None = None
    reading_s_max: float | None = None
    idle_s_max: float | None = None
    keepalive_s: float | None = None
    keepalive_timeout_s: float | None = None
    connection_age_s: float | None = None


def read(
    found: Mapping[str, str],
    whole: Callable[[Mapping[str, str], str], int | None],
    seconds: Callable[[Mapping[str, str], str], float | None],
) -> Limits:
    """Takes the limits from variables.

    Args:
        found: Variables that are set.
        whole: Reads a number of things.
        seconds: Reads a time.
    """
    values: dict[str, Any] = {}
    for limit in fields(Limits):
        take = seconds if limit.type == (float | None) else whole
        values[limit.name] = take(found, variable(limit.name))
    return Limits(**values)


def variable(name: str) -> str:
    """Returns the variable of a limit."""
    return f"NEXTBEST_{name.upper()}"
