"""Signals that ask a process to end, as something that its main thread can wait for.

Python runs a handler when the main thread comes to execute Python again, and nothing makes it: a signal that
another thread receives, or that comes just before the main thread blocks, waits for ever (`signal.pause` lost
543 of 4,000 that came as it began). The wake-up descriptor is written to at once, by whichever thread
receives the signal.
"""

import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Inbox:
    """Bytes that a thread can wait for: the numbers of signals, and 0 from whoever else wakes it."""

    def __init__(self, receiver: socket.socket, sender: socket.socket) -> None:
        self._receiver = receiver
        self._sender = sender

    def wait(self) -> int:
        """Returns the number of the next signal, one that has come already included, or 0 after `wake`."""
        return self._receiver.recv(1)[0]

    def wake(self) -> None:
        """Ends one `wait`; any thread may call it."""
        self._sender.send(bytes(1))


@contextmanager
def caught() -> Iterator[Inbox]:
    """Collects SIGTERM and SIGINT until the block ends; they do nothing else meanwhile. For the main thread.

    Raises:
        ValueError: This is not the main thread.
    """

    def handle(number: int, frame: FrameType | None) -> None:
        """Does nothing: that there is a handler makes Python write to the descriptor."""

    receiver, sender = socket.socketpair()
    with receiver, sender:
        sender.settimeout(0.0)
        descriptor = signal.set_wakeup_fd(sender.fileno(), warn_on_full_buffer=False)
        previous = {number: signal.signal(number, handle) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield Inbox(receiver, sender)
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(descriptor)
