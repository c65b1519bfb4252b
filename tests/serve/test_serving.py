"""`nextbest serve` from its first bundle to its last answer, as a separate process."""

import asyncio
import json
import re
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime

import grpc
import polars as pl
import pytest
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

import nextbest
from nextbest import _core, bundle
from nextbest.bundle.offline import OfflineBundle
from nextbest.client import answers, errors, explanations, scores
from nextbest.client.aio import AsyncClient
from nextbest.client.operator import Operator

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
ADULT = {"age": 40, "income": 3000, "products": ["current-account"], "segment": "mass", "arrears_days": 0}
QUESTION = {"channel": "web", "placements": {"hero": 1, "sidebar": 2}, "context": {"page": "home"}}


@pytest.fixture
def serving(start_serving, starter):
    """A server of the test's own, to be stopped, loaded and activated upon."""
    return start_serving(starter)


@pytest.fixture(scope="module")
def shared(start_serving_once, starter):
    """A server for tests that only ask, or store different customers."""
    return start_serving_once(starter)


@pytest.fixture
def asker(shared):
    with nextbest.Client(shared.decisions, timeout_s=10.0) as client:
        yield client


@pytest.fixture
def client(serving):
    with nextbest.Client(serving.decisions, timeout_s=10.0) as client:
        yield client


@pytest.fixture
def run(shared):
    """Runs a command against the shared server."""
    return commands(shared)


def commands(serving):
    def run(*arguments):
        environment = {"NEXTBEST_ADDRESS": serving.decisions, "NEXTBEST_CONTROL_ADDRESS": serving.control}
        return subprocess.run(
            [sys.executable, "-m", "nextbest.cli", *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
            env={"PATH": "/usr/bin", "PYTHONPATH": ":".join(sys.path), **environment},
        )

    return run


def test_it_logs_where_it_listens_and_what_it_runs(shared, starter):
    data = starter.read_bytes()
    message = bundle.read(data)
    assert shared.listening["event"] == "listening"
    assert shared.listening["bundle_digest"] == bundle.digest(data)
    assert shared.listening["workspace"] == message.workspace
    assert shared.listening["actions"] == len(message.actions)
    assert shared.listening["models"] == 0
    assert shared.listening["otlp_endpoint"] is None
    ports = {shared.listening[name].rpartition(":")[2] for name in ("decisions", "control", "health")}
    assert len(ports) == 3


def test_decisions_on_stored_and_sent_attributes(asker):
    asker.customers.upsert([("c-1", ADULT)])
    decision = asker.decide(customer_id="c-1", **QUESTION)
    assert [action.action for action in decision["hero"]] == ["gold-card"]
    assert decision["hero"][0].content["title"]
    assert decision["hero"][0].score.priority > 0
    assert decision.degradations == ()
    younger = asker.decide(customer_id="c-1", customer={"age": 17}, **QUESTION)
    assert [action.action for action in younger["hero"]] != ["gold-card"]


def test_decisions_of_the_asyncio_client(shared):
    async def ask():
        async with AsyncClient(shared.decisions, timeout_s=10.0) as client:
            await client.customers.upsert([("c-1", ADULT)])
            questions = (client.decide(customer_id="c-1", **QUESTION) for _ in range(50))
            return await asyncio.gather(*questions)

    decisions = asyncio.run(ask())
    assert {decision["hero"][0].action for decision in decisions} == {"gold-card"}
    assert len({decision.decision_id for decision in decisions}) == 50


def test_an_unknown_customer_is_a_degradation(asker):
    decision = asker.decide(customer_id="unknown", **QUESTION)
    assert [entry.kind for entry in decision.degradations] == [answers.DegradationKind.CUSTOMER_UNKNOWN]


def test_a_dry_run_can_be_repeated_here_and_elsewhere(asker, starter):
    asker.customers.upsert([("c-1", ADULT)])
    question = QUESTION | {"customer_id": "c-1", "now": NOW, "seed": 2**63 + 5}
    first = asker.decide(dry_run=True, explanation="full", **question)
    assert asker.decide(dry_run=True, explanation="full", **question) == first
    assert (first.now, first.seed) == (NOW, 2**63 + 5)
    offline = OfflineBundle(starter.read_bytes())
    assert offline.decide(customer=ADULT, explanation="full", **question) == first
    assert asker.explain(actions=["gold-card"], **question) == offline.explain(
        actions=["gold-card"], customer=ADULT, **question
    )


def test_explanations(asker):
    decision = asker.explain(actions=["gold-card"], customer=ADULT | {"age": 17}, **QUESTION)
    (explanation,) = decision.explanation.actions
    assert explanation.dropped_at is explanations.Stage.ELIGIBILITY
    (clause,) = [clause for clause in explanation.clauses if clause.stage is explanations.Stage.ELIGIBILITY]
    assert clause.text == "customer.age >= 18"
    assert str(clause.position).startswith("actions/credit-cards.yaml:")
    assert [(literal.actual, literal.required) for literal in clause.literals] == [(17, ">= 18")]
    assert explanation.changes
    whole = asker.explain(customer=ADULT, **QUESTION).explanation
    assert len(whole.actions) == whole.funnel[0].remaining


@pytest.mark.parametrize(
    ("change", "field", "message"),
    [
        ({"channel": "fax"}, "channel", "no channel `fax`"),
        ({"placements": ["footer"]}, "placements[0].name", "footer"),
        ({"placements": []}, "placements", ""),
        ({"placements": {"hero": 101}}, "placements[0].count", ""),
        ({"customer": {"agee": 1}}, "customer[0].name", "did you mean `age`?"),
        ({"customer": {"age": "old"}}, "customer[0].value", "customer.age"),
        ({"context": {"page": 5}}, "context[0].value", "context.page"),
        ({"now": NOW}, "now_us", "dry"),
        ({"customer_id": "c" * 257}, "customer_id", "256"),
    ],
    ids=["channel", "placement", "no placement", "count", "attribute", "type", "context", "now", "id"],
)
def test_bad_input_is_refused_by_its_field(asker, change, field, message):
    with pytest.raises(errors.InvalidRequest) as caught:
        asker.decide(**(QUESTION | change))
    assert caught.value.field == field
    assert message in caught.value.message
    assert caught.value.status == "INVALID_ARGUMENT"
    assert asker.decide(**QUESTION).decision_id


def test_upserts_are_all_or_none(asker):
    with pytest.raises(errors.InvalidRequest) as caught:
        asker.customers.upsert([("c-9", ADULT), ("c-2", {"age": 999})])
    assert caught.value.field == "customers[1].attributes[0].value"
    assert asker.customers.get("c-9") is None


def test_customers_come_and_go(asker):
    assert asker.customers.upsert([("c-8", {"age": 40, "income": 3000})]) == 1
    asker.customers.upsert([("c-8", {"income": None, "products": []})])
    assert asker.customers.get("c-8") == answers.Customer("c-8", {"age": 40, "products": []})
    assert asker.customers.delete("c-8") is True
    assert asker.customers.delete("c-8") is False
    assert asker.customers.get("c-8") is None


def test_activating_another_bundle(serving, client, starter, changed):
    before, after = (bundle.digest(file.read_bytes()) for file in (starter, changed))
    assert client.decide(**QUESTION).bundle_digest == before
    with Operator(serving.control) as operator:
        activation = operator.activate(changed.read_bytes())
        assert (activation.bundle_digest, activation.previous_digest) == (after, before)
        status = operator.status()
        assert status.workspace == "changed"
        assert activation.index_bytes == status.index_bytes > 0
        assert status.kernel == _core.kernels()[0]
    assert client.decide(**QUESTION).bundle_digest == after


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-1], lambda data: b"PK" + data, lambda data: data[:-1] + b"\0"]
)
def test_a_damaged_bundle_changes_nothing(serving, client, starter, changed, damage):
    with Operator(serving.control) as operator:
        with pytest.raises(errors.InvalidRequest) as caught:
            operator.activate(damage(changed.read_bytes()))
        assert caught.value.field == "bundle"
        assert operator.status().bundle_digest == bundle.digest(starter.read_bytes())
    assert client.decide(**QUESTION).bundle_digest == bundle.digest(starter.read_bytes())


def test_status_counts(serving, client):
    client.customers.upsert([("c-1", ADULT)])
    for _ in range(3):
        client.decide(customer_id="c-1", **QUESTION)
    with pytest.raises(errors.InvalidRequest):
        client.decide(channel="fax", placements=["hero"])
    with Operator(serving.control) as operator:
        status = operator.status()
    assert (status.decisions, status.refused, status.customers, status.panics) == (3, 1, 1, 0)
    assert status.draining is False


def test_connections_of_a_client(serving):
    with nextbest.Client(serving.decisions, timeout_s=10.0, connections=3) as client:
        for _ in range(6):
            client.decide(**QUESTION)
        with Operator(serving.control) as operator:
            status = operator.status()
    assert (status.decisions, status.connections, status.connections_accepted) == (6, 3, 3)


def test_reflection_on_the_control_port(shared):
    with grpc.insecure_channel(shared.control) as channel:
        assert "nextbest.v1.ControlService" in ProtoReflectionDescriptorDatabase(channel).get_services()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains(serving, client, number):
    client.decide(**QUESTION)
    code, events, err = serving.stop(number)
    assert (code, err) == (0, "")
    assert events == [
        {"event": "draining", "signal": number.name},
        {
            "event": "stopped",
            "drained": True,
            "calls_cut_off": 0,
            "spans_lost": 0,
            "control_telemetry_lost": False,
            "log_lines_dropped": 0,
        },
    ]


def test_a_second_signal_ends_it_at_once(start_serving, starter):
    serving = start_serving(starter, "--drain-grace", "20", "--drain-max", "40")
    began = time.monotonic()
    serving.process.send_signal(signal.SIGTERM)
    assert serving.read_event()["event"] == "draining"
    code, events, _ = serving.stop(signal.SIGTERM)
    assert (code, events) == (143, [])
    assert time.monotonic() - began < 10.0


@pytest.mark.slow
def test_waiting_for_a_server_that_starts(run):
    assert run("status", "--wait", "10").returncode == 0
    began = time.monotonic()
    nobody = run("status", "--wait", "0.5", "--control-address", "127.0.0.1:9")
    assert nobody.returncode == 3
    assert time.monotonic() - began >= 0.5


def test_a_taken_address(serving, starter):
    command = [sys.executable, "-m", "nextbest.cli", "serve", str(starter), "--address", serving.decisions]
    ran = subprocess.run(
        [*command, "--health-address", "127.0.0.1:0"], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 6
    assert serving.decisions in ran.stderr
    assert "Traceback" not in ran.stderr


def test_models_are_run(start_serving, scored):
    file, predict = scored
    serving = start_serving(file)
    assert serving.listening["models"] == 1
    with nextbest.Client(serving.decisions, timeout_s=10.0) as client:
        question = {"channel": "web", "placements": ["hero"]}
        (action,) = client.decide(customer={"age": 33, "balance": 4}, **question)["hero"]
        assert action.score.propensity_source is scores.PropensitySource.MODEL
        assert action.score.propensity == pytest.approx(predict(33, 4), abs=1e-6)
    offline = OfflineBundle(file.read_bytes()).decide(customer={"age": 33, "balance": 4}, **question)
    assert offline["hero"][0].score == action.score
    assert serving.stop()[0] == 0


@pytest.mark.slow
def test_customers_of_a_file(run, asker, starter, tmp_path):
    frame = pl.DataFrame(
        {"id": range(2_500), "age": [20 + index % 60 for index in range(2_500)], "nick": ["x"] * 2_500}
    )
    frame.write_parquet(tmp_path / "c.parquet")
    unknown = run("customers", "load", tmp_path / "c.parquet", "--id", "id")
    assert unknown.returncode == 4
    assert "the column `nick` is not an attribute" in unknown.stderr
    loaded = run(
        "customers",
        "load",
        tmp_path / "c.parquet",
        "--id",
        "id",
        "--bundle",
        starter,
        "--json",
    )
    assert loaded.returncode == 0, loaded.stderr
    report = json.loads(loaded.stdout)
    assert (report["stored"], report["refused"], report["left_out"]) == (2_500, [], ["nick"])
    assert asker.customers.get("2499").attributes == {"age": 20 + 2_499 % 60}


def test_rows_that_are_refused_are_named(run, asker, tmp_path):
    (tmp_path / "c.csv").write_text("customer_id,age\na,30\nb,999\nc,31\n,32\n")
    ran = run("customers", "load", tmp_path / "c.csv")
    assert ran.returncode == 1
    assert re.findall(r"^ *(\d+)  (\w+) ", ran.stdout, re.MULTILINE) == [("2", "age"), ("4", "customer_id")]
    assert "stored 2 of 4 customers" in ran.stdout
    assert asker.customers.get("c") == answers.Customer("c", {"age": 31})


def test_ids_of_a_file_keep_their_zeros(run, asker, starter, tmp_path):
    (tmp_path / "c.csv").write_text("customer_id;age\n00123;30\n123;31.0\n")
    ran = run("customers", "load", tmp_path / "c.csv", "--bundle", starter, "--separator", ";")
    assert "stored 2 of 2 customers" in ran.stdout
    assert asker.customers.get("00123") == answers.Customer("00123", {"age": 30})
    assert asker.customers.get("123") == answers.Customer("123", {"age": 31})


def test_commands_against_it(run):
    assert (
        run("customers", "upsert", "c-1", "-a", "age=40", "-a", "income=3000", "-a", "products=[]").returncode
        == 0
    )
    asked = ("-c", "web", "-p", "hero", "-i", "c-1", "-x", "page=home")
    decided = json.loads(run("decide", *asked, "--json").stdout)
    assert decided["placements"][0]["actions"][0]["action"] == "gold-card"
    again = ("--now", decided["now"], "--seed", decided["seed"])
    assert json.loads(run("decide", *asked, *again, "--json").stdout)["placements"] == decided["placements"]
    explained = run("explain", "student-card", *asked)
    assert "Not placed: dropped at eligibility" in explained.stdout
    assert "Funnel" in run("explain", *asked).stdout
    refused = run("decide", *asked, "-a", "agee=1")
    assert refused.returncode == 4
    assert "--attribute agee: no customer attribute `agee`: did you mean `age`?" in refused.stderr
    mistyped = run("decide", *asked, "-a", "segment=42")
    assert "`customer.segment` is text: a whole number was sent" in mistyped.stderr
    assert "help: name the type: segment:string=..." in mistyped.stderr
    assert json.loads(run("customers", "get", "c-1", "--json").stdout)["attributes"]["age"] == 40
    assert run("customers", "delete", "c-1").returncode == 0
    assert run("customers", "get", "c-1").returncode == 4


def test_operating_it(serving, changed):
    run = commands(serving)
    activated = json.loads(run("activate", changed, "--json").stdout)
    assert activated["bundle_digest"] == bundle.digest(changed.read_bytes())
    assert json.loads(run("status", "--json").stdout)["bundle_digest"] == activated["bundle_digest"]
    shown = run("status").stdout
    assert shown.startswith("changed\n")
    assert f", {_core.kernels()[0]} instructions\n" in shown


@pytest.mark.parametrize("kernel", _core.kernels())
def test_kernels_decide_alike(start_serving, shared, starter, kernel):
    other = start_serving(starter, NEXTBEST_KERNEL=kernel)
    with Operator(other.control) as operator:
        assert operator.status().kernel == kernel
    for age in (17, 18, 40, None):
        question = {**QUESTION, "customer": {**ADULT, "age": age}, "dry_run": True, "now": NOW, "seed": 7}
        decisions = []
        for address in (shared.decisions, other.decisions):
            with nextbest.Client(address, timeout_s=10.0) as client:
                decisions.append(client.decide(**question, explanation="funnel"))
        assert decisions[0] == decisions[1]


def test_an_index_that_is_too_large(starter):
    done = subprocess.run(
        [sys.executable, "-m", "nextbest.cli", "serve", str(starter)],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin", "PYTHONPATH": ":".join(sys.path), "NEXTBEST_INDEX_BYTES_MAX": "100"},
    )
    assert done.returncode == 4, done.stderr
    assert "at most 100 are allowed" in done.stderr
    assert "raise NEXTBEST_INDEX_BYTES_MAX" in done.stderr


@pytest.mark.slow
def test_load_on_it(run):
    ran = run(
        "load", "-c", "web", "-p", "hero", "--rate", "200", "--duration", "1", "--warmup", "0.2", "--json"
    )
    assert ran.returncode == 0, ran.stderr
    report = json.loads(ran.stdout)
    assert report["ok"] == report["sent"] > 100
    assert 0 < report["p50_us"] <= report["p99_us"] <= report["max_us"]


def test_load_in_a_closed_loop(run):
    ran = run(
        "load",
        "-c",
        "web",
        "-p",
        "hero",
        "--in-flight",
        "4",
        "--duration",
        "0.5",
        "--warmup",
        "0.1",
        "--json",
    )
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout)["ok"] > 10


@pytest.mark.slow
def test_load_that_is_refused(run):
    ran = run("load", "-c", "fax", "-p", "hero", "--rate", "50", "--duration", "0.5", "--json")
    assert ran.returncode == 5
    assert json.loads(ran.stdout)["errors"].keys() == {"INVALID_ARGUMENT"}


def test_a_server_at_a_path(run, start_serving, starter, tmp_path):
    file = tmp_path / "decisions.sock"
    serving = start_serving(starter, "--address", f"unix:{file}")
    assert serving.decisions == f"unix:{file}"
    with nextbest.Client(serving.decisions) as client:
        assert client.decide(customer=ADULT, **QUESTION).decision_id
    pace = ("--rate", "200", "--duration", "0.3", "--warmup", "0.1", "--timeout", "10")
    ran = run("load", "-c", "web", "-p", "hero", "--address", serving.decisions, *pace, "--json")
    assert (ran.returncode, json.loads(ran.stdout)["ok"]) == (0, 60), ran.stderr
    assert serving.stop()[0] == 0
    assert not file.exists()


def test_overload_is_refused_and_shown(start_serving, starter):
    serving = start_serving(starter, NEXTBEST_IN_FLIGHT_MAX="0")
    with nextbest.Client(serving.decisions) as client, pytest.raises(errors.Overloaded, match="overloaded"):
        client.decide(**QUESTION)
    shown = commands(serving)("status").stdout
    assert re.search(r"^refused: overloaded +1$", shown, re.MULTILINE)
    assert "under way      0 calls; " in shown
