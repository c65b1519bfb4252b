"""What serving costs: latency at fixed rates, CPU a request, requests a core, and the same in plain Python.

    make bench-serving

One server on one core, the load on another, loopback between them, decisions traced and exported. Latency
is measured open loop, from the moment a request was due. Three banks: one that decides nothing, for what
transport alone takes; the demo bank; and one of 1,000 actions with a model of 100 trees, in
`large_serving.py`, also under overload, over mTLS and without tracing. The peer is `baseline_server.py`:
before anything is timed, servers answer the same questions, and every answer must be the same. The last
line is JSON. The compiled module must be a release build.
"""

import json
import math
import os
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

import large_serving
import machine
import windows
from nextbest import bundle, workspace
from nextbest.client.client import Client
from nextbest.client.encoding import assemble
from nextbest.client.operator import Operator
from nextbest.client.question import Question
from nextbest.demo import bank, questions, server
from nextbest.demo.tour import compile_workspace, load_customers
from processes import LOAD_CORE, SERVER_CORE, Child, child, nextbest, paused
from verification import verify
from windows import OpenLoop, Window

RATES = (2_000, 5_000)
IN_FLIGHT, NOOP_IN_FLIGHT = 4, 32
DRAIN_S_MAX = 10.0
VERIFIED_CUSTOMERS = 600
TRAFFIC_CUSTOMERS = 10_000
NOOP = {
    "workspace.yaml": "name: noop\n",
    "schema.yaml": "customer:\n  age: {type: int}\n",
    "channels.yaml": "channels:\n  web:\n    placements:\n      hero: {count: 1}\n",
    "actions/none.yaml": """
issue: sales
group: none
actions:
  nothing:
    value: 1
    enabled: false
    propensity: 0.5
    treatments:
      - {channel: web, placement: hero, content: {title: Nothing}}
""",
}
"""One action, switched off: all that is left of a decision is its transport."""


def main() -> None:
    """Runs everything, in some seven minutes."""
    if len(os.sched_getaffinity(0)) < 2:
        raise SystemExit("two cores are needed: one for the server, one for the load")
    console = Console(highlight=False, width=100)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="nextbest-bench-")))
        console.print("preparing the banks ...")
        os.sched_setaffinity(0, {LOAD_CORE})
        sink = stack.enter_context(child("otlp_sink.py", LOAD_CORE))
        figures = _noop(folder / "noop", console)
        figures |= _demo(folder, sink, console)
        large = large_serving.prepare(folder / "large")
        figures |= large_serving.measure(large, sink, console)
    figures |= {"machine": machine.describe()}
    _print(figures, console)
    print(json.dumps(_complete({"bench": "serving", **figures})))


def _noop(folder: Path, console: Console) -> dict[str, Any]:
    for name, text in NOOP.items():
        file = folder / "workspace" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    compiled = workspace.compile(folder / "workspace")
    if compiled.bundle is None:
        raise RuntimeError(f"the bank that decides nothing does not compile: {compiled.diagnostics}")
    (folder / "noop.bundle").write_bytes(bundle.seal(compiled.bundle).data)
    question = Question(customer={"age": 40}, channel="web", placements={"hero": 1})
    with nextbest(folder / "noop.bundle") as running:
        console.print("transport alone, closed loop ...")
        found = windows.closed_loop(
            running.addresses.decisions,
            [running.pid],
            [assemble(question).SerializeToString()],
            NOOP_IN_FLIGHT,
            connections=8,
        )
    return {
        "noop_rps_per_core": round(found.found.requests_per_core),
        "noop_cpu_us": round(found.found.cpu_us_per_request, 2),
        "noop_refused": found.found.refused,
    }


def _demo(folder: Path, sink: Child, console: Console) -> dict[str, Any]:
    made = bank.prepare(folder)
    compiled = compile_workspace(made.workspace, folder / "bank.bundle")
    with (
        nextbest(compiled.file, sink) as running,
        child("baseline_server.py", SERVER_CORE, str(compiled.file)) as peer,
    ):
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
    return figures | {"verified_decisions": verified, "actions": len(compiled.message.actions)}


def _measure(
    running: server.Running, sink: Child, peer: Child, traffic: Sequence[bytes], console: Console
) -> dict[str, Any]:
    address = running.addresses.decisions
    pids = (running.pid, sink.pid)
    rates: dict[str, Window[OpenLoop]] = {}
    with paused(peer.pid), Operator(running.addresses.control) as operator:
        for rate in RATES:
            console.print(f"demo bank, open loop, {rate:,} a second ...")
            rates[str(rate)] = windows.open_loop(
                address, pids, traffic, rate, lambda: operator.status().decisions
            )
        traces = _traces(operator)
        console.print("demo bank, closed loop ...")
        ours = windows.closed_loop(address, pids, traffic, IN_FLIGHT)
        traces_at_capacity = _traces(operator)
    console.print("demo bank, the Python server ...")
    with paused(running.pid):
        theirs = windows.closed_loop(peer.address, [peer.pid], traffic, IN_FLIGHT)
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
    """The outcome of the spans, once the exporter has had its time."""
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


TARGETS = (
    ("transport alone: requests a second and core", "noop_rps_per_core", ">= 85,000"),
    ("transport alone: CPU µs a request", "noop_cpu_us", "<= 12"),
    ("1,000 actions: decisions a second and core", "bank1000_rps_per_core", ">= 25,000"),
    ("1,000 actions: times grpcio, sync", "ratio_vs_grpcio.sync", ">= 15"),
    ("1,000 actions: times grpcio, asyncio", "ratio_vs_grpcio.aio", ">= 15"),
    ("5,000/s, p50 in µs", "bank1000_open5000.p50_us", "<= 150"),
    ("5,000/s, p99 in µs", "bank1000_open5000.p99_us", "<= 500"),
    ("5,000/s, p99.9 in µs", "bank1000_open5000.p999_us", ""),
    ("the machine's own hiccups meanwhile, p99 in µs", "bank1000_open5000.hiccup_p99_us", ""),
    ("mTLS: CPU a request, times plain text", "mtls_cpu_ratio", "<= 1.05"),
    ("tracing: throughput, times none", "tracing_throughput_ratio", ">= 0.95"),
    ("tracing: CPU a request, times none", "tracing_cpu_ratio", ""),
    ("tracing: spans dropped, of all", "tracing_dropped_share", ""),
    ("overload: answered, of what it can", "overload_goodput_ratio", ">= 0.9"),
    ("overload: p99 in µs", "overload_p99_us", "<= 2,000"),
)
"""What is aimed at; each with its place in the figures."""


def _print(figures: dict[str, Any], console: Console) -> None:
    about = figures["machine"]
    console.print(f"\n{about['cpu']}, {about['cores']} cores, Linux {about['kernel']}")
    latencies = Table(title="Demo bank: latency in µs, open loop", title_justify="left")
    columns = ("a second", "p50", "p90", "p99", "p99.9", "slowest", "errors", "hiccup p99", "max", "others")
    for column in columns:
        latencies.add_column(column, justify="right")
    for rate, row in figures["rates"].items():
        names = ("p50", "p90", "p99", "p999", "max")
        times = [f"{row[f'{name}_us']:,.0f}" for name in names]
        hiccups = [f"{row[f'hiccup_{name}_us']:,.0f}" for name in ("p99", "max")]
        others = f"{row['foreign_cpu_share']:.0%}"
        latencies.add_row(f"{int(rate):,}", *times, str(row["errors"]), *hiccups, others)
    costs = Table(title="Demo bank: cost, one core", title_justify="left")
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
    targets = Table("", title="Transport, and 1,000 actions", title_justify="left")
    for column in ("found", "aimed at"):
        targets.add_column(column, justify="right")
    for name, path, target in TARGETS:
        targets.add_row(name, f"{_at(figures, path):,}", target)
    console.print(latencies, costs, targets)
    at_rates, overall = figures["traces_at_rates"], figures["traces"]
    console.print(
        f"CPU at {RATES[-1]:,} a second: {figures['cpu_us_per_request']:,.1f} µs a request, tracing included."
        f" Spans at these rates: {at_rates['emitted']:,} emitted, {at_rates['exported']:,} exported,"
        f" {at_rates['dropped']:,} dropped; with capacity: {overall['emitted']:,}, {overall['exported']:,},"
        f" {overall['dropped']:,}."
    )
    console.print(
        f"Of {windows.WINDOWS} windows each, the one in which other processes used the least CPU (`others`)."
        f" Ratios of the second half: medians of {large_serving.PAIRS} pairs of windows."
    )


def _at(figures: dict[str, Any], path: str) -> float:
    found: Any = figures
    for name in path.split("."):
        found = found[name]
    return float(found)


def _complete(value: Any, path: str = "") -> Any:
    """Returns a document without gaps.

    Raises:
        ValueError: A figure is missing, or is not a number.
    """
    if isinstance(value, dict):
        return {name: _complete(item, f"{path}.{name}") for name, item in value.items()}
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        raise ValueError(f"no figure for {path}")
    return value


if __name__ == "__main__":
    main()
