"""The log of a server on standard output and standard error, written by threads that may wait for it.

Writing to a pipe that is not read blocks; writing to a pipe without a reader, or to a full disk, fails.
Neither is a reason to answer a call late or wrongly, or not to drain. Lines wait in a bounded queue; what
does not fit, or cannot be written, is dropped and counted. Python's own buffers are not used, as their
flush when the interpreter ends would wait, too.
"""

import io
import os
import select
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TextIO

LOG_BYTES_MAX: Final = 1_048_576
"""Of lines that wait to be written, of each stream."""
LOG_LINE_BYTES_MAX: Final = 65_536
"""A longer line is cut into several."""


class Log(io.TextIOBase):
    """A text stream whose `write` neither waits nor fails."""

    encoding = "utf-8"

    def __init__(self, descriptor: int | None, name: str, complain: Callable[[str], None]) -> None:
        """Begins.

        Args:
            descriptor: Where lines go; None: nowhere, each counts as dropped.
            name: Of the thread.
            complain: Told, once, why lines cannot be written.
        """
        super().__init__()
        self._descriptor = descriptor
        self._complain = complain
        self._complained = False
        self._partial = ""
        self._lines: deque[bytes] = deque()
        self._bytes = 0
        self._dropped = 0
        self._ended = False
        # Whether half of a line that could not be written whole is out.
        self._is_torn = False
        # Its lock can be taken again by the thread that has it: a destructor that writes may run anywhere.
        self._changed = threading.Condition()
        threading.Thread(target=self._run, name=name, daemon=True).start()

    @property
    def dropped(self) -> int:
        """Lines that were dropped."""
        with self._changed:
            return self._dropped

    def write(self, text: str, /) -> int:
        """Queues the lines that the text completes; the rest waits for its line end."""
        with self._changed:
            *lines, self._partial = (self._partial + text).split("\n")
            if len(self._partial) > LOG_LINE_BYTES_MAX:
                lines, self._partial = [*lines, self._partial], ""
            for line in lines:
                self._put(f"{line}\n".encode(errors="backslashreplace"))
            if lines:
                self._changed.notify_all()
        return len(text)

    def flush(self) -> None:
        """Does nothing: lines are written as soon as they can be."""

    def writable(self) -> bool:
        """True: that is what it is for."""
        return True

    def isatty(self) -> bool:
        """Whether lines go to a terminal."""
        return self._descriptor is not None and os.isatty(self._descriptor)

    def fileno(self) -> int:
        """Where lines go."""
        if self._descriptor is None:
            raise OSError("a closed stream has no descriptor")
        return self._descriptor

    def end(self, timeout_s: float) -> None:
        """Waits so long until all is written; what is left then is dropped, and so is what comes later."""
        until = time.monotonic() + timeout_s
        with self._changed:
            if self._partial:
                self.write("\n")
            while self._lines and (left := until - time.monotonic()) > 0:
                self._changed.wait(left)
            self._dropped += len(self._lines)
            self._lines.clear()
            self._ended = True
            self._changed.notify_all()

    def _put(self, line: bytes) -> None:
        if self._ended or self._bytes + len(line) > LOG_BYTES_MAX:
            self._dropped += 1
            return
        self._lines.append(line)
        self._bytes += len(line)

    def _run(self) -> None:
        while (line := self._next()) is not None:
            is_written = self._write_out(line)
            with self._changed:
                if self._lines and self._lines[0] is line:
                    self._lines.popleft()
                    self._dropped += not is_written
                self._bytes -= len(line)
                self._changed.notify_all()

    def _next(self) -> bytes | None:
        with self._changed:
            while not self._lines:
                if self._ended:
                    return None
                self._changed.wait()
            return self._lines[0]

    def _write_out(self, line: bytes) -> bool:
        if self._descriptor is None:
            return False
        rest = memoryview(b"\n" + line if self._is_torn else line)
        size = len(rest)
        try:
            while rest:
                rest = rest[_write_some(self._descriptor, rest) :]
        except OSError as error:
            self._is_torn |= len(rest) < size
            if not self._complained:
                self._complained = True
                self._complain(error.strerror or str(error))
            return False
        self._is_torn = False
        return True


def _write_some(descriptor: int, data: memoryview) -> int:
    try:
        return os.write(descriptor, data)
    except BlockingIOError:
        # Another process that shares the pipe has made it non-blocking.
        waiting = select.poll()
        waiting.register(descriptor, select.POLLOUT)
        waiting.poll()
        return 0


class Logs:
    """Both streams of a server."""

    def __init__(self) -> None:
        self._error = Log(_descriptor(sys.stderr), "nextbest-log-errors", lambda _: None)
        self._output = Log(_descriptor(sys.stdout), "nextbest-log", self._warn)

    @property
    def dropped(self) -> int:
        """Lines of both that were dropped."""
        return self._output.dropped + self._error.dropped

    def end(self, timeout_s: float) -> None:
        """Waits so long, for both, until all is written."""
        until = time.monotonic() + timeout_s
        for log in (self._output, self._error):
            log.end(max(0.0, until - time.monotonic()))

    def streams(self) -> tuple[TextIO, TextIO]:
        """Returns standard output and standard error."""
        # They have all that is asked of a text stream here.
        return self._output, self._error  # type: ignore[return-value]

    def _warn(self, reason: str) -> None:
        self._error.write(
            f"warning: standard output cannot be written: {reason}: lines are dropped, and counted as "
            "`log_lines_dropped` by `nextbest status`\n"
        )


def _descriptor(stream: TextIO | None) -> int | None:
    try:
        # Standard output that was closed has been replaced by the null device.
        return None if stream is None or stream.name == os.devnull else stream.fileno()
    except (OSError, AttributeError):
        return None


@contextmanager
def bounded() -> Iterator[Logs]:
    """Puts logs in the place of standard output and standard error, of all that Python writes there."""
    kept = sys.stdout, sys.stderr
    logs = Logs()
    sys.stdout, sys.stderr = logs.streams()
    try:
        yield logs
    finally:
        sys.stdout, sys.stderr = kept
        logs.end(LOG_FLUSH_S_MAX)


LOG_FLUSH_S_MAX: Final = 0.5
"""How long an end waits for lines to be written."""
