"""Logs into real pipes and files: no reader, a closed reader, a full disk, a closed file."""

import fcntl
import os
import sys
import termios
import threading
from pathlib import Path

import pytest

from nextbest.serve.log import LOG_BYTES_MAX, LOG_LINE_BYTES_MAX, Log

PIPE_BYTES = 4096


@pytest.fixture
def pipe():
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    ends = {"reader": reader, "writer": writer}
    yield ends
    for descriptor in ends.values():
        os.close(descriptor)


def read_lines(descriptor):
    """Reads until a line `end`."""
    data = b""
    while not data.endswith(b"end\n"):
        data += os.read(descriptor, 65_536)
    return data.decode().splitlines()


def wait_until_full(descriptor):
    """Waits until a pipe has no room for one more line of 100 bytes."""
    waiting = bytearray(4)
    while int.from_bytes(waiting, sys.byteorder) <= PIPE_BYTES - 100:
        threading.Event().wait(0.001)
        fcntl.ioctl(descriptor, termios.FIONREAD, waiting)


def test_no_reader(pipe):
    complaints = []
    log = Log(pipe["writer"], "log", complaints.append)
    lines = LOG_BYTES_MAX // 100 * 2
    for index in range(lines):
        # Would block in a pipe's write.
        log.write(f"{index:<99}\n")
        if index == PIPE_BYTES // 100:
            # While the pipe takes lines, the queue has room for later ones.
            wait_until_full(pipe["reader"])
    dropped = log.dropped
    assert lines // 3 < dropped < lines
    reading = threading.Thread(target=lambda: read.extend(read_lines(pipe["reader"])))
    read = []
    reading.start()
    while log.dropped == dropped:
        log.write("end\n")
        reading.join(0.05)
        if not reading.is_alive():
            break
    reading.join()
    kept = [int(line) for line in read if line != "end"]
    # What was kept is the beginning, in order and whole.
    assert kept == list(range(len(kept)))
    assert len(kept) >= lines - log.dropped
    assert complaints == []


def test_an_end_waits_no_longer_than_its_limit(pipe):
    log = Log(pipe["writer"], "log", lambda _: None)
    for _ in range(200):
        log.write("x" * 99 + "\n")
    log.end(0.05)
    assert log.dropped >= 200 - PIPE_BYTES // 100 - 1
    log.write("later\n")
    assert log.dropped >= 201 - PIPE_BYTES // 100 - 1


def test_an_end_waits_for_what_is_being_written(pipe):
    log = Log(pipe["writer"], "log", lambda _: None)
    log.write("first\nsecond, without a line end")
    log.end(20.0)
    assert os.read(pipe["reader"], 1000) == b"first\nsecond, without a line end\n"
    assert log.dropped == 0


def test_the_reader_is_gone(pipe):
    os.close(pipe.pop("reader"))
    complaints = []
    log = Log(pipe["writer"], "log", complaints.append)
    log.write("one\ntwo\n")
    log.end(20.0)
    assert (log.dropped, complaints) == (2, ["Broken pipe"])


def test_the_disk_is_full():
    complaints = []
    with Path("/dev/full").open("w") as full:
        log = Log(full.fileno(), "log", complaints.append)
        log.write("one\n")
        log.end(20.0)
    assert (log.dropped, complaints) == (1, ["No space left on device"])


def test_a_closed_stream_takes_everything():
    complaints = []
    log = Log(None, "log", complaints.append)
    log.write("one\ntwo\nthree\n")
    log.end(20.0)
    assert (log.dropped, complaints, log.isatty()) == (3, [], False)


def test_a_pipe_that_does_not_block_loses_nothing(pipe):
    os.set_blocking(pipe["writer"], False)
    log = Log(pipe["writer"], "log", lambda _: None)
    for index in range(1_000):
        log.write(f"{index:<99}\n")
    log.write("end\n")
    assert [int(line) for line in read_lines(pipe["reader"])[:-1]] == list(range(1_000))
    assert log.dropped == 0


def test_lines_that_come_in_pieces(pipe):
    log = Log(pipe["writer"], "log", lambda _: None)
    print("a", 1, file=log)
    print("\udcff", file=log)
    log.write("no line end " * (LOG_LINE_BYTES_MAX // 10))
    log.write("\nend\n")
    first, second, long, _, last = read_lines(pipe["reader"])
    assert (first, second, last) == ("a 1", "\\udcff", "end")
    assert len(long) > LOG_LINE_BYTES_MAX
