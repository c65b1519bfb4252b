"""The command line: `nextbest COMMAND`. This module prepares the process; `application` has the commands.

It loads almost nothing: the signal handlers of a server have to be installed before anything else is loaded.
"""
# ruff: noqa: PLC0415 - see above

import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack

from nextbest.serve import signals

__all__ = ["main"]

_INTERRUPTED = 130


def main() -> None:
    """Runs the command line and exits; the codes are those of `exit_codes.ExitCode`."""
    with ExitStack() as stack:
        if sys.argv[1:2] == ["serve"]:
            stack.enter_context(signals.armed())
        _open_standard_streams()
        run = _load()
        try:
            run()
        except KeyboardInterrupt:
            # Before and after a command; within one, the framework ends with the same code.
            sys.exit(_INTERRUPTED)


def _load() -> Callable[[], None]:
    """Loads the commands. An interrupt then ends the process, without a traceback of a half-loaded module."""
    is_ours = threading.current_thread() is threading.main_thread()
    if not is_ours or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        from nextbest.cli.application import run

        return run
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        from nextbest.cli.application import run
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    return run


def _open_standard_streams() -> None:
    """Opens the null device for each standard stream that the process was started without.

    A closed descriptor would be reused for the next file or socket, which would then get the output for
    people.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            # Takes the lowest number that is free.
            os.open(os.devnull, os.O_RDWR)
    # `pathlib` would load too much.
    if sys.stdin is None:
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: PTH123, SIM115 - for life
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - for life
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
