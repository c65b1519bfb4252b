"""A signal that comes just before the wait ends it."""

import subprocess
import sys

ROUNDS = 400
# Each child says that it is there and waits; the signal comes a little earlier or later each time, so that
# some come as the wait begins. Children that still wait after two seconds are counted and killed.
SCRIPT = f"""
import os, select, signal
from nextbest import signals

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


def test_no_signal_is_lost():
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "0\n", "")
