"""A large bank, its servers and their peers -> what serving 1,000 actions costs.

Everything is measured on the same requests, after all servers have given the same answers. Ratios are
medians of pairs of windows, one right after the other: a machine that others use drifts by a quarter
within a minute.
"""

import statistics
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import trustme
from rich.console import Console

import large_bank
import windows
from large_bank import LargeBank
from nextbest import _core
from nextbest.bundle.offline import OfflineBundle
from nextbest.client.client import Client
from nextbest.client.credentials import Tls
from nextbest.client.operator import Operator
from nextbest.demo import questions
from nextbest.demo.server import Running
from nextbest.demo.tour import compile_workspace, load_customers
from nextbest.serve.access import create_key
from processes import SERVER_CORE, Child, child, nextbest, paused
from verification import verify

IN_FLIGHT: Final = 12
PEER_IN_FLIGHT: Final = 8
OPEN_RATE_PER_S: Final = 5_000
PAIRS: Final = 30
PAIR_S: Final = 0.4
OVERLOAD: Final = 2.0
VERIFIED_CUSTOMERS: Final = 250
COUNTED_CUSTOMERS: Final = 400
TRAFFIC_CUSTOMERS: Final = 10_000
CANDIDATES: Final = (15.0, 35.0)


@dataclass(frozen=True, slots=True)
class Prepared:
    """The bank, compiled, and what is asked of it."""

    bank: LargeBank
    file: Path
    ids: list[str]
    traffic: list[bytes]


def prepare(folder: Path) -> Prepared:
    """Makes the bank, compiles it and draws its requests."""
    made = large_bank.prepare(folder)
    compiled = compile_workspace(made.workspace, folder / "large.bundle")
    ids = made.customers["customer_id"].to_list()
    return Prepared(made, compiled.file, ids, questions.traffic(ids[:TRAFFIC_CUSTOMERS], seed=5))


def measure(prepared: Prepared, sink: Child, console: Console) -> dict[str, Any]:
    """Measures everything about the bank; the keys are those of the JSON line."""
    figures = {"bank1000_candidates_mean": round(_count_candidates(prepared), 1)}
    with ExitStack() as stack:
        ours = stack.enter_context(nextbest(prepared.file, sink))
        _load(ours.addresses.decisions, prepared)
        figures |= _peers(ours, sink, prepared, console)
        console.print("1,000 actions, open loop ...")
        figures["bank1000_open5000"] = _open(ours, sink, prepared)
        with Operator(ours.addresses.control) as operator:
            figures["bank1000_traces"] = asdict(operator.status().traces)
        console.print("1,000 actions, with tracing and without ...")
        plain = stack.enter_context(nextbest(prepared.file))
        _load(plain.addresses.decisions, prepared)
        figures |= _tracing(ours, plain, prepared)
        console.print("1,000 actions, twice what the server can ...")
        with paused(ours.pid):
            figures |= _overload(plain, prepared)
            console.print("1,000 actions, over mTLS ...")
            figures |= _mutual_tls(plain, prepared, prepared.file.parent)
    return figures


def _load(address: str, prepared: Prepared, **connection: Any) -> None:
    with Client(address, timeout_s=30.0, **connection) as client:
        stored = sum(load_customers(client, prepared.bank.customers))
    assert stored == len(prepared.ids)


def _count_candidates(prepared: Prepared) -> float:
    """How many actions of a request are scored, on average over web customers."""
    offline = OfflineBundle(prepared.file.read_bytes())
    rows = prepared.bank.customers.head(COUNTED_CUSTOMERS).to_dicts()
    counts = []
    for row, moment in zip(rows, questions.moments("web", len(rows), seed=3), strict=True):
        known = {name: value for name, value in row.items() if value is not None and name != "customer_id"}
        answer = offline.explain(
            customer=known,
            channel=moment.channel,
            placements=questions.PLACEMENTS[moment.channel],
            context=moment.context,
        )
        assert answer.explanation is not None
        # The stage before the last: what arbitration was given.
        counts.append(answer.explanation.funnel[-2].remaining)
    mean = statistics.mean(counts)
    if not CANDIDATES[0] <= mean <= CANDIDATES[1]:
        raise RuntimeError(f"{mean:.1f} candidates a request: not what this is about")
    return mean


def _peers(ours: Running, sink: Child, prepared: Prepared, console: Console) -> dict[str, Any]:
    address = ours.addresses.decisions
    found: dict[str, Any] = {}
    for name, flags in (("sync", []), ("aio", ["--aio"])):
        with child("baseline_server.py", SERVER_CORE, *flags, str(prepared.file)) as peer:
            _load(peer.address, prepared)
            count = verify(address, peer.address, prepared.ids[:VERIFIED_CUSTOMERS])
            console.print(f"1,000 actions: {count:,} decisions are the same in grpcio's {name} server")
            with paused(ours.pid):
                theirs = windows.closed_loop(peer.address, [peer.pid], prepared.traffic, PEER_IN_FLIGHT)
            with paused(peer.pid):
                mine = windows.closed_loop(address, (ours.pid, sink.pid), prepared.traffic, IN_FLIGHT)
        found[f"rps_per_core_grpcio_{name}"] = round(theirs.found.requests_per_core)
        found.setdefault("ratio_vs_grpcio", {})[name] = round(
            mine.found.requests_per_core / theirs.found.requests_per_core, 1
        )
        found["bank1000_rps_per_core"] = round(mine.found.requests_per_core)
        found["bank1000_cpu_us"] = round(mine.found.cpu_us_per_request, 1)
        found["bank1000_refused"] = mine.found.refused
        found["bank1000_foreign_share"] = round(mine.foreign_share, 3)
    return found


def _open(ours: Running, sink: Child, prepared: Prepared) -> dict[str, float]:
    with Operator(ours.addresses.control) as operator:
        window = windows.open_loop(
            ours.addresses.decisions,
            (ours.pid, sink.pid),
            prepared.traffic,
            OPEN_RATE_PER_S,
            lambda: operator.status().decisions,
        )
    latency = window.found.latency
    return {
        "p50_us": round(latency.p50_us, 1),
        "p99_us": round(latency.p99_us, 1),
        "p999_us": round(latency.p999_us, 1),
        "errors": sum(latency.errors.values()),
        "hiccup_p99_us": round(latency.hiccup_p99_us, 1),
        "hiccup_max_us": round(latency.hiccup_max_us, 1),
        "foreign_cpu_share": round(window.foreign_share, 3),
    }


def _tracing(traced: Running, plain: Running, prepared: Prepared) -> dict[str, Any]:
    def capacity(running: Running, other: Running) -> windows.Capacity:
        with paused(other.pid):
            address = running.addresses.decisions
            return windows.saturate(address, running.pid, prepared.traffic, IN_FLIGHT, PAIR_S)

    pairs = [(capacity(traced, plain), capacity(plain, traced)) for _ in range(PAIRS)]
    throughput = statistics.median(on.per_s / off.per_s for on, off in pairs)
    cpu = statistics.median(on.cpu_us_per_request / off.cpu_us_per_request for on, off in pairs)
    with Operator(traced.addresses.control) as operator:
        traces = operator.status().traces
    return {
        "tracing_throughput_ratio": round(throughput, 3),
        "tracing_cpu_ratio": round(cpu, 3),
        "tracing_dropped_share": round(traces.dropped / traces.emitted, 3),
    }


def _overload(plain: Running, prepared: Prepared) -> dict[str, Any]:
    address = plain.addresses.decisions
    ratios, latencies, lags = [], [], []
    for _ in range(PAIRS):
        can = windows.saturate(address, plain.pid, prepared.traffic, IN_FLIGHT, PAIR_S).per_s
        found = _core.load(
            {
                "address": address,
                "requests": prepared.traffic,
                "rate_per_s": OVERLOAD * can,
                "connections": 2 * windows.CONNECTIONS,
                "warmup_s": 0.1,
                "duration_s": PAIR_S,
            }
        )
        if found["errors"].keys() - {windows.REFUSED}:
            raise RuntimeError(f"{address} failed under load: {found['errors']}")
        ratios.append(found["ok"] / PAIR_S / can)
        latencies.append(found["p99_us"])
        lags.append(found["lag_p99_us"])
    return {
        "overload_goodput_ratio": round(statistics.median(ratios), 2),
        "overload_p99_us": round(statistics.median(latencies)),
        "overload_lag_p99_us": round(statistics.median(lags)),
    }


def _mutual_tls(plain: Running, prepared: Prepared, folder: Path) -> dict[str, Any]:
    settings, caller, key = _certify(folder)
    tls = Tls(caller["tls_ca"], caller["tls_cert"], caller["tls_key"])
    with nextbest(prepared.file, settings=settings, tls=tls, api_key=key) as secure:
        _load(secure.addresses.decisions, prepared, tls=tls)

        def cost(running: Running, other: Running, more: Mapping[str, Any]) -> float:
            with paused(other.pid):
                found = windows.saturate(
                    running.addresses.decisions, running.pid, prepared.traffic, IN_FLIGHT, PAIR_S, **more
                )
            return found.cpu_us_per_request

        ratio = _ratio(lambda: cost(secure, plain, caller), lambda: cost(plain, secure, {}))
    return {"mtls_cpu_ratio": round(ratio, 3)}


def _certify(folder: Path) -> tuple[dict[str, str], dict[str, bytes], str]:
    """Makes certificates of a server and its caller, and the key with which the bench checks that the server
    has started."""
    authority = trustme.CA()
    server, caller = authority.issue_cert("127.0.0.1"), authority.issue_cert("load.example")
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    server.private_key_pem.write_to_path(str(folder / "server.key"))
    server.cert_chain_pems[0].write_to_path(str(folder / "server.pem"))
    key, digest = create_key()
    (folder / "access.yaml").write_text(
        "callers:\n"
        "  load: {roles: [decide, explain, customers], certificates: [load.example]}\n"
        f'  operator: {{roles: [observe, operate], keys: ["{digest}"]}}\n'
    )
    settings = {
        "NEXTBEST_TLS_CERTIFICATE": str(folder / "server.pem"),
        "NEXTBEST_TLS_KEY": str(folder / "server.key"),
        "NEXTBEST_TLS_CLIENT_CA": str(folder / "ca.pem"),
        "NEXTBEST_ACCESS": str(folder / "access.yaml"),
    }
    sent = {
        "tls_ca": authority.cert_pem.bytes(),
        "tls_cert": caller.cert_chain_pems[0].bytes(),
        "tls_key": caller.private_key_pem.bytes(),
    }
    return settings, sent, key


def _ratio(first: Callable[[], float], second: Callable[[], float]) -> float:
    pairs: Sequence[tuple[float, float]] = [(first(), second()) for _ in range(PAIRS)]
    return statistics.median(one / other for one, other in pairs)
