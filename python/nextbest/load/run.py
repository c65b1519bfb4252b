"""Settings of a run -> its report, with word of how it goes, and an end when someone presses Ctrl-C."""
# ruff: noqa: PLC0415 - compiled code, which code that only reads figures need not load

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from nextbest import _core

PERIOD_S: Final = 0.5
"""Between two words of how it goes. Each costs the machine a moment, which may be that of a request."""
JOIN_S_MAX: Final = 10.0
"""For a run that was stopped: connecting takes up to 5 s, and answers have 2 s to come."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How a run goes.

    Attributes:
        elapsed_s: Since it began.
        answered_per_s: Answers with status OK a second, of late.
        failed: Other answers so far.
    """

    elapsed_s: float
    answered_per_s: float
    failed: int


def run(settings: Mapping[str, Any], follow: Callable[[Progress], None]) -> dict[str, Any]:
    """Runs the load generator in another thread, so that this one hears Ctrl-C.

    Args:
        settings: Those of `_core.load`.
        follow: Told twice a second how it goes.

    Raises:
        ServerError: The server cannot be reached.
        ValueError: A setting cannot be used.
        KeyboardInterrupt: The run was interrupted, and has ended.
    """
    from nextbest import _core

    watch = _core.LoadWatch()
    found: list[dict[str, Any]] = []
    failures: list[BaseException] = []

    def work() -> None:
        try:
            found.append(dict(_core.load(dict(settings), watch=watch)))
        except BaseException as error:  # noqa: BLE001 - raised again by the thread that waits
            failures.append(error)

    thread = threading.Thread(target=work, name="nextbest-load", daemon=True)
    thread.start()
    try:
        _follow(thread, watch, follow)
    except BaseException:
        watch.stop()
        thread.join(JOIN_S_MAX)
        raise
    if failures:
        raise failures[0]
    return found[0]


def _follow(thread: threading.Thread, watch: "_core.LoadWatch", follow: Callable[[Progress], None]) -> None:
    began = last = time.monotonic()
    answered = 0
    while True:
        thread.join(PERIOD_S)
        if not thread.is_alive():
            return
        now, ok = time.monotonic(), watch.ok
        follow(Progress(now - began, (ok - answered) / (now - last), watch.failed))
        last, answered = now, ok
