"""Whether the collector takes the spans of decisions: watched, and said when it changes."""

import threading
from collections.abc import Callable
from typing import Final

WATCH_S: Final = 1.0
"""Between two looks."""


class CollectorWatch:
    """Looks at a server's exporter until it is stopped."""

    def __init__(
        self, error: Callable[[], str], announce: Callable[[str], None], interval_s: float = WATCH_S
    ) -> None:
        """Begins.

        Args:
            error: Why the collector did not take the last spans; empty when it did.
            announce: Told when it stops taking them, and when it takes them again.
            interval_s: Between two looks.
        """
        self._error = error
        self._announce = announce
        self._interval_s = interval_s
        self._is_failing = False
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="nextbest-collector", daemon=True)
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
        error = self._error()
        # Whether, not why: a collector that comes and goes has a new reason each time.
        if bool(error) == self._is_failing:
            return
        self._is_failing = bool(error)
        if error:
            self._announce(f"the collector does not take decisions' spans: {error}")
        else:
            self._announce("the collector takes decisions' spans again")
