"""Signals that ask a process to end, as something that its main thread can wait for.

Python runs a handler when the main thread comes to execute Python again, and nothing makes it: a signal that
another thread receives, or that comes just before the main thread blocks, waits for ever (`signal.pause` lost
543 of 4,000 that came as it began), and so does one that comes during a long call of Rust. The wake-up
descriptor is written to at once, by whichever thread receives the signal; a thread reads it and acts.

This module loads little, so that a server has its handlers before it loads anything else: process 1 of a
container does not get a signal at all that it has no handler for.
"""

import os
import queue
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_FAULTS = ("SIGABRT", "SIGBUS", "SIGFPE", "SIGILL", "SIGSEGV", "SIGSYS", "SIGTRAP")
_HARMLESS = (
    "SIGCHLD",
    "SIGCONT",
    "SIGPIPE",
    "SIGTTIN",
    "SIGTTOU",
    "SIGTSTP",
    "SIGURG",
    "SIGWINCH",
    "SIGXFSZ",
)
_UNSTOPPABLE = ("SIGKILL", "SIGSTOP")
HANDLED = frozenset(
    int(number)
    for number in signal.valid_signals()
    if getattr(number, "name", "") not in (*_FAULTS, *_HARMLESS, *_UNSTOPPABLE)
)
"""SIGHUP, and every signal that would end a process that does not handle it, real-time ones included; not
those that report a fault of the process itself, which keep their core dump."""


def name(number: int) -> str:
    """Returns what a signal is called."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"SIGRTMIN+{number - signal.SIGRTMIN}"


class Inbox:
    """Signals in the order in which they came, for one thread that waits for them."""

    def __init__(self) -> None:
        self._numbers: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._collects = False
        self._ends = False
        self._lock = threading.Lock()

    def wait(self) -> int:
        """Returns the number of the next signal; one that has come already counts."""
        return self._numbers.get()

    def collect(self) -> None:
        """Keeps signals from now on; before, the first one ends the process."""
        with self._lock:
            self._collects = True

    def take(self, number: int) -> None:
        """Takes a signal, on the thread that reads them.

        The first that asks for an end is kept for `wait`, and the second ends the process at once, with 128
        and its number: neither exit handlers nor destructors run, as whatever hangs must not hold it. SIGHUP
        is kept, and asks for no end.
        """
        with self._lock:
            if number == signal.SIGHUP:
                if self._collects and not self._ends:
                    self._numbers.put(number)
                return
            if self._ends or not self._collects:
                os._exit(128 + number)
            self._ends = True
        self._numbers.put(number)


class _Armed:
    """Handlers of all `HANDLED` signals, and the thread behind them."""

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(self._writer, False)
        self._descriptor = signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        # That there is a handler makes Python write to the descriptor; it does nothing else.
        self._previous = {number: signal.signal(number, lambda *_: None) for number in sorted(HANDLED)}
        self.inbox = Inbox()
        self._thread = threading.Thread(target=self._read, name="nextbest-signals", daemon=True)
        self._thread.start()

    def disarm(self) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._descriptor)
        os.close(self._writer)
        self._thread.join()
        os.close(self._reader)

    def _read(self) -> None:
        # Ends when the other end is closed.
        while numbers := os.read(self._reader, 64):
            for number in numbers:
                self.inbox.take(number)


_armed: list[_Armed] = []


@contextmanager
def armed() -> Iterator[Inbox]:
    """Ends the process at the first signal, until `Inbox.collect`; within a block, the same inbox.

    For the main thread.

    Raises:
        ValueError: This is not the main thread.
    """
    if _armed:
        yield _armed[0].inbox
        return
    _armed.append(_Armed())
    try:
        yield _armed[0].inbox
    finally:
        _armed.pop().disarm()


@contextmanager
def caught() -> Iterator[Inbox]:
    """Collects signals until the block ends. For the main thread.

    Raises:
        ValueError: This is not the main thread.
    """
    with armed() as inbox:
        inbox.collect()
        yield inbox
