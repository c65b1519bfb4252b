"""`nextbest demo`, from an empty folder to the last line: prepare, compile, serve, load, decide, measure."""

import json
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import grpc
import polars as pl
from rich.console import Console, RenderableType
from rich.text import Text

from nextbest import bundle, workspace
from nextbest.client.addresses import resolve
from nextbest.client.channels import channel_options
from nextbest.client.client import Client
from nextbest.demo import bank, epilogue, funnel, latency, questions, report, server
from nextbest.demo.bank import Bank, ExtraMissingError
from nextbest.demo.funnel import Funnel
from nextbest.demo.latency import Latency
from nextbest.demo.server import Running, ServerStartError
from nextbest.demo.stage import Stage
from nextbest.demo.story import Story, make_story
from nextbest.models import locate_runtime
from nextbest.serve import signals
from nextbest.v1 import bundle_pb2, decision_pb2_grpc
from nextbest.workspace import personas

WIDTH_MAX: Final = 100
UPSERT_S_MAX: Final = 10.0
TRAFFIC_SEED: Final = 5
BUNDLE: Final = "bank.bundle"
LOG: Final = "server.log"


class DemoError(Exception):
    """The demo cannot continue; the message has the reason and the remedy."""


@dataclass(frozen=True, slots=True)
class Scale:
    """How much the demo does."""

    customers: int = bank.CUSTOMER_COUNT
    funnel_customers: int = 1_000
    rate_per_s: float = 1_000.0
    duration_s: float = 5.0


QUICK: Final = Scale(customers=4_000, funnel_customers=200, rate_per_s=500.0, duration_s=2.0)


@dataclass(frozen=True, slots=True)
class Compiled:
    """The workspace after `check`.

    Attributes:
        file: Where the bundle was written.
        warnings: Of the check, in words.
        tests_passed: How many of the workspace's persona tests hold.
        tests_failed: Names of those that do not.
    """

    message: bundle_pb2.Bundle
    file: Path
    digest: str
    size_bytes: int
    warnings: list[str]
    tests_passed: int
    tests_failed: list[str]

    @property
    def labels(self) -> dict[str, str]:
        """What people call the actions."""
        return {action.name: action.label or action.name for action in self.message.actions}


@dataclass(frozen=True, slots=True)
class Findings:
    """All that a run found."""

    bank: Bank
    compiled: Compiled
    story: Story
    funnel: Funnel
    latency: Latency


def run(
    *,
    keep: bool = False,
    quick: bool = False,
    machine: bool = False,
    directory: Path | None = None,
    console: Console | None = None,
) -> None:
    """Runs the demo.

    Args:
        keep: Go on serving at the end, until Ctrl-C, and leave the folder.
        quick: Fewer customers, shorter measurements.
        machine: Print one JSON document instead of tables.
        directory: Where to put workspace, customers, bundle and log, which then stay; None: a temporary
            folder.
        console: Where to print tables; None: standard output, at most 100 columns wide.

    Raises:
        DemoError: Something is missing or failed.
        NextbestError: The server did not answer.
    """
    target = console or _console(machine=machine)
    with ExitStack() as stack:
        stack.enter_context(_stopping_in_order())
        folder = directory or _temporary(stack, keep=keep)
        try:
            findings, running = _tour(folder, QUICK if quick else Scale(), Stage(target), stack)
        except (ExtraMissingError, ServerStartError) as error:
            raise DemoError(str(error)) from error
        if machine:
            sys.stdout.write(json.dumps(document(findings), ensure_ascii=False, default=_plain) + "\n")
            sys.stdout.flush()
        last = epilogue.render(findings.story, folder, running.addresses, keep=keep, stays=bool(directory))
        if keep:
            _print_and_wait(target, last)
            target.print(Text(f"\nstopping the server; the folder stays: {folder}"))
        else:
            target.print(last)


def document(findings: Findings) -> dict[str, Any]:
    """Returns everything found, as plain values for JSON."""
    message = findings.compiled.message
    return {
        "bank": {
            "customers": len(findings.bank.customers),
            "actions": len(message.actions),
            "groups": len(message.groups),
            "issues": len(message.issues),
            "channels": len(message.channels),
            "placements": sum(len(channel.placements) for channel in message.channels),
            "clauses": len(message.clauses),
            "models": [asdict(model) for model in findings.bank.models],
        },
        "bundle": {
            "digest": findings.compiled.digest,
            "size_bytes": findings.compiled.size_bytes,
            "warnings": findings.compiled.warnings,
            "tests_passed": findings.compiled.tests_passed,
            "tests_failed": findings.compiled.tests_failed,
        },
        "story": {key: part for key, part in asdict(findings.story).items() if key != "ranked"},
        "funnel": asdict(findings.funnel),
        "latency": asdict(findings.latency),
    }


def compile_workspace(folder: Path, file: Path) -> Compiled:
    """Checks and compiles a workspace, writes the bundle to `file`, and runs the workspace's tests on it.

    Raises:
        DemoError: It has errors: the demo's own workspace was changed.
    """
    compilation = workspace.compile(folder)
    if compilation.bundle is None:
        first = compilation.errors[0]
        place = f" in {first.position.file}:{first.position.line}" if first.position else ""
        raise DemoError(
            f"the demo's workspace has {len(compilation.errors)} errors; the first{place}: {first.code}"
            f" {first.message}. Look at all of them with `nextbest check {folder}`"
        )
    sealed = bundle.seal(compilation.bundle)
    file.write_bytes(sealed.data)
    warnings = [f"{found.code} {found.message}" for found in compilation.diagnostics]
    # Compiled code, which takes a moment to load.
    from nextbest import _core  # noqa: PLC0415

    results = personas.run(compilation, _core.Bundle(sealed.data, onnxruntime_path=locate_runtime()))
    failed = [result.name for result in results if not result.passed]
    return Compiled(
        message=compilation.bundle,
        file=file,
        digest=sealed.digest,
        size_bytes=len(sealed.data),
        warnings=warnings,
        tests_passed=len(results) - len(failed),
        tests_failed=failed,
    )


def load_customers(client: Client, people: pl.DataFrame) -> Iterator[int]:
    """Sends customers to a server, a thousand a call; yields how many each call stored."""
    for batch in people.iter_slices(1_000):
        pairs = ((row.pop("customer_id"), _present(row)) for row in batch.iter_rows(named=True))
        yield client.customers.upsert(pairs, timeout_s=UPSERT_S_MAX)


def _tour(folder: Path, scale: Scale, stage: Stage, stack: ExitStack) -> tuple[Findings, Running]:
    stage.console.print(report.opening())
    made = _prepare(folder, scale, stage)
    with stage.step("compiling") as notes:
        compiled = compile_workspace(made.workspace, folder / BUNDLE)
        notes.extend(_about(compiled))
    failed = "".join(f"; failed: {name}" for name in compiled.tests_failed)
    stage.note(f"{compiled.tests_passed} persona tests hold{failed}")
    with stage.step("starting the server") as notes:
        running = stack.enter_context(server.running(compiled.file, folder / LOG))
        notes.append(f"server answers at {running.addresses.decisions}")
    client = stack.enter_context(Client(running.addresses.decisions))
    with stage.counted("loading customers", len(made.customers)) as advance:
        for stored in load_customers(client, made.customers):
            advance(stored)
        advance.notes.append(f"{len(made.customers):,} customers loaded")

    labels, currency = compiled.labels, compiled.message.currency
    story = make_story(client, made.customers)
    stage.console.print(report.render_story(story, labels, currency))
    stage.console.print(report.render_why_not(story, labels, currency))
    found = _funnel(running.addresses.decisions, made.customers, scale, stage)
    stage.console.print(report.render_funnel(found))
    timed = _latency(running.addresses.decisions, made.customers, scale, stage)
    stage.console.print(report.render_latency(timed))
    return Findings(made, compiled, story, found, timed), running


def _prepare(folder: Path, scale: Scale, stage: Stage) -> Bank:
    with stage.step("inventing customers and training models") as notes:
        made = bank.prepare(folder, customer_count=scale.customers)
        notes.append(f"{len(made.customers):,} customers invented, {len(made.models)} models trained")
    for model in made.models:
        stage.note(
            f"{model.name:<21} {model.kind:<22} AUC {model.auc:.2f}  {model.size_bytes / 1_000:,.0f} kB"
        )
    return made


def _about(compiled: Compiled) -> list[str]:
    message = compiled.message
    warnings = f"{len(compiled.warnings)} warnings" if compiled.warnings else "no warnings"
    size = f"{compiled.size_bytes / 1_000:,.0f} kB"
    return [
        f"workspace checked: {warnings}",
        f"{len(message.actions)} actions",
        f"{len(message.clauses)} clauses",
        size,
    ]


def _funnel(address: str, people: pl.DataFrame, scale: Scale, stage: Stage) -> Funnel:
    stage.console.print(report.funnel_heading(scale.funnel_customers))
    ids = people["customer_id"].head(scale.funnel_customers).to_list()
    # Without the client, which would decode every explanation in full, to count a few fields of each.
    with grpc.insecure_channel(address, options=channel_options(None, resolve(address).authority)) as channel:
        stub = decision_pb2_grpc.DecisionServiceStub(channel)
        total = len(ids) * len(questions.PLACEMENTS)
        with stage.counted("deciding", total) as advance:
            found = funnel.measure(ids, lambda request: stub.Decide(request, timeout=UPSERT_S_MAX), advance)
            advance.notes.append(f"{total:,} decisions, {len(ids):,} of them explained in full")
    return found


def _latency(address: str, people: pl.DataFrame, scale: Scale, stage: Stage) -> Latency:
    stage.console.print(report.latency_heading(scale.rate_per_s, scale.duration_s))
    requests = questions.traffic(people["customer_id"].head(5_000).to_list(), seed=TRAFFIC_SEED)
    with stage.still("measuring") as notes:
        found = latency.measure(address, requests, rate_per_s=scale.rate_per_s, duration_s=scale.duration_s)
        notes.append(f"{found.sent:,} requests over {len(requests):,} customers")
    return found


@contextmanager
def _stopping_in_order() -> Iterator[None]:
    """Makes SIGTERM end the demo as Ctrl-C does: otherwise it would leave its server behind."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


def _print_and_wait(console: Console, last: RenderableType) -> None:
    """Waits for Ctrl-C, which may come as soon as there is something to read."""
    with signals.caught() as inbox:
        console.print(last)
        inbox.wait()


def _present(attributes: Mapping[str, Any]) -> dict[str, Any]:
    # An absent attribute need not be sent: nothing is stored yet that it could remove.
    return {name: value for name, value in attributes.items() if value is not None}


def _console(*, machine: bool) -> Console:
    console = Console(highlight=False, quiet=machine)
    return Console(highlight=False, quiet=machine, width=WIDTH_MAX) if console.width > WIDTH_MAX else console


def _temporary(stack: ExitStack, *, keep: bool) -> Path:
    prefix = "nextbest-demo-"
    if keep:
        return Path(tempfile.mkdtemp(prefix=prefix))
    return Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=prefix)))


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no form in JSON")
