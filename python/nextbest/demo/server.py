"""A bundle file -> a server that runs it: `nextbest serve` as a separate process, as in production."""

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from nextbest.client.credentials import Tls
from nextbest.client.errors import NextbestError
from nextbest.client.operator import Operator
from nextbest.ports import CONTROL_ADDRESS, DECISION_ADDRESS, HEALTH_ADDRESS

START_S_MAX = 30.0
STOP_S_MAX = 15.0


class ServerStartError(Exception):
    """The server ended, or did not answer in time; the message contains its output."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where a server listens, `host:port` each."""

    decisions: str = DECISION_ADDRESS
    control: str = CONTROL_ADDRESS
    health: str = HEALTH_ADDRESS


@dataclass(frozen=True, slots=True)
class Running:
    """A server that answers.

    Attributes:
        addresses: Where it listens.
        pid: Of its process.
    """

    addresses: Addresses
    pid: int


@dataclass(frozen=True, slots=True)
class _Caller:
    tls: Tls | None
    api_key: str | None


def free_addresses() -> Addresses:
    """Returns the usual addresses when all three are free, otherwise three others."""
    usual = Addresses()
    if all(_is_free(address) for address in (usual.decisions, usual.control, usual.health)):
        return usual
    return _others()


def _others() -> Addresses:
    with ExitStack() as sockets:
        # Held together until all three are known, so that they differ.
        probes = [sockets.enter_context(socket.socket()) for _ in range(3)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return Addresses(*(f"127.0.0.1:{probe.getsockname()[1]}" for probe in probes))


@contextmanager
def running(
    bundle: Path,
    log: Path,
    *,
    through: Sequence[str] = (),
    tls: Tls | None = None,
    api_key: str | None = None,
) -> Iterator[Running]:
    """Serves a bundle until the block ends, then drains the server.

    Args:
        bundle: The bundle file.
        log: The server's output.
        through: Programs to start it with, which must become it: `taskset -c 0`, `env NAME=value`.
        tls: How its control port is asked whether it has started; None: in plain text.
        api_key: The key of the caller; None: no authentication.

    Raises:
        ServerStartError: It did not start.
    """
    addresses, process = _start(bundle, log, through, _Caller(tls, api_key))
    try:
        yield Running(addresses, process.pid)
    finally:
        _stop(process)


def _start(
    bundle: Path, log: Path, through: Sequence[str], caller: _Caller
) -> "tuple[Addresses, subprocess.Popen[bytes]]":
    addresses = free_addresses()
    try:
        return addresses, _launch(bundle, log, through, addresses, caller)
    except ServerStartError as error:
        # Another process has taken the default addresses since they were checked.
        if addresses != Addresses() or "cannot listen" not in str(error):
            raise
        addresses = _others()
        return addresses, _launch(bundle, log, through, addresses, caller)


def _launch(
    bundle: Path, log: Path, through: Sequence[str], addresses: Addresses, caller: _Caller
) -> "subprocess.Popen[bytes]":
    command = [*through, sys.executable, "-m", "nextbest.cli", "serve", str(bundle)]
    command += ["--address", addresses.decisions, "--control-address", addresses.control]
    # It has no other callers who would need time to find another server.
    command += ["--health-address", addresses.health, "--drain-grace", "0"]
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - no shell, and this very interpreter
            command,
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            # Ctrl-C is for the demo, which then stops the server in its own time.
            start_new_session=True,
        )
    try:
        _wait(process, addresses, log, caller)
    except BaseException:
        _stop(process)
        raise
    return process


def _wait(process: "subprocess.Popen[bytes]", addresses: Addresses, log: Path, caller: _Caller) -> None:
    deadline = time.monotonic() + START_S_MAX
    while process.poll() is None and time.monotonic() < deadline:
        # A new connection each time: gRPC takes its time before it tries a refused one again.
        with Operator(addresses.control, timeout_s=1.0, tls=caller.tls, api_key=caller.api_key) as operator:
            try:
                operator.status()
            except NextbestError:
                time.sleep(0.05)
            else:
                return
    output = log.read_text(encoding="utf-8", errors="replace").strip()[-2_000:]
    raise ServerStartError(f"the server did not start: {output or 'it had no output'}")


def _stop(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_S_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _is_free(address: str) -> bool:
    host, _, port = address.rpartition(":")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, int(port)))
        except OSError:
            return False
    return True
