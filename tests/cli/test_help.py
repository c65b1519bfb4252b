"""Help that teaches: every command has examples, and the application's own help comes at once."""

import os
import subprocess
import sys

import pytest

from nextbest import __version__

COMMANDS = [
    ("init",),
    ("check",),
    ("test",),
    ("compile",),
    ("schema",),
    ("model", "push"),
    ("model", "list"),
    ("model", "show"),
    ("model", "diff"),
    ("model", "promote"),
    ("model", "rollback"),
    ("model", "retire"),
    ("model", "revise"),
    ("model", "pull"),
    ("model", "forget-rows"),
    ("model", "health"),
    ("serve",),
    ("activate",),
    ("status",),
    ("load",),
    ("demo",),
    ("decide",),
    ("explain",),
    ("customers", "load"),
    ("customers", "upsert"),
    ("customers", "get"),
    ("customers", "delete"),
    ("bundle", "show"),
    ("version",),
]


def test_the_application_lists_its_commands_and_exit_codes(nextbest):
    ran = nextbest("--help")
    assert ran.code == 0
    for command in COMMANDS:
        assert f" {command[0]} " in ran.out
    for line in ("0  done", "1  something was found", "3  no server was reached", "70  a fault of nextbest"):
        assert line in ran.out


def test_no_command_shows_the_help(nextbest):
    assert "Exit codes" in nextbest().out


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_explains_itself(nextbest, command):
    ran = nextbest(*command, "--help")
    assert ran.code == 0
    assert f"nextbest {' '.join(command)}" in ran.out.split("Examples", 1)[1]
    assert "[bold]" not in ran.out


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_speaks_to_machines(nextbest, command):
    if command != ("schema",):  # which speaks nothing else
        assert "--json" in nextbest(*command, "--help").out


def test_help_loads_nothing_heavy():
    code = """
import sys
sys.argv = ["nextbest", "--help"]
from nextbest.cli import main
try:
    main()
except SystemExit:
    pass
heavy = {"grpc", "google.protobuf", "polars", "numpy", "onnx", "onnxruntime", "yaml", "pydantic"}
heavy.add("opentelemetry")
print("loaded", sorted(heavy & sys.modules.keys()))
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.rstrip().endswith("loaded []")


def test_help_takes_less_than_half_a_second():
    # Of processor time: what the test's machine does besides is not the command's fault.
    with subprocess.Popen(
        [sys.executable, "-m", "nextbest.cli", "--help"], stdout=subprocess.DEVNULL
    ) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    assert usage.ru_utime + usage.ru_stime < 0.5


def test_a_wrong_command_line(nextbest):
    ran = nextbest("decide", "--no-such-option")
    assert ran.code == 2
    assert "No such option" in ran.err
    assert ran.out == ""


def test_the_version_alone(nextbest):
    ran = nextbest("--version")
    assert (ran.code, ran.out) == (0, f"{__version__}\n")


def test_versions(nextbest):
    assert "onnxruntime      1.28." in nextbest("version").out
