"""Both clients, each against a server that records what it is asked: one question, one form, one answer."""

import inspect
import socket
from datetime import UTC, datetime, timedelta

import grpc
import pytest
from opentelemetry import trace

import nextbest
from nextbest.client import answers, errors
from nextbest.client.aio import AsyncClient, AsyncCustomers
from nextbest.v1 import customer_pb2, decision_pb2
from nextbest.v1.customer_pb2 import Attribute, StringList, Value

QUESTION = {
    "customer_id": "c-1",
    "customer": {"age": 42, "vip": True, "gone": None},
    "context": {"device": "app", "since": timedelta(minutes=3)},
    "channel": "web",
    "placements": {"hero": 1, "sidebar": 3},
    "dry_run": True,
    "explanation": "funnel",
    "contributions": "exact",
    "contributions_top": 2,
    "now": datetime(2026, 6, 1, 12, tzinfo=UTC),
    "seed": 2**64 - 1,
}
ENCODED = decision_pb2.DecideRequest(
    customer_id="c-1",
    customer=[
        Attribute(name="age", value=Value(int=42)),
        Attribute(name="vip", value=Value(bool=True)),
        Attribute(name="gone", value=Value()),
    ],
    context=[
        Attribute(name="device", value=Value(string="app")),
        Attribute(name="since", value=Value(duration_us=180_000_000)),
    ],
    channel="web",
    placements=[
        decision_pb2.PlacementRequest(name="hero", count=1),
        decision_pb2.PlacementRequest(name="sidebar", count=3),
    ],
    dry_run=True,
    explanation=decision_pb2.EXPLANATION_LEVEL_FUNNEL,
    contributions=decision_pb2.CONTRIBUTION_LEVEL_EXACT,
    contributions_top=2,
    now_us=1_780_315_200_000_000,
    seed=2**64 - 1,
)
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_a_question_is_encoded(call, address, recorder):
    call(address, lambda client: client.decide(**QUESTION))
    assert recorder.requests == [ENCODED]


def test_the_shortest_question(call, address, recorder):
    call(address, lambda client: client.decide(channel="web", placements=["hero", "sidebar"]))
    expected = decision_pb2.DecideRequest(
        channel="web",
        placements=[
            decision_pb2.PlacementRequest(name="hero"),
            decision_pb2.PlacementRequest(name="sidebar"),
        ],
        explanation=decision_pb2.EXPLANATION_LEVEL_NONE,
        contributions=decision_pb2.CONTRIBUTION_LEVEL_NONE,
    )
    assert recorder.requests == [expected]


def test_explaining_asks_for_a_dry_run(call, address, recorder):
    decision = call(
        address, lambda client: client.explain(channel="web", placements=["hero"], actions=["gold-card"])
    )
    (request,) = recorder.requests
    assert request.decide.dry_run
    assert list(request.actions) == ["gold-card"]
    assert decision.decision_id == "d"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"customer": {"x": float("nan")}}, "customer.x"),
        ({"context": {"x": object()}}, "context.x"),
        ({"seed": -1}, "seed"),
        ({"now": datetime(2026, 6, 1)}, "now"),
        ({"explanation": "all"}, "explanation"),
        ({"placements": "hero"}, "placements"),
        ({"placements": ["hero", "hero"]}, "placements"),
        ({"placements": {"hero": -1}}, "placements.hero"),
        ({"traceparent": "00-short"}, "traceparent"),
    ],
)
def test_what_cannot_be_encoded_is_not_sent(call, address, recorder, change, field):
    with pytest.raises(errors.InvalidRequest) as caught:
        call(address, lambda client: client.decide(**(QUESTION | change)))
    assert caught.value.field == field
    assert recorder.requests == []


@pytest.mark.parametrize(
    ("status", "details", "kind", "message"),
    [
        ("INVALID_ARGUMENT", "the request is too large", errors.InvalidRequest, "the request is too large"),
        ("NOT_FOUND", "no such thing", errors.NotFound, "no such thing"),
        ("FAILED_PRECONDITION", "not now", errors.Refused, "not now"),
        ("UNAVAILABLE", "draining", errors.Unavailable, "cannot be reached: draining"),
        ("RESOURCE_EXHAUSTED", "too many calls", errors.Overloaded, "too many calls"),
        ("INTERNAL", "the request failed", errors.ServerFailed, "the request failed"),
        ("UNIMPLEMENTED", "", errors.ServerFailed, "answered UNIMPLEMENTED"),
    ],
)
def test_statuses_become_exceptions(call, address, recorder, status, details, kind, message):
    recorder.answers["Decide"] = (grpc.StatusCode[status], details)
    with pytest.raises(kind, match=message) as caught:
        call(address, lambda client: client.decide(channel="web", placements=["hero"]))
    assert caught.value.status == status
    assert isinstance(caught.value, errors.NextbestError)


@pytest.mark.parametrize(
    ("details", "field", "message"),
    [
        (
            "context[2].value: is an int, a string is needed",
            "context[2].value",
            "is an int, a string is needed",
        ),
        ("channel: there is no channel `fax`", "channel", "there is no channel `fax`"),
        ("decide.placements[0].count: 0 to 100", "decide.placements[0].count", "0 to 100"),
        ("Something went wrong: badly", "", "Something went wrong: badly"),
        ("two words: x", "", "two words: x"),
    ],
)
def test_the_field_of_an_invalid_request_is_named(call, address, recorder, details, field, message):
    recorder.answers["Decide"] = (grpc.StatusCode.INVALID_ARGUMENT, details)
    with pytest.raises(errors.InvalidRequest) as caught:
        call(address, lambda client: client.decide(channel="web", placements=["hero"]))
    assert (caught.value.field, caught.value.message) == (field, message)
    assert str(caught.value) == details


def test_a_late_answer_is_a_deadline_exceeded(call):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(errors.DeadlineExceeded, match=rf"no answer from {address} within 0\.2 s"):
            call(address, lambda client: client.decide(channel="web", placements=["hero"], timeout_s=0.2))


def test_a_missing_server_is_unavailable(call):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
    with pytest.raises(errors.Unavailable, match=f"{address} cannot be reached"):
        call(address, lambda client: client.decide(channel="web", placements=["hero"]), timeout_s=5.0)


def test_timeouts_of_the_client_and_of_a_call(call, address, recorder):
    call(address, lambda client: client.decide(channel="web", placements=["hero"]), timeout_s=30.0)
    call(address, lambda client: client.decide(channel="web", placements=["hero"], timeout_s=90.0))
    # gRPC rounds deadlines up.
    assert 25.0 < recorder.deadlines_s[0] < 31.0
    assert 85.0 < recorder.deadlines_s[1] < 91.0


def test_no_span_no_traceparent(call, address, recorder):
    call(address, lambda client: client.decide(channel="web", placements=["hero"]))
    assert "traceparent" not in recorder.metadata[0]


def test_a_given_traceparent_is_sent(call, address, recorder):
    call(address, lambda client: client.decide(channel="web", placements=["hero"], traceparent=TRACEPARENT))
    assert recorder.metadata[0]["traceparent"] == TRACEPARENT


def test_the_current_span_is_the_parent(call, address, recorder):
    context = trace.SpanContext(
        0x0AF7651916CD43DD8448EB211C80319C,
        0xB7AD6B7169203331,
        is_remote=False,
        trace_flags=trace.TraceFlags(1),
        trace_state=trace.TraceState([("vendor", "x")]),
    )
    with trace.use_span(trace.NonRecordingSpan(context)):
        call(address, lambda client: client.decide(channel="web", placements=["hero"]))
    assert recorder.metadata[0]["traceparent"] == TRACEPARENT
    assert recorder.metadata[0]["tracestate"] == "vendor=x"


def test_upserts_go_out_a_thousand_at_a_time(call, address, recorder):
    customers = ((f"c-{index}", {"age": index}) for index in range(2_001))
    assert call(address, lambda client: client.customers.upsert(customers)) == 2_001
    assert [len(request.customers) for request in recorder.requests] == [1_000, 1_000, 1]
    assert recorder.requests[2].customers[0].customer_id == "c-2000"


def test_upserts_take_what_get_returns(call, address, recorder):
    call(
        address,
        lambda client: client.customers.upsert([answers.Customer("c-1", {"tags": ["a"], "old": None})]),
    )
    expected = customer_pb2.Customer(
        customer_id="c-1",
        attributes=[
            Attribute(name="tags", value=Value(strings=StringList(items=["a"]))),
            Attribute(name="old", value=Value()),
        ],
    )
    assert list(recorder.requests[0].customers) == [expected]


def test_an_upsert_names_the_customer_that_cannot_be_encoded(call, address):
    customers = [("c-1", {"age": 1}), ("c-2", {"age": float("inf")})]
    with pytest.raises(errors.InvalidRequest) as caught:
        call(address, lambda client: client.customers.upsert(customers))
    assert caught.value.field == "customers[1].age"


def test_getting_and_deleting_customers(call, address, recorder):
    assert call(address, lambda client: client.customers.get("c-1")) is None
    stored = customer_pb2.Customer(customer_id="c-1", attributes=[Attribute(name="age", value=Value(int=42))])
    recorder.answers["Get"] = customer_pb2.GetResponse(customer=stored)
    assert call(address, lambda client: client.customers.get("c-1")) == answers.Customer("c-1", {"age": 42})
    assert call(address, lambda client: client.customers.delete("c-1")) is True
    assert [request.customer_id for request in recorder.requests] == ["c-1"] * 3


def test_both_clients_offer_the_same():
    def public(kind):
        return {
            name: [str(parameter) for parameter in inspect.signature(member).parameters.values()]
            for name, member in vars(kind).items()
            if callable(member) and not name.startswith("_")
        }

    blocking, waiting = public(nextbest.Client), public(AsyncClient)
    # A stream of questions may be waited for, too, where waiting is possible.
    questions, either = blocking["decide_stream"].pop(1), waiting["decide_stream"].pop(1)
    assert either.endswith(questions.removeprefix("questions: "))
    assert blocking == waiting
    assert public(nextbest.client.client.Customers) == public(AsyncCustomers)
