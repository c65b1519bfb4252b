"""What serving costs: latency at fixed rates, CPU a request, requests a core, and the same in plain Python.

    make bench-serving

The demo bank on one core, the load on another, loopback between them, every decision traced and exported.
Latency is measured open loop, from the moment a request was due. The peer is `baseline_server.py`: before
anything is timed, both servers answer the same questions, and every answer must be the same. The last line is
JSON. The compiled module must be a release build.
"""

import json
import math
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

import machine
import windows
from nextbest.client import Client
from nextbest.control.operator import Operator
from nextbest.demo import bank, questions, server
from nextbest.demo.tour import compile_workspace, load_customers
from verification import verify
from windows import OpenLoop, Window

SERVER_CORE, LOAD_CORE = 0, 1
RATES = (2_000, 5_000)
DRAIN_S_MAX = 10.0
VERIFIED_CUSTOMERS = 600
TRAFFIC_CUSTOMERS = 10_000
HERE = Path(__file__).parent


def main() -> None:
    """Runs everything, in under three minutes."""
    if len(os.sched_getaffinity(0)) < 2:
        raise SystemExit("two cores are needed: one for the server, one for the load")
    console = Console(highlight=False, width=100)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="nextbest-bench-")))
        console.print("preparing the demo bank ...")
        made = bank.prepare(folder)
        compiled = compile_workspace(made.workspace, folder / "bank.bundle")
        os.sched_setaffinity(0, {LOAD_CORE})
        sink = stack.enter_context(_child("otlp_sink.py", LOAD_CORE))
        through = ["taskset", "-c", str(SERVER_CORE), "env", "NEXTBEST_WORKERS=1"]
        through.append(f"OTEL_EXPORTER_OTLP_ENDPOINT=http://{sink.address}")
        running = stack.enter_context(server.running(compiled.file, folder / "server.log", through=through))
        peer = stack.enter_context(_child("baseline_server.py", SERVER_CORE, str(compiled.file)))
        for address in (running.addresses.decisions, peer.address):
            with Client(address, timeout_s=30.0) as client:
                stored = sum(load_customers(client, made.customers))
                assert stored == len(made.customers)
        ids = made.customers["customer_id"].to_list()
        verified = verify(running.addresses.decisions, peer.address, ids[:VERIFIED_CUSTOMERS])
        console.print(
            f"{verified:,} decisions of {VERIFIED_CUSTOMERS} customers are the same in both servers"
        )
        traffic = questions.traffic(ids[:TRAFFIC_CUSTOMERS], seed=5)
        figures = _measure(running, sink, peer, traffic, console)
    figures |= {
        "verified_decisions": verified,
        "machine": machine.describe(),
        "actions": len(compiled.message.actions),
    }
    _print(figures, console)
    print(json.dumps(_complete({"bench": "serving", **figures})))


@dataclass(frozen=True, slots=True)
class Child:
    """A process of the bench."""

    pid: int
    address: str


@contextmanager
def _child(script: str, core: int, *arguments: str) -> Iterator[Child]:
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


def _free_address() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


def _measure(
    running: server.Running, sink: Child, peer: Child, traffic: Sequence[bytes], console: Console
) -> dict[str, Any]:
    address = running.addresses.decisions
    pids = (running.pid, sink.pid)
    rates: dict[str, Window[OpenLoop]] = {}
    os.kill(peer.pid, signal.SIGSTOP)
    with Operator(running.addresses.control) as operator:
        for rate in RATES:
            console.print(f"open loop, {rate:,} a second ...")
            rates[str(rate)] = windows.open_loop(
                address, pids, traffic, rate, lambda: operator.status().decisions
            )
        traces = _traces(operator)
        console.print("capacity, closed loop ...")
        ours = windows.closed_loop(address, pids, traffic)
        traces_at_capacity = _traces(operator)
    os.kill(running.pid, signal.SIGSTOP)
    os.kill(peer.pid, signal.SIGCONT)
    console.print("the same of the Python server, closed loop ...")
    theirs = windows.closed_loop(peer.address, [peer.pid], traffic)
    os.kill(running.pid, signal.SIGCONT)
    return {
        "rates": {rate: _figures(window) for rate, window in rates.items()},
        "cpu_us_per_request": round(rates[str(RATES[-1])].found.cpu_us_per_request, 2),
        "cpu_us_per_request_at_capacity": round(ours.found.cpu_us_per_request, 2),
        "cpu_us_per_request_python": round(theirs.found.cpu_us_per_request, 2),
        "requests_per_core": round(ours.found.requests_per_core),
        "requests_per_core_python": round(theirs.found.requests_per_core),
        "requests_per_core_ratio_vs_python": round(
            ours.found.requests_per_core / theirs.found.requests_per_core, 2
        ),
        "capacity_per_s": round(ours.found.per_s),
        "capacity_per_s_python": round(theirs.found.per_s),
        "foreign_cpu_share": round(ours.foreign_share, 3),
        "foreign_cpu_share_python": round(theirs.foreign_share, 3),
        "traces_at_rates": traces,
        "traces": traces_at_capacity,
    }


def _traces(operator: Operator) -> dict[str, int]:
    """What became of the spans, once the exporter has had its time."""
    deadline = time.monotonic() + DRAIN_S_MAX
    while (counts := operator.status().traces).pending and time.monotonic() < deadline:
        time.sleep(0.1)
    if not counts.emitted:
        raise RuntimeError("no decision was traced")
    return asdict(counts)


def _figures(window: Window[OpenLoop]) -> dict[str, float]:
    latency = window.found.latency
    return {
        "p50_us": round(latency.p50_us, 1),
        "p90_us": round(latency.p90_us, 1),
        "p99_us": round(latency.p99_us, 1),
        "p999_us": round(latency.p999_us, 1),
        "max_us": round(latency.max_us, 1),
        "errors": sum(latency.errors.values()),
        "sent": latency.sent,
        "achieved_per_s": round(latency.achieved_per_s, 1),
        "cpu_us_per_request": round(window.found.cpu_us_per_request, 2),
        "hiccup_p99_us": round(latency.hiccup_p99_us, 1),
        "hiccup_max_us": round(latency.hiccup_max_us, 1),
        "foreign_cpu_share": round(window.foreign_share, 3),
    }


def _print(figures: dict[str, Any], console: Console) -> None:
    about = figures["machine"]
    console.print(f"\n{about['cpu']}, {about['cores']} cores, Linux {about['kernel']}")
    latencies = Table(title="Latency in µs, open loop", title_justify="left")
    columns = ("a second", "p50", "p90", "p99", "p99.9", "slowest", "errors", "hiccup p99", "max", "others")
    for column in columns:
        latencies.add_column(column, justify="right")
    for rate, row in figures["rates"].items():
        names = ("p50", "p90", "p99", "p999", "max")
        times = [f"{row[f'{name}_us']:,.0f}" for name in names]
        hiccups = [f"{row[f'hiccup_{name}_us']:,.0f}" for name in ("p99", "max")]
        others = f"{row['foreign_cpu_share']:.0%}"
        latencies.add_row(f"{int(rate):,}", *times, str(row["errors"]), *hiccups, others)
    costs = Table(title="Cost, one core", title_justify="left")
    costs.add_column("")
    for column in ("nextbest", "Python", "ratio"):
        costs.add_column(column, justify="right")
    for name, key in (
        ("CPU µs a request", "cpu_us_per_request_at_capacity"),
        ("requests a core", "requests_per_core"),
    ):
        ours = figures[key]
        theirs = figures[key.removesuffix("_at_capacity") + "_python"]
        ratio = max(ours, theirs) / min(ours, theirs)
        costs.add_row(name, f"{ours:,.1f}", f"{theirs:,.1f}", f"{ratio:,.1f}")
    console.print(latencies, costs)
    at_rates, overall = figures["traces_at_rates"], figures["traces"]
    console.print(
        f"CPU at {RATES[-1]:,} a second: {figures['cpu_us_per_request']:,.1f} µs a request, tracing included."
        f" Spans at these rates: {at_rates['emitted']:,} emitted, {at_rates['exported']:,} exported,"
        f" {at_rates['dropped']:,} dropped; with capacity: {overall['emitted']:,}, {overall['exported']:,},"
        f" {overall['dropped']:,}."
    )
    console.print(
        f"Of {windows.WINDOWS} windows each, the one in which other processes used the least CPU (`others`)."
    )


def _complete(value: Any, path: str = "") -> Any:
    """Returns a document without gaps.

    Raises:
        ValueError: A figure is missing, or is no number.
    """
    if isinstance(value, dict):
        return {name: _complete(item, f"{path}.{name}") for name, item in value.items()}
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        raise ValueError(f"no figure for {path}")
    return value


if __name__ == "__main__":
    main()
