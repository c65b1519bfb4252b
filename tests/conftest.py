"""A server as in production: `nextbest serve` as a separate process, on free ports."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import slow
from hypothesis import settings

# Speed is measured in bench/, never in a test; a failing case is printed in a form to keep.
settings.register_profile("nextbest", deadline=None, print_blob=True)
settings.load_profile("nextbest")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Function]) -> None:
    """Marks as `slow` what was measured to be."""
    listed = slow.read()
    for item in items:
        if f"{item.path.name}::{item.originalname}" in listed:
            item.add_marker(pytest.mark.slow)


STOP_S_MAX = 30.0
# Tests of restarts ask for the default grace, and all others need not wait for it.
SETTINGS = {"NEXTBEST_DRAIN_GRACE_S": "0"}


@dataclass
class Serving:
    """A server that listens."""

    process: subprocess.Popen[str]
    listening: dict[str, Any]

    @property
    def decisions(self) -> str:
        return str(self.listening["decisions"])

    @property
    def control(self) -> str:
        return str(self.listening["control"])

    def read_event(self) -> dict[str, Any]:
        """Returns the next event on standard output."""
        event: dict[str, Any] = json.loads(read_line(self.process))
        return event

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, list[dict[str, Any]], str]:
        """Returns the exit code, the events on standard output since the start, and standard error."""
        self.process.send_signal(number)
        return self.wait()

    def wait(self) -> tuple[int, list[dict[str, Any]], str]:
        out, err = self.process.communicate(timeout=STOP_S_MAX)
        return self.process.returncode, [json.loads(line) for line in out.splitlines()], err


def read_line(process: subprocess.Popen[str]) -> bytes:
    """Reads a line and no byte more: what a file object had read ahead, `communicate` would not return."""
    assert process.stdout is not None
    line = b""
    while not line.endswith(b"\n") and (byte := os.read(process.stdout.fileno(), 1)):
        line += byte
    return line


@contextmanager
def servers(folder: Path) -> Iterator[Callable[..., Serving]]:
    """Starts servers; those that still run at the end are killed."""
    started: list[subprocess.Popen[str]] = []

    def start(bundle: Path, *options: str, **environment: str) -> Serving:
        addresses = ("--address", "--control-address", "--health-address")
        ports = [part for option in addresses for part in (option, "127.0.0.1:0")]
        ours = ("OTEL_", "NEXTBEST_")
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        process = subprocess.Popen(
            [sys.executable, "-m", "nextbest.cli", "serve", str(bundle), "--json", *ports, *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=folder,
            env={**inherited, **SETTINGS, **environment},
        )
        started.append(process)
        line = read_line(process)
        assert line, process.communicate(timeout=STOP_S_MAX)[1]
        return Serving(process, json.loads(line))

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=STOP_S_MAX)


@pytest.fixture
def start_serving(tmp_path: Path) -> Iterator[Callable[..., Serving]]:
    """Starts servers: `start_serving(bundle_file, "--workers", "1", NEXTBEST_DRAIN_S_MAX="1")`."""
    with servers(tmp_path) as start:
        yield start


@pytest.fixture(scope="module")
def start_serving_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Serving]]:
    """The same for a server that all tests of a module share."""
    with servers(tmp_path_factory.mktemp("servers")) as start:
        yield start
