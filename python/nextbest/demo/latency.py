"""A running server and encoded requests -> how long it takes to answer at a fixed rate."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

CONNECTIONS: Final = 4


@dataclass(frozen=True, slots=True)
class Latency:
    """Time from the moment a request was due to the last byte of its answer, over loopback.

    A request that waits because an earlier one was slow counts from when it was due: nothing is left out.

    Attributes:
        rate_per_s: Requests due each second.
        achieved_per_s: Requests answered each second.
        duration_s: For how long, after the warm-up.
        sent: Requests sent.
        ok: Answers with gRPC status OK.
        errors: Answers by any other status.
        p50_us: Median; the others are higher percentiles.
        hiccup_p99_us: By how much an idle thread of the same process woke late: what the machine itself adds.
    """

    rate_per_s: float
    achieved_per_s: float
    duration_s: float
    sent: int
    ok: int
    errors: dict[str, int]
    p50_us: float
    p90_us: float
    p99_us: float
    p999_us: float
    max_us: float
    hiccup_p99_us: float
    hiccup_max_us: float


def measure(
    address: str, requests: Sequence[bytes], *, rate_per_s: float, duration_s: float, warmup_s: float = 1.0
) -> Latency:
    """Sends requests at a fixed rate, whether or not earlier ones are answered.

    Args:
        address: Of the server.
        requests: Encoded Decide requests, sent in turn.
        rate_per_s: Requests a second.
        duration_s: For how long.
        warmup_s: Sent before, and not counted.
    """
    # Compiled code, which code that only reads figures need not load.
    from nextbest import _core  # noqa: PLC0415

    found: dict[str, Any] = dict(
        _core.load(
            {
                "address": address,
                "requests": list(requests),
                "rate_per_s": float(rate_per_s),
                "duration_s": float(duration_s),
                "warmup_s": float(warmup_s),
                "connections": CONNECTIONS,
            }
        )
    )
    figures = {name: found[name] for name in Latency.__dataclass_fields__ if name in found}
    return Latency(**{"rate_per_s": rate_per_s, "duration_s": duration_s, **figures})
