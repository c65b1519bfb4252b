"""Conditions of a running server: watched, and logged when they begin and end."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from nextbest.v1 import control_pb2

WATCH_S: Final = 1.0
"""Between two looks."""
CALM_S: Final = 60.0
"""After so long without a refusal, the condition that connections are refused ends."""


@dataclass(frozen=True, slots=True)
class Condition:
    """Something that is in force or not.

    Attributes:
        reason: Says why it is in force now; empty: it is not.
        begun: What is announced when it begins, in front of the reason.
        over: What is announced when it is over.
    """

    reason: Callable[[], str]
    begun: str
    over: str


class ConditionWatch:
    """Looks at conditions until it is stopped."""

    def __init__(
        self, conditions: Sequence[Condition], announce: Callable[[str], None], interval_s: float = WATCH_S
    ) -> None:
        """Begins.

        Args:
            conditions: Looked at in turn.
            announce: Told when one begins, and when it is over.
            interval_s: Between two looks.
        """
        self._conditions = conditions
        self._announce = announce
        self._interval_s = interval_s
        self._in_force: set[int] = set()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="nextbest-conditions", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends it."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(self._interval_s):
            self.look()

    def look(self) -> None:
        """Looks once."""
        for index, condition in enumerate(self._conditions):
            reason = condition.reason()
            # Whether, not why: what comes and goes has a new reason each time.
            if bool(reason) == (index in self._in_force):
                continue
            if reason:
                self._in_force.add(index)
                self._announce(f"{condition.begun}: {reason}")
            else:
                self._in_force.remove(index)
                self._announce(condition.over)


class Refusals:
    """Why connections are refused, from the counts of a server; empty after a minute without one."""

    def __init__(
        self,
        status: Callable[[], control_pb2.StatusResponse],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._status = status
        self._now = now
        self._counts = self._read()[0]
        self._calm_at = self._now()
        self._reason = ""

    def __call__(self) -> str:
        """Looks at the counts."""
        (refused, failed), open_now, connections_max = self._read()
        before = self._counts
        self._counts = (refused, failed)
        if failed > before[1]:
            self._reason = "the process has no files left to open: raise its limit (`ulimit -n`, LimitNOFILE)"
        elif refused > before[0]:
            self._reason = (
                f"{connections_max:,} are allowed (NEXTBEST_CONNECTIONS_MAX, and the limit of open files)"
                if open_now >= connections_max
                else "one address has the maximum number of connections (NEXTBEST_PEER_CONNECTIONS_MAX)"
            )
        else:
            return self._reason if self._now() < self._calm_at else ""
        self._calm_at = self._now() + CALM_S
        return self._reason

    def _read(self) -> tuple[tuple[int, int], int, int]:
        status = self._status()
        counts = (status.connections_refused, status.transport.accepts_failed)
        return counts, status.connections, status.transport.connections_max
