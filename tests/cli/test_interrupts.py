"""An interrupt while a command is loaded ends it as one does later: without a traceback."""

import signal
import subprocess
import sys

import pytest

PROGRAM = """
import os, signal, sys
from nextbest import cli

module = sys.argv[1]
sys.argv[1:] = ["check", "nowhere"]

class Interrupt:
    def find_spec(self, name, path, target=None):
        if name == module:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupt())
cli.main()
"""


@pytest.mark.parametrize(
    ("module", "code"),
    [("typer", -signal.SIGINT), ("nextbest.cli.customers", -signal.SIGINT), ("nextbest.telemetry", 130)],
)
def test_an_interrupt_while_loading_has_no_traceback(module, code):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, module],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    assert done.returncode == code
