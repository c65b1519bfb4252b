"""Limits of what a server takes from its peers, and of how long it waits for them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Each attribute is a variable; `nextbest.settings.table` has its meaning. None: the server's default.

    What a single message may hold has no variable: bytes, parts, attributes, placements, lengths of texts.
    `docs/operator/limits.md` lists those bounds.
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
