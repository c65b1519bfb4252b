"""Signals: none is lost, every one that asks for an end is handled, and a second one ends the process."""

import signal
import subprocess
import sys

import pytest

from nextbest.serve import signals

ROUNDS = 400
# Each child reports that it is ready and waits; the signal comes a little earlier or later each time, so that
# some come as the wait begins. Children that still wait after two seconds are counted and killed.
LOST = f"""
import os, select, signal
from nextbest.serve import signals

lost = 0
for round in range({ROUNDS}):
    there, say = os.pipe()
    ended, end = os.pipe()
    child = os.fork()
    if child == 0:
        with signals.caught() as inbox:
            os.write(say, b"x")
            for _ in range(round):
                pass
            os._exit(0 if inbox.wait() == signal.SIGINT else 1)
    os.close(end)
    os.read(there, 1)
    os.kill(child, signal.SIGINT)
    if not select.select([ended], [], [], 2.0)[0]:
        lost += 1
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    assert status in (0, signal.SIGKILL), status
    for descriptor in (there, say, ended):
        os.close(descriptor)
print(lost)
"""
# A child for each signal, which gets it twice: `wait` returns the first, the second ends it.
EVERY = """
import os, signal, time
from nextbest.serve import signals

for number in sorted(signals.HANDLED - {signal.SIGHUP}):
    for is_collecting in (True, False):
        there, say = os.pipe()
        child = os.fork()
        if child == 0:
            with signals.armed() as inbox:
                if is_collecting:
                    inbox.collect()
                os.write(say, b"x")
                got = inbox.wait()
                os.write(say, bytes([got]))
                while True:
                    time.sleep(60)
        os.read(there, 1)
        os.kill(child, number)
        if is_collecting:
            assert os.read(there, 1) == bytes([number]), number
            os.kill(child, number)
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == 128 + number, (number, status)
        os.close(there)
        os.close(say)
print("all")
"""
# SIGHUP is passed on as often as it comes, asks for no end, and does nothing before the server listens.
HANGUP = """
import os, signal
from nextbest.serve import signals

with signals.armed() as inbox:
    os.kill(os.getpid(), signal.SIGHUP)
    # Read in order: once this one is through, so is the one before.
    while inbox._numbers.empty():
        inbox.collect()
        os.kill(os.getpid(), signal.SIGHUP)
    assert inbox.wait() == signal.SIGHUP
    os.kill(os.getpid(), signal.SIGTERM)
    while (number := inbox.wait()) == signal.SIGHUP:
        pass
    assert number == signal.SIGTERM
print("passed on")
"""


@pytest.mark.parametrize(("script", "output"), [(LOST, "0"), (EVERY, "all"), (HANGUP, "passed on")])
def test_signals(script, output):
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{output}\n", "")


def test_what_is_handled():
    assert {signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2} <= (
        signals.HANDLED
    )
    assert {
        signal.SIGALRM,
        signal.SIGXCPU,
        signal.SIGPWR,
        signal.SIGRTMIN,
        signal.SIGRTMAX,
    } <= signals.HANDLED
    assert not {signal.SIGKILL, signal.SIGSTOP, signal.SIGSEGV, signal.SIGABRT} & signals.HANDLED
    assert not {signal.SIGCHLD, signal.SIGPIPE, signal.SIGTSTP, signal.SIGWINCH} & signals.HANDLED
    assert [signals.name(number) for number in (15, 37)] == ["SIGTERM", "SIGRTMIN+3"]


def test_handlers_are_there_before_anything_is_loaded():
    """A process 1 gets no signal that it has no handler for: what is loaded before is what it can lose."""
    code = """
import sys
from nextbest.cli import main
heavy = {"typer", "rich", "grpc", "numpy", "yaml", "asyncio", "importlib.metadata", "json", "email"}
print("loaded", sorted(heavy & sys.modules.keys()))
"""
    ran = subprocess.run(
        [sys.executable, "-S", "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": ":".join(path for path in sys.path if path)},
    )
    assert ran.stdout == "loaded []\n", ran.stderr
