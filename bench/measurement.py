"""A form of a peer, and customers -> what a customer costs: verified first, then timed.

CPU time of the whole process, which is one thread; medians over different customers: one customer's answers
again and again would come from trained branches and warm caches. Slow forms see fewer customers, never
fewer than `CUSTOMERS_MIN`.
"""

import gc
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from peers import Form, Peer, reduction
from vectorised import Bools
from workloads import Workload

FORM_S: Final = 1.5
"""What timing a form may take, roughly."""
CUSTOMERS_MIN, ROUNDS_MAX = 5, 4


class DifferenceError(Exception):
    """A system matched other actions than the reference; the message names system, customer and action."""


@dataclass(frozen=True, slots=True)
class Figure:
    """What a customer costs. `customers` is how many different ones were verified and timed."""

    system: str
    form: str
    us: float
    customers: int


def reference(workload: Workload) -> list[Bools]:
    """Gives which actions match, for each customer."""
    peer = reduction(workload)
    return [peer.match(peer.prepare(customer)) for customer in workload.customers]


def require_equal(system: str, place: int, found: Bools, expected: Bools) -> None:
    """Compares what a system found for the customer at a place.

    Raises:
        DifferenceError: They differ.
    """
    if found.shape != expected.shape:
        raise DifferenceError(f"{system}, customer {place}: {len(found):,} actions, not {len(expected):,}")
    differing = np.flatnonzero(found != expected)
    if len(differing):
        action = int(differing[0])
        raise DifferenceError(
            f"{system}, customer {place}: action {action} (and {len(differing) - 1:,} more) is"
            f" {'' if found[action] else 'not '}matched, unlike the reference"
        )


def measure(form: Form, workload: Workload, expected: Sequence[Bools]) -> Figure:
    """Verifies a form, and times it.

    Raises:
        DifferenceError: It does not match what it should.
    """
    system = f"{form.system} ({form.name})"
    peer = form.build(workload)
    # Ahead of everything: what a system takes is ready when its time begins, as it is for the engine.
    customers = [peer.prepare(customer) for customer in workload.customers]
    # The first call is when some systems finish compiling.
    peer.match(customers[0])
    calls = max(int(FORM_S / _seconds(peer, customers[1])), CUSTOMERS_MIN)
    customers = customers[:calls]
    for place, customer in enumerate(customers):
        require_equal(system, place, peer.matches(peer.match(customer)), expected[place])
    rounds = max(1, min(calls // len(customers), ROUNDS_MAX))
    gc.collect()
    # A collection visits every object of every peer, which belongs to none of the measured systems.
    gc.disable()
    times = [_seconds(peer, customer) for _ in range(rounds) for customer in customers]
    gc.enable()
    return Figure(form.system, form.name, statistics.median(times) * 1e6, len(customers))


def _seconds(peer: Peer, customer: Any) -> float:
    started = time.process_time()
    peer.match(customer)
    return time.process_time() - started
