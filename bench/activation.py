"""What swapping models costs the requests that are under way: 1,000 activations of the demo bank under load.

    make bench-activation

The server on one core, 2,000 decisions a second from another, open loop, timed from the moment each was due.
First nothing else happens; then two bundles with the same three models take turns, twenty activations a
second (`--pause 0`: one after the other), until a thousand are done. No request may fail. The last line is
JSON.
"""

import argparse
import json
import os
import statistics
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

import machine
from nextbest import _core, bundle
from nextbest.client.client import Client
from nextbest.client.operator import Operator
from nextbest.demo import bank, questions, server
from nextbest.demo.tour import compile_workspace, load_customers

SERVER_CORE: Final = 0
LOAD_CORE: Final = 1
RATE_PER_S: Final = 2_000.0
WINDOW_S: Final = 5.0
QUIET_WINDOWS: Final = 4
ACTIVATIONS: Final = 1_000
PAUSE_S: Final = 0.05
TRAFFIC_CUSTOMERS: Final = 10_000


def main() -> None:
    """Runs everything, in some two minutes."""
    arguments = _arguments()
    if len(os.sched_getaffinity(0)) < 2:
        raise SystemExit("two cores are needed: one for the server, one for the load")
    console = Console(highlight=False, width=100)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="nextbest-bench-")))
        console.print("preparing the demo bank ...")
        made = bank.prepare(folder)
        compiled = compile_workspace(made.workspace, folder / "bank.bundle")
        bundles = _bundles(compiled.message)
        os.sched_setaffinity(0, {LOAD_CORE})
        through = ["taskset", "-c", str(SERVER_CORE), "env", "NEXTBEST_WORKERS=1"]
        running = stack.enter_context(server.running(compiled.file, folder / "server.log", through=through))
        with Client(running.addresses.decisions, timeout_s=30.0) as client:
            sum(load_customers(client, made.customers))
        ids = made.customers["customer_id"].to_list()
        traffic = list(questions.traffic(ids[:TRAFFIC_CUSTOMERS], seed=5))
        console.print("quiet ...")
        quiet = [_window(running, traffic) for _ in range(QUIET_WINDOWS)]
        console.print(f"{arguments.activations:,} activations ...")
        swapped, activations = _swap(running, traffic, bundles, arguments)
    figures = _figures(quiet, swapped, activations)
    _print(figures, console)
    print(json.dumps(figures))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Swaps models under load.")
    parser.add_argument("--activations", type=int, default=ACTIVATIONS, help="how many")
    parser.add_argument("--pause", type=float, default=PAUSE_S, help="seconds between two of them")
    return parser.parse_args()


def _bundles(message: Any) -> list[bytes]:
    """The same bank under two names, and so with two digests."""
    other = type(message)()
    other.CopyFrom(message)
    other.workspace += "-2"
    return [bundle.seal(other).data, bundle.seal(message).data]


def _window(running: server.Running, traffic: list[bytes]) -> dict[str, Any]:
    found = _core.load(
        {
            "address": running.addresses.decisions,
            "requests": traffic,
            "rate_per_s": RATE_PER_S,
            "duration_s": WINDOW_S,
            "warmup_s": 0.5,
        }
    )
    if found["errors"]:
        raise SystemExit(f"requests failed: {found['errors']}")
    return dict(found)


def _swap(
    running: server.Running, traffic: list[bytes], bundles: list[bytes], asked: argparse.Namespace
) -> tuple[list[dict[str, Any]], list[tuple[float, float]]]:
    """Returns windows under load, and of each activation what it took in ms and the server's memory in MB."""
    activations: list[tuple[float, float]] = []

    def activate() -> None:
        with Operator(running.addresses.control) as operator:
            for turn in range(asked.activations):
                time.sleep(asked.pause)
                done = operator.activate(bundles[turn % 2])
                activations.append((done.duration_us / 1e3, _resident_mb(running.pid)))

    thread = threading.Thread(target=activate)
    thread.start()
    windows = []
    while thread.is_alive():
        windows.append(_window(running, traffic))
    thread.join()
    if len(activations) != asked.activations:
        raise SystemExit(f"only {len(activations)} of {asked.activations} activations succeeded")
    # The last window saw less of them.
    return windows[:-1] or windows, activations


def _resident_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1024


def _figures(
    quiet: list[dict[str, Any]], swapped: list[dict[str, Any]], activations: list[tuple[float, float]]
) -> dict[str, Any]:
    def median(windows: list[dict[str, Any]], name: str) -> float:
        return round(statistics.median(window[name] for window in windows), 1)

    names = ("p50_us", "p99_us", "p999_us", "hiccup_p99_us")
    quarter = max(len(activations) // 4, 1)
    early = statistics.median(memory for _, memory in activations[quarter : 2 * quarter] or activations)
    late = statistics.median(memory for _, memory in activations[-quarter:])
    return {
        "bench": "activation",
        "activations": len(activations),
        "activation_ms": round(statistics.median(took for took, _ in activations), 1),
        "requests": sum(window["ok"] for window in swapped),
        "errors": 0,
        "quiet": {name: median(quiet, name) for name in names},
        "swapping": {name: median(swapped, name) for name in names},
        "p99_ratio": round(median(swapped, "p99_us") / median(quiet, "p99_us"), 2),
        "memory_mb_early": round(early, 1),
        "memory_mb_late": round(late, 1),
        "machine": machine.describe(),
    }


def _print(figures: dict[str, Any], console: Console) -> None:
    table = Table(title="Latency in µs at 2,000 decisions a second", title_justify="left")
    table.add_column("")
    for column in ("p50", "p99", "p99.9", "hiccups p99"):
        table.add_column(column, justify="right")
    for name in ("quiet", "swapping"):
        table.add_row(name, *(f"{value:,.0f}" for value in figures[name].values()))
    console.print(table)
    console.print(
        f"{figures['activations']:,} activations of {figures['activation_ms']:,.1f} ms each, while"
        f" {figures['requests']:,} requests were answered and none failed; p99 x {figures['p99_ratio']:.2f};"
        f" memory {figures['memory_mb_early']:,.0f} MB in the second quarter,"
        f" {figures['memory_mb_late']:,.0f} MB in the last."
    )


if __name__ == "__main__":
    main()
