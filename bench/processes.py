"""Programs of a benchmark, each on a separate core: servers, their peers, the receiver of spans."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from nextbest.demo import server

SERVER_CORE: Final = 0
LOAD_CORE: Final = 1
HERE: Final = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Child:
    """A process of the bench."""

    pid: int
    address: str


@contextmanager
def child(script: str, core: int, *arguments: str) -> Iterator[Child]:
    """Runs a script of this folder until the block ends; it prints `ready` when it listens.

    Raises:
        RuntimeError: It did not start.
    """
    address = _free_address()
    process = subprocess.Popen(
        [sys.executable, str(HERE / script), *arguments, address], stdout=subprocess.PIPE, text=True
    )
    try:
        os.sched_setaffinity(process.pid, {core})
        assert process.stdout is not None
        if process.stdout.readline().strip() != "ready":
            raise RuntimeError(f"{script} did not start")
        yield Child(process.pid, address)
    finally:
        process.send_signal(signal.SIGCONT)
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


@contextmanager
def nextbest(
    bundle: Path, sink: Child | None = None, settings: Mapping[str, str] | None = None, **operator: Any
) -> Iterator[server.Running]:
    """Serves a bundle with one worker on the server's core until the block ends.

    Args:
        bundle: The file.
        sink: Where spans go; None: decisions are not traced.
        settings: Environment variables.
        operator: How its control port is asked: `tls`, `api_key`.
    """
    through = ["taskset", "-c", str(SERVER_CORE), "env", "NEXTBEST_WORKERS=1"]
    if sink is not None:
        through.append(f"OTEL_EXPORTER_OTLP_ENDPOINT=http://{sink.address}")
    through += [f"{name}={value}" for name, value in (settings or {}).items()]
    log = bundle.with_name(f"server-{_free_address().rpartition(':')[2]}.log")
    with server.running(bundle, log, through=through, **operator) as running:
        try:
            yield running
        finally:
            os.kill(running.pid, signal.SIGCONT)


@contextmanager
def paused(*pids: int) -> Iterator[None]:
    """Stops processes while others are measured on the same core."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def _free_address() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"
