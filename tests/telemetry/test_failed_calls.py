"""Calls that end with an error are spans too: what was called and how it ended, nothing of what was in it."""

import grpc
import pytest
from grpc import StatusCode

import nextbest
from nextbest.client.errors import Refused
from nextbest.client.operator import Operator
from nextbest.v1 import customer_pb2, customer_pb2_grpc, decision_pb2, decision_pb2_grpc

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
WRITTEN = "what-a-caller-wrote"
DECIDE = "nextbest.v1.DecisionService/Decide"


@pytest.fixture
def serving(start_serving, starter, collector):
    return start_serving(starter, OTEL_EXPORTER_OTLP_ENDPOINT=f"http://{collector.address}")


def _fails(call, *arguments, code, flags="01"):
    traceparent = f"00-{TRACE_ID}-b7ad6b7169203331-{flags}"
    try:
        answer = call(*arguments, timeout=10, metadata=[("traceparent", traceparent)])
        for _ in answer:
            pass
    except grpc.RpcError as error:
        assert error.code() is code  # noqa: PT017 - of a stream, it comes with the first answer
    else:
        pytest.fail("the call did not fail")


def _failed(collector, count):
    """Waits for this number of failed calls; returns method and status of each, in the order of their
    ends."""
    with collector.arrived:
        met = collector.arrived.wait_for(lambda: len(_errors(collector)) >= count, 20.0)
        assert met, [entry.span.name for entry in collector.spans]
    spans = sorted(_errors(collector), key=lambda entry: entry.span.end_time_unix_nano)
    return [(entry.span.name, entry.attributes["rpc.response.status_code"]) for entry in spans]


def _errors(collector):
    return [
        entry for entry in collector.spans if entry.span.status.code == entry.span.status.STATUS_CODE_ERROR
    ]


def test_failed_calls_are_spans(serving, collector):
    with grpc.insecure_channel(serving.decisions) as channel:
        decisions = decision_pb2_grpc.DecisionServiceStub(channel)
        customers = customer_pb2_grpc.CustomerServiceStub(channel)
        unknown = channel.unary_unary(f"/{WRITTEN}/{WRITTEN}")
        stream = channel.stream_stream("/nextbest.v1.DecisionService/DecideStream")
        _fails(
            decisions.Decide,
            decision_pb2.DecideRequest(channel=WRITTEN),
            code=StatusCode.INVALID_ARGUMENT,
        )
        _fails(decisions.Explain, decision_pb2.ExplainRequest(), code=StatusCode.INVALID_ARGUMENT)
        _fails(customers.Get, customer_pb2.GetRequest(customer_id=WRITTEN), code=StatusCode.NOT_FOUND)
        _fails(unknown, b"", code=StatusCode.UNIMPLEMENTED)
        # A stream has begun when it fails: its status comes last, in the trailers.
        _fails(stream, iter([b"\xff"]), code=StatusCode.INTERNAL)
        _fails(decisions.Decide, decision_pb2.DecideRequest(), code=StatusCode.INVALID_ARGUMENT, flags="00")
    assert _failed(collector, 5) == [
        (DECIDE, "INVALID_ARGUMENT"),
        ("nextbest.v1.DecisionService/Explain", "INVALID_ARGUMENT"),
        ("nextbest.v1.CustomerService/Get", "NOT_FOUND"),
        ("grpc", "UNIMPLEMENTED"),
        ("nextbest.v1.DecisionService/DecideStream", "INTERNAL"),
    ]
    for entry in _errors(collector):
        assert entry.span.trace_id.hex() == TRACE_ID
        assert entry.span.parent_span_id.hex() == "b7ad6b7169203331"
        assert entry.attributes["error.type"] == entry.attributes["rpc.response.status_code"]
    assert WRITTEN.encode() not in b"".join(collector.raw)
    with Operator(serving.control) as operator:
        status = operator.status()
    assert (status.traces.emitted, status.traces.sampled_out, status.failure_spans_suppressed) == (5, 1, 0)


def test_questions_of_a_call_that_goes_on_are_spans(serving, collector):
    wrong = decision_pb2.DecideRequest(channel=WRITTEN)
    with grpc.insecure_channel(serving.decisions) as channel:
        decisions = decision_pb2_grpc.DecisionServiceStub(channel)
        questions = [decision_pb2.StreamedRequest(request_id=1, decide=wrong)]
        (answer,) = decisions.DecideStream(iter(questions), timeout=10)
    assert answer.failure.code == StatusCode.INVALID_ARGUMENT.value[0]
    assert _failed(collector, 1) == [("nextbest.decide", "INVALID_ARGUMENT")]
    (entry,) = _errors(collector)
    assert entry.attributes["rpc.method"] == "nextbest.v1.DecisionService/DecideStream"


def test_an_attack_does_not_flood_the_collector(start_serving, starter, collector):
    serving = start_serving(
        starter,
        OTEL_EXPORTER_OTLP_ENDPOINT=f"http://{collector.address}",
        NEXTBEST_IN_FLIGHT_MAX="0",
        NEXTBEST_WORKERS="1",
    )
    with grpc.insecure_channel(serving.decisions) as channel:
        calls = [
            decision_pb2_grpc.DecisionServiceStub(channel).Decide.future(
                decision_pb2.DecideRequest(), timeout=30
            )
            for _ in range(1_000)
        ]
        assert {call.code() for call in calls} == {StatusCode.RESOURCE_EXHAUSTED}
    with Operator(serving.control) as operator:
        status = operator.status()
    assert status.failure_spans_suppressed > 500
    assert status.traces.emitted + status.failure_spans_suppressed == 1_000
    assert set(_failed(collector, 100)) == {(DECIDE, "RESOURCE_EXHAUSTED")}


def test_calls_without_a_role_are_spans(start_serving, starter, collector, tmp_path):
    access = tmp_path / "access.yaml"
    access.write_text(f"callers:\n  web:\n    roles: [decide]\n    keys: ['sha256:{'0' * 64}']\n")
    serving = start_serving(
        starter, "--access", str(access), OTEL_EXPORTER_OTLP_ENDPOINT=f"http://{collector.address}"
    )
    with nextbest.Client(serving.decisions) as client, pytest.raises(Refused):
        client.decide(channel="web", placements={"hero": 1})
    with Operator(serving.control) as operator, pytest.raises(Refused):
        operator.status()
    assert _failed(collector, 2) == [(DECIDE, "UNAUTHENTICATED"), ("nextbest.audit", "UNAUTHENTICATED")]
