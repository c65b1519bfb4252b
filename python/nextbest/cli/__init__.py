"""The command line: `nextbest COMMAND`. This module prepares the process; `application` has the commands.

It loads next to nothing: a server's signal handlers have to be there before anything else is loaded.
"""
# ruff: noqa: PLC0415 - see above

import os
import sys
from contextlib import ExitStack

from nextbest import signals

__all__ = ["main"]


def main() -> None:
    """Runs the command line and exits; the codes are those of `exit_codes.ExitCode`."""
    with ExitStack() as stack:
        if sys.argv[1:2] == ["serve"]:
            stack.enter_context(signals.armed())
        _open_standard_streams()
        from nextbest.cli.application import run

        run()


def _open_standard_streams() -> None:
    """Gives a process that was started without one of them the null device.

    A closed descriptor would become that of the next file or socket, which would then get what is meant for
    people.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            # Takes the lowest number that is free.
            os.open(os.devnull, os.O_RDWR)
    # `pathlib` would load too much.
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - for life
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
