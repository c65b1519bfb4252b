"""What exporters of the control plane log -> lines of a server's own log.

Without this they write to standard error by themselves, a line for each attempt while a collector is away.
"""

import logging
import time
from collections.abc import Callable
from typing import Final

INTERVAL_S: Final = 60.0
"""Between two lines; what comes in between is left out."""

_LOGGERS: Final = ("opentelemetry", "nextbest.telemetry")


class Reporter(logging.Handler):
    """Hands warnings on, at most one in a while."""

    def __init__(self, report: Callable[[str], None], interval_s: float = INTERVAL_S) -> None:
        """Takes a callback; called on any thread."""
        super().__init__(logging.WARNING)
        self._report = report
        self._interval_s = interval_s
        self._next_s = 0.0

    def emit(self, record: logging.LogRecord) -> None:
        """Hands one on. Callers hold the handler's lock."""
        now_s = time.monotonic()
        if now_s >= self._next_s:
            self._next_s = now_s + self._interval_s
            self._report(f"control-plane telemetry: {record.getMessage()}")


def report_to(report: Callable[[str], None]) -> None:
    """Reports to this function from now on, and no longer to standard error."""
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        logger.handlers = [Reporter(report)]
        logger.propagate = False
