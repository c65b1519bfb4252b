"""Every table as people read it, at the widths that terminals have: `golden/<width>/<name>.txt`.

NEXTBEST_BLESS=1 rewrites the files; their difference is reviewed as code.
"""

import dataclasses
import json
import lzma
import os
import re
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import ugly_workspace
from google.protobuf import json_format
from rich.cells import cell_len
from small_versions import manifest_of

from nextbest.cli import output
from nextbest.cli.customer_tables import render_customer, render_refusals
from nextbest.cli.models import evaluation_tables
from nextbest.cli.models.calibrations import render_calibration
from nextbest.cli.models.health_tables import render_health
from nextbest.cli.rows import Refusal
from nextbest.cli.status_tables import render_status
from nextbest.client.answers import Customer
from nextbest.client.operator import (
    SecurityCounts,
    ShadowCounts,
    Status,
    TraceCounts,
    TransportCounts,
)
from nextbest.client.values import decode
from nextbest.models.calibration import calibrate
from nextbest.models.drift import Drift, Health, Verdict
from nextbest.models.evaluation import Evaluation
from nextbest.models.performance import measure
from nextbest.registry.registry import Registry
from nextbest.v1 import control_pb2, customer_pb2

WIDTHS = (80, 100, 120, 200)
FOLDER = Path(__file__).with_name("golden")
RECORDED = Path(__file__).parents[1] / "oracle" / "recorded"
QUESTION = 55
MOMENT = ("--now", "2026-06-01T12:00:00Z", "--seed", "1")
BANK = ("-b", "bank.bundle", "-c", "web", "-i", "c1", "--customer-json", "customer.json", *MOMENT)
CONTEXT = ("-x", "page=cards", "-x", "device=desktop", "-x", "authenticated=true")
UGLY = ("-b", "ugly", "-c", "web", "-a", "age=17", "-a", "balance=1234567.89", *MOMENT)

COMMANDS = {
    "decide": ("decide", *BANK, *CONTEXT, "--explanation", "funnel"),
    "decide-degraded": ("decide", "-b", "bank.bundle", "-c", "web", "-a", "age=40", *MOMENT),
    "decide-ugly": ("decide", *UGLY),
    "explain": ("explain", *BANK, *CONTEXT, "--rows", "12"),
    "explain-actions": (
        "explain", "gold-card", "personal-loan", "cashback-card", "bridge-loan", "christmas-loan",
        *BANK, *CONTEXT,
    ),
    "explain-ugly": ("explain", *UGLY),
    "explain-actions-ugly": ("explain", "needs-what-is-missing", ugly_workspace.LONG, "loses-money", *UGLY),
    "bundle-show": ("bundle", "show", "shop"),
    "bundle-show-ugly": ("bundle", "show", "ugly"),
    "model-list": ("model", "list", "--registry", "registry"),
    "model-show": ("model", "show", "card@champion", "--registry", "registry"),
    "model-diff": ("model", "diff", "card@champion", "card@challenger", "--registry", "registry"),
    "access-show": ("access", "show", "access.yaml"),
    "check-inherited": ("check", "shop", "--show", "inherited"),
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The bank, an ugly workspace, the starter, a registry and an access file."""
    root = tmp_path_factory.mktemp("golden")
    (root / "bank.bundle").write_bytes(lzma.decompress((RECORDED / "bank.bundle.xz").read_bytes()))
    question = json.loads(lzma.decompress((RECORDED / "questions.json.xz").read_bytes()))[QUESTION]
    stored = json_format.ParseDict(question["stored"], customer_pb2.Customer())
    customer = output.plain({one.name: decode(one.value) for one in stored.attributes})
    (root / "customer.json").write_text(json.dumps(customer))
    ugly_workspace.write(root / "ugly")
    hashed = "sha256:" + "0" * 64
    (root / "access.yaml").write_text(f"""callers:
  web: {{roles: [decide], keys: ["{hashed}"]}}
  operations:
    roles: [observe, operate, explain, customers, decide]
    certificates: [operations.bank.example, operations-at-night.bank.example]
""")
    registry = Registry(root / "registry")
    for name in ("card", "a-model-whose-name-takes-most-of-a-narrow-terminal"):
        for alias in ("champion", "challenger", "shadow"):
            onnx = f"{name} {alias}".encode()
            version = registry.publish(manifest_of(onnx, {}, name), onnx, {})
            registry.promote(version, alias, by="ana", at="2026-01-02T03:04:05Z")
    return root


@pytest.fixture
def terminal(folder, monkeypatch, nextbest):
    """Runs a command in the folder, with a clock in Berlin."""
    if not (folder / "shop").exists():
        assert nextbest("init", folder / "shop").code == 0
    monkeypatch.chdir(folder)
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield nextbest
    monkeypatch.undo()
    time.tzset()


def masked(text: str) -> str:
    """Without what changes with the compiler, and not with the tables."""
    text = re.sub(r"(?<=Decision )[0-9a-f-]{36}", "0" * 36, text)
    return re.sub(r"(?<=bundle )[0-9a-f]{12}|(?<=digest     )[0-9a-f]{64}", lambda it: "0" * len(it[0]), text)


def check(name: str, width: int, text: str) -> None:
    text = masked(text)
    for line in text.splitlines():
        assert cell_len(line) <= width, line
        assert line == line.rstrip()
    path = FOLDER / str(width) / f"{name}.txt"
    if os.environ.get("NEXTBEST_BLESS"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert path.read_text() == text, "run `make bless` and review the difference"


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", COMMANDS)
def test_a_command(terminal, monkeypatch, name, width):
    monkeypatch.setenv("COLUMNS", str(width))
    ran = terminal(*COMMANDS[name])
    assert (ran.code, ran.err) == (0, "")
    check(name, width, ran.out)


def status(**others) -> Status:
    found = Status(
        bundle_digest="ab" * 32,
        workspace="demo-bank",
        actions=120,
        models=3,
        activated_at=datetime(2026, 6, 1, 12, 0, 0, 123_456, tzinfo=UTC),
        customers=1_234_567,
        decisions=987_654_321,
        traces=TraceCounts(1_000_000, 999_000, 10, 20, 970, 5_000_000),
        draining=False,
        explanations=42,
        refused=3,
        deadlines_exceeded=17,
        panics=0,
        failure_spans_suppressed=2,
        export_error="",
        connections=64,
        connections_accepted=2_000,
        connections_refused=1,
        workers=2,
        index_bytes=26_800,
        kernel="avx2",
        shadow=ShadowCounts(1_000, 0, 0, 0, 0.0),
        shed=1_024,
        in_flight=12,
        intake_bytes=4_096,
        security=SecurityCounts(5, 6, 7),
        answer_bytes=123_456,
        customers_bytes=812_345_678,
        transport=TransportCounts(1, 2, 4_096, 0, 0, 256),
        log_lines_dropped=0,
        bundle_source="file",
        bundle_reason="it is the command line's, and there is no state folder",
        file_bundle_digest="ab" * 32,
    )
    return dataclasses.replace(found, **others)


def evaluation(count: int) -> Evaluation:
    source = np.random.default_rng(7)
    first, second = source.normal(size=(2, 4_000))
    happened = source.random(4_000) < 1 / (1 + np.exp(3.0 - first - second))
    scores = [1 / (1 + np.exp(3.0 - first)), 1 / (1 + np.exp(3.0 - first - second))][:count]
    performances, differences = measure(scores, happened)
    return Evaluation(4_000, int(happened.sum()), 4_000, 4_000, [0] * count, "", performances, differences)


def show_status() -> None:
    output.show(*render_status(status()))


def show_status_in_trouble() -> None:
    shadow = ShadowCounts(1_000, 3, 1, 0, 0.012)
    export_error = "UNAVAILABLE: no connection could be made to the collector at 10.0.0.1:4317"
    output.show(*render_status(status(draining=True, panics=2, shadow=shadow, export_error=export_error)))


def show_evaluation(titles: list[str]) -> None:
    found = evaluation(len(titles))
    output.show(evaluation_tables.measure_table(titles, found))
    output.show(evaluation_tables.gain_table(titles, found))
    output.show(evaluation_tables.calibration_table(titles, found))


def show_health() -> None:
    drifts = [
        Drift("score", 0.012, 0.004, 1_234_567, 10_000, 0.0, 0.0, Verdict.STEADY),
        Drift("customer.income", 0.31, 0.004, 1_234_567, 10_000, 0.12, 0.01, Verdict.ALERT),
        Drift(
            "customer.an_attribute_whose_name_takes_most_of_it",
            0.11,
            0.2,
            50,
            10_000,
            0.5,
            0.01,
            Verdict.WARN,
        ),
        Drift("customer.new", None, None, 50, 0, 0.000_4, 0.0, Verdict.NO_REFERENCE),
    ]
    since, term = datetime(2026, 6, 1, 12, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
    counts = {"deadline": 12, "model_input_missing": 3_456}
    health = Health(
        name="card",
        version="ab" * 32,
        engine="native",
        since=since,
        sample=8,
        decisions=1_234_567,
        drifts=drifts,
        degradations=counts,
        card_expires=term,
        is_expired=False,
        counted=control_pb2.ModelHealth(),
    )
    output.show(*render_health(health))


def show_calibration() -> None:
    source = np.random.default_rng(3)
    propensities = source.beta(1.2, 30.0, 4_000)
    happened = (source.random(4_000) < propensities).astype(int)
    actions = source.choice(["gold-card", "silver-card"], 4_000)
    output.show(*render_calibration(calibrate(propensities, happened, actions)))


def show_customer() -> None:
    attributes = {
        "age": 42,
        "income": 51_640.0,
        "last_login": datetime(2026, 5, 18, 18, 16, 19, 78_091, tzinfo=UTC),
        "products": [
            "current-account",
            "paperless",
            "mortgage",
            "travel-card",
            "cashback-card",
            "student-card",
        ],
        "segment": "affluent",
        "氏名": "山田太郎",
    }
    output.show(render_customer(Customer("c-1042", attributes)))
    refusals = [
        Refusal(1, "born", "`03/04/1990` may be 3 April or 4 March: write 1990-04-03 or 1990-03-04"),
        Refusal(123_456, "age", "`forty` is not a whole number: write a whole number, such as 42"),
    ]
    output.show(render_refusals(refusals))


SHOWN = {
    "status": show_status,
    "status-in-trouble": show_status_in_trouble,
    "model-evaluate": lambda: show_evaluation(["champion", "challenger"]),
    "model-evaluate-one": lambda: show_evaluation(["1a2b3c4d5e6f"]),
    "model-health": show_health,
    "model-calibration": show_calibration,
    "customers": show_customer,
}


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", SHOWN)
def test_what_depends_on_a_server_or_on_scores(terminal, capsys, monkeypatch, name, width):
    monkeypatch.setenv("COLUMNS", str(width))
    capsys.readouterr()
    SHOWN[name]()
    check(name, width, capsys.readouterr().out)


def test_no_file_is_left_of_a_table_that_is_gone():
    names = {f"{name}.txt" for name in (*COMMANDS, *SHOWN)}
    for width in WIDTHS:
        assert {path.name for path in (FOLDER / str(width)).iterdir()} == names
