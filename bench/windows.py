"""A server under load -> what a window of it shows. Of several, the least disturbed one counts."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import machine
from nextbest import _core
from nextbest.demo.latency import Latency, measure

WINDOWS = 3
OPEN_S, CLOSED_S, WARMUP_S = 5.0, 4.0, 1.0
IN_FLIGHT, CONNECTIONS = 4, 4
"""More in flight would wait longer than a busy server allows, and be refused."""

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
        cpu_us: CPU that the server used meanwhile.
        per_s: Requests answered a second.
    """

    requests: int
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


def closed_loop(address: str, pids: Sequence[int], traffic: Sequence[bytes]) -> Window[Capacity]:
    """Keeps the server busy; arguments as for `open_loop`.

    Raises:
        RuntimeError: A request failed.
    """
    settings = {
        "address": address,
        "requests": list(traffic),
        "in_flight": IN_FLIGHT,
        "connections": CONNECTIONS,
        "warmup_s": 0.0,
    }

    def once() -> Capacity:
        used = machine.cpu_us(pids[0])
        found = _core.load({**settings, "duration_s": CLOSED_S})
        if found["errors"] or not found["ok"]:
            raise RuntimeError(f"{address} failed under load: {found['errors']}")
        return Capacity(found["ok"], machine.cpu_us(pids[0]) - used, found["achieved_per_s"])

    _core.load({**settings, "duration_s": WARMUP_S})
    return _calmest(once, pids)


def _calmest(once: Callable[[], Found], pids: Sequence[int]) -> Window[Found]:
    """Chosen by what others did, never by the result."""
    own = [*pids, os.getpid()]
    windows = []
    for _ in range(WINDOWS):
        before = machine.Usage.read(own)
        found = once()
        windows.append(Window(found, before.foreign_share(machine.Usage.read(own))))
    return min(windows, key=lambda window: window.foreign_share)
