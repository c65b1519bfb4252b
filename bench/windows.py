"""A server under load -> what a window of it shows. Of several, the least disturbed one counts."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import machine
from nextbest import _core
from nextbest.demo.latency import Latency, measure

WINDOWS = 3
OPEN_S, CLOSED_S, WARMUP_S = 5.0, 4.0, 1.0
CONNECTIONS = 4
REFUSED = "RESOURCE_EXHAUSTED"

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Window(Generic[Found]):
    """A window and what others did to it.

    Attributes:
        found: What was measured.
        foreign_share: Share of all cores' time that went to processes outside the measurement, 0.0 to 1.0.
    """

    found: Found
    foreign_share: float


@dataclass(frozen=True, slots=True)
class Capacity:
    """A server that always has something to do, and one core.

    Attributes:
        requests: Answered with OK.
        refused: Refused for overload: what they cost counts for the others.
        cpu_us: CPU that the server used meanwhile.
        per_s: Requests answered a second.
    """

    requests: int
    refused: int
    cpu_us: float
    per_s: float

    @property
    def cpu_us_per_request(self) -> float:
        """CPU of the server for each request."""
        return self.cpu_us / self.requests

    @property
    def requests_per_core(self) -> float:
        """Requests a second that one core, fully used, answers."""
        return 1e6 / self.cpu_us_per_request


@dataclass(frozen=True, slots=True)
class OpenLoop:
    """Latency at a fixed rate, and the server's CPU for each request."""

    latency: Latency
    cpu_us_per_request: float


def open_loop(
    address: str,
    pids: Sequence[int],
    traffic: Sequence[bytes],
    rate_per_s: float,
    decisions: Callable[[], int],
) -> Window[OpenLoop]:
    """Sends at a fixed rate.

    Args:
        address: Of the server.
        pids: Of the server first, then of all else that belongs to the measurement.
        traffic: Encoded requests.
        rate_per_s: Requests a second.
        decisions: How many the server has made so far.
    """

    def once() -> OpenLoop:
        used, made = machine.cpu_us(pids[0]), decisions()
        latency = measure(address, traffic, rate_per_s=rate_per_s, duration_s=OPEN_S, warmup_s=WARMUP_S)
        return OpenLoop(latency, (machine.cpu_us(pids[0]) - used) / (decisions() - made))

    return _calmest(once, pids)


def closed_loop(
    address: str, pids: Sequence[int], traffic: Sequence[bytes], in_flight: int, **more: Any
) -> Window[Capacity]:
    """Keeps the server busy.

    Args:
        address: Of the server.
        pids: Of the server first, then of all else that belongs to the measurement.
        traffic: Encoded requests.
        in_flight: At a time. With too many, some would wait longer than a busy server allows, and be refused.
        more: Further settings of the load.

    Raises:
        RuntimeError: A request failed otherwise than by being refused.
    """
    saturate(address, pids[0], traffic, in_flight, WARMUP_S, **more)
    return _calmest(lambda: saturate(address, pids[0], traffic, in_flight, CLOSED_S, **more), pids)


def saturate(
    address: str, pid: int, traffic: Sequence[bytes], in_flight: int, duration_s: float, **more: Any
) -> Capacity:
    """Measures one window of `closed_loop`."""
    used = machine.cpu_us(pid)
    found = _core.load(
        {
            "address": address,
            "requests": list(traffic),
            "in_flight": in_flight,
            "connections": CONNECTIONS,
            "warmup_s": 0.0,
            "duration_s": duration_s,
            **more,
        }
    )
    if found["errors"].keys() - {REFUSED} or not found["ok"]:
        raise RuntimeError(f"{address} failed under load: {found['errors']}")
    refused = found["errors"].get(REFUSED, 0)
    return Capacity(found["ok"], refused, machine.cpu_us(pid) - used, found["achieved_per_s"])


def _calmest(once: Callable[[], Found], pids: Sequence[int]) -> Window[Found]:
    """Chosen by what others did, never by the result."""
    own = [*pids, os.getpid()]
    windows = []
    for _ in range(WINDOWS):
        before = machine.Usage.read(own)
        found = once()
        windows.append(Window(found, before.foreign_share(machine.Usage.read(own))))
    return min(windows, key=lambda window: window.foreign_share)
