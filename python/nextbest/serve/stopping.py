"""The end of a server within one time budget: the drain, what is still to be exported, and the log.

What is left of the budget after the grace is shared out. Spans of decisions and what the control plane
exports go out at the same time, and wait at most `EXPORT_S_MAX` for a collector that does not answer: counted
from the begin of the stop, where it had spans to take and took none.
"""

import os
import threading
import time
from dataclasses import dataclass
from typing import Final, Protocol

from nextbest import telemetry
from nextbest.serve import status
from nextbest.serve.log import LOG_FLUSH_S_MAX
from nextbest.v1 import control_pb2

EXPORT_S_MAX: Final = 2.0
"""Of a stop, for a collector."""
EXPORT_S_MIN: Final = 0.5
"""The same, for one that has not answered since the stop began."""
EXPORT_SHARE_MAX: Final = 0.25
LOG_SHARE_MAX: Final = 0.1
"""Shares of what the grace leaves of the budget."""
OVERDUE_S: Final = 0.5
"""Beyond the budget, the process ends whatever still runs."""
CUT_OFF: Final = 7
"""The exit code then: `ExitCode.CUT_OFF`."""


class DataPlane(Protocol):
    """The part of `nextbest._core.Server` that ends it."""

    def status(self) -> bytes:
        """Returns an encoded `StatusResponse`."""

    def drain(self, deadline_s: float) -> int:
        """Returns how many calls were cut off."""

    def shutdown(self, deadline_s: float) -> tuple[int, int]:
        """Returns how many calls were cut off, and how many spans were lost."""


class Port(Protocol):
    """The control port."""

    def close(self, grace_s: float) -> None:
        """Ends it."""


@dataclass(frozen=True, slots=True)
class Stopped:
    """What a stop had to give up.

    Attributes:
        calls_cut_off: Calls under way that got no answer.
        spans_lost: Spans of decisions that were not exported.
        control_telemetry_lost: Whether spans or metrics of the control plane were not exported.
    """

    calls_cut_off: int
    spans_lost: int
    control_telemetry_lost: bool


@dataclass(frozen=True, slots=True)
class Budget:
    """Seconds that a stop may take.

    Attributes:
        whole: All of it.
        grace: Of it, for accepting.
        exports: Whether there is a collector to wait for.
    """

    whole: float
    grace: float
    exports: bool

    @property
    def log(self) -> float:
        """For the log's last lines."""
        return min(LOG_FLUSH_S_MAX, LOG_SHARE_MAX * (self.whole - self.grace))

    @property
    def export(self) -> float:
        """For a collector, where the drain needs all that it may take."""
        return min(EXPORT_S_MAX, EXPORT_SHARE_MAX * (self.whole - self.grace)) if self.exports else 0.0

    @property
    def drain(self) -> float:
        """For the drain, its grace included."""
        return self.whole - self.export - self.log


def stop(server: DataPlane, control: Port, budget: Budget) -> Stopped:
    """Ends a server. Takes no longer than the budget without the log's share, or else ends the process."""
    begun = time.monotonic()
    until = begun + budget.whole - budget.log
    overdue = threading.Timer(budget.whole + OVERDUE_S, os._exit, (CUT_OFF,))
    overdue.daemon = True
    overdue.start()
    before = status.read(server).traces
    cut_off = server.drain(budget.drain)
    now = time.monotonic()
    export_s = EXPORT_S_MAX
    if _is_silent(before, status.read(server).traces):
        # The wait for it began with the stop.
        export_s = max(EXPORT_S_MIN, EXPORT_S_MAX - (now - begun))
    left = max(0.0, min(export_s, until - now))
    exported: list[bool] = []
    ends = [
        threading.Thread(target=lambda: exported.append(telemetry.stop(left)), daemon=True),
        threading.Thread(target=control.close, args=(0.0,), daemon=True),
    ]
    for end in ends:
        end.start()
    _, spans_lost = server.shutdown(left)
    for end in ends:
        end.join(max(0.0, until - time.monotonic()))
    return Stopped(cut_off, spans_lost, exported != [True])


def _is_silent(before: control_pb2.TraceCounts, after: control_pb2.TraceCounts) -> bool:
    """Whether spans waited for a collector all the while, and it took none."""
    settled = [counts.exported + counts.rejected for counts in (before, after)]
    return before.pending > 0 and settled[0] == settled[1]
