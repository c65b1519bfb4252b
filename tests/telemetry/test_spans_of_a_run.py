"""One run, one collector: spans of decisions from the data plane, and those of the control plane."""

import hashlib
import hmac
import json
import subprocess
import sys
from datetime import UTC, datetime

import pytest

import nextbest
from nextbest.client.operator import Operator
from nextbest.workspace.starter import write_starter

KEY = "a key that only the bank has"
CUSTOMER = "customer-number-4711"
TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = f"00-{TRACE_ID}-b7ad6b7169203331-01"
ADULT = {
    "age": 40,
    "income": 3000,
    "products": ["current-account"],
    "segment": "private",
    "balance": 31337.25,
}
# More than the sidebar can get: then the reason is reported.
QUESTION = {"channel": "web", "placements": {"hero": 1, "sidebar": 100}, "context": {"page": "home"}}


@pytest.fixture
def serving(start_serving, starter, collector):
    return start_serving(
        starter,
        OTEL_EXPORTER_OTLP_ENDPOINT=f"http://{collector.address}",
        OTEL_EXPORTER_OTLP_HEADERS="api-key=k-1",
        OTEL_SERVICE_NAME="bank-decisions",
        NEXTBEST_CUSTOMER_HASH_KEY=KEY,
    )


def _decided(received):
    return {entry.attributes["nextbest.decision_id"]: entry for entry in received}


def test_decisions_and_an_activation_of_one_run(serving, starter, collector):
    with nextbest.Client(serving.decisions, timeout_s=10.0) as client:
        client.customers.upsert([(CUSTOMER, ADULT)])
        traced = client.decide(customer_id=CUSTOMER, traceparent=TRACEPARENT, **QUESTION)
        untraced = client.decide(dry_run=True, **QUESTION)
        others = [client.decide(customer_id=CUSTOMER, **QUESTION) for _ in range(20)]
    with Operator(serving.control) as operator:
        operator.activate(starter.read_bytes())
        collector.wait_for("nextbest.decide", 22)
        collector.wait_for("nextbest.activate")
        traces = operator.status().traces
        assert traces.emitted == traces.exported + traces.rejected + traces.dropped + traces.pending == 22
    assert serving.stop()[0] == 0

    spans = _decided(collector.named("nextbest.decide"))
    assert spans.keys() == {decision.decision_id for decision in (traced, untraced, *others)}
    _check_traced(spans[traced.decision_id], traced)
    alone = spans[untraced.decision_id]
    assert alone.span.parent_span_id == b""
    assert alone.attributes["nextbest.dry_run"] is True
    assert "nextbest.customer_hash" not in alone.attributes

    (activate,) = collector.named("nextbest.activate")
    assert activate.attributes["nextbest.bundle_digest"] == traced.bundle_digest
    assert activate.attributes["nextbest.duration_us"] > 0
    for received in collector.spans:
        assert received.resource["service.name"] == "bank-decisions"
        assert received.headers["api-key"] == "k-1"
    _check_privacy(collector)


def _check_traced(received, decision):
    span, found = received.span, received.attributes
    assert span.trace_id.hex() == TRACE_ID
    assert span.parent_span_id.hex() == "b7ad6b7169203331"
    assert len(span.span_id) == 8
    assert 0 < span.start_time_unix_nano <= span.end_time_unix_nano
    # The span of a call that lasts a second is older than what the call was answered with.
    assert abs(span.start_time_unix_nano / 1e9 - decision.now.timestamp()) < 5.0
    (hero,) = decision["hero"]
    assert found["nextbest.bundle_digest"] == decision.bundle_digest
    assert found["nextbest.channel"] == "web"
    assert found["nextbest.dry_run"] is False
    assert found["nextbest.placements"] == ["hero", "sidebar"]
    assert found["nextbest.placed.actions"][0] == hero.action
    assert found["nextbest.placed.treatments"][0] == hero.treatment
    assert found["nextbest.placed.reasons"][0] == "priority"
    assert found["nextbest.actions"][0] == hero.action
    assert found["nextbest.priorities"][0] == hero.score.priority
    assert found["nextbest.propensities"][0] == hero.score.propensity
    assert found["nextbest.stage.eligibility.remaining"] <= found["nextbest.stage.availability.remaining"]
    most_frequent = f"most frequent reason to drop off: {found['nextbest.top_drop_off.reason']} ("
    assert most_frequent in found["nextbest.explanation"]
    assert found["nextbest.top_drop_off.actions"] >= 1
    expected = hmac.new(KEY.encode(), CUSTOMER.encode(), hashlib.sha256).hexdigest()
    assert found["nextbest.customer_hash"] == expected


def _check_privacy(collector):
    sent = b"".join(collector.raw)
    for secret in (CUSTOMER, KEY, "31337", "current-account", "private"):
        assert secret.encode() not in sent


def test_what_is_pending_at_the_end_goes_out(serving, collector):
    with nextbest.Client(serving.decisions, timeout_s=10.0) as client:
        ids = {client.decide(**QUESTION).decision_id for _ in range(50)}
    assert serving.stop()[0] == 0
    assert _decided(collector.named("nextbest.decide")).keys() == ids


@pytest.mark.slow
def test_a_collector_that_is_away_stops_nothing(start_serving, starter):
    serving = start_serving(
        starter, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9", NEXTBEST_DRAIN_S_MAX="1"
    )
    with nextbest.Client(serving.decisions, timeout_s=10.0) as client, Operator(serving.control) as operator:
        for _ in range(10):
            client.decide(**QUESTION)
        traces = operator.status().traces
    assert traces.emitted == 10
    assert traces.exported == 0
    assert serving.stop()[0] == 0


def test_compiling_is_traced(collector, tmp_path):
    write_starter(tmp_path / "shop")
    environment = {
        "PATH": "/usr/bin",
        "PYTHONPATH": ":".join(sys.path),
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{collector.address}",
    }
    command = [sys.executable, "-m", "nextbest.cli", "compile", str(tmp_path / "shop"), "--json"]
    began = datetime.now(UTC).timestamp()
    ran = subprocess.run(
        [*command, "-o", str(tmp_path / "b")], capture_output=True, text=True, check=False, env=environment
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    (check,) = collector.wait_for("nextbest.check")
    (compile_,) = collector.wait_for("nextbest.compile")
    assert check.attributes["nextbest.diagnostics"] == 0
    assert compile_.attributes["nextbest.bundle_digest"] == json.loads(ran.stdout)["digest"]
    assert compile_.span.start_time_unix_nano / 1e9 >= began - 1.0


def test_every_span_names_the_same_process(start_serving, starter, collector):
    serving = start_serving(
        starter,
        OTEL_EXPORTER_OTLP_ENDPOINT=f"http://{collector.address}",
        OTEL_RESOURCE_ATTRIBUTES="k8s.pod.name=nb-0,service.name=lost",
        OTEL_SERVICE_NAME="bank",
        OTEL_METRIC_EXPORT_INTERVAL="200",
    )
    with nextbest.Client(serving.decisions, timeout_s=10.0) as client, Operator(serving.control) as operator:
        client.decide(**QUESTION)
        operator.status()
    (decide,) = collector.wait_for("nextbest.decide")
    (audit,) = collector.wait_for("nextbest.audit")
    collector.metrics.wait_until(lambda points: points)
    assert decide.resource == audit.resource == collector.metrics.resource()
    assert decide.resource["k8s.pod.name"] == "nb-0"
    assert decide.resource["service.name"] == "bank"
    assert decide.resource["service.instance.id"]
    assert serving.stop()[0] == 0


def test_the_sampler_leaves_decisions_out_and_no_audit(start_serving, starter, collector):
    serving = start_serving(
        starter,
        OTEL_EXPORTER_OTLP_ENDPOINT=f"http://{collector.address}",
        OTEL_TRACES_SAMPLER="parentbased_always_off",
        OTEL_PROPAGATORS="b3",
    )
    with nextbest.Client(serving.decisions, timeout_s=10.0) as client, Operator(serving.control) as operator:
        client.decide(**QUESTION)
        client.decide(traceparent=f"{TRACEPARENT[:-2]}00", **QUESTION)
        sampled = client.decide(traceparent=TRACEPARENT, **QUESTION)
        operator.activate(starter.read_bytes())
        traces = operator.status().traces
    assert (traces.emitted, traces.sampled_out) == (1, 2)
    audits = collector.wait_for("nextbest.audit", 2)
    assert {entry.attributes["nextbest.status"] for entry in audits} == {"OK"}
    # Not what `stop` returns: it may have come with the line before.
    events = map(json.loads, serving.process.stdout)
    warning = next(event["what"] for event in events if event["event"] == "warning")
    assert "OTEL_PROPAGATORS is set and not honoured" in warning
    assert serving.stop()[0] == 0
    assert _decided(collector.named("nextbest.decide")).keys() == {sampled.decision_id}
    assert collector.named("nextbest.activate") == []
