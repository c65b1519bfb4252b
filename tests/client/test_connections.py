"""Servers, connections, tries and deadlines: what both clients make of one call, seen by the servers."""

import threading
import time

import grpc
import pytest

import nextbest
from nextbest import KeepAlive, Retry
from nextbest.client import errors
from nextbest.client.aio import AsyncClient
from nextbest.client.answers import Decision
from nextbest.v1 import customer_pb2, decision_pb2

UNAVAILABLE = (grpc.StatusCode.UNAVAILABLE, "going away")
DECIDED = decision_pb2.DecideResponse(decision_id="d")
METHODS = {
    "Decide": (lambda client: client.decide(channel="web", placements=["hero"]), DECIDED),
    "Explain": (
        lambda client: client.explain(channel="web", placements=["hero"]),
        decision_pb2.ExplainResponse(decision=DECIDED),
    ),
    "Upsert": (
        lambda client: client.customers.upsert([("c-1", {"age": 1})]),
        customer_pb2.UpsertResponse(upserted=1),
    ),
    "Get": (lambda client: client.customers.get("c-1"), customer_pb2.GetResponse()),
    "Delete": (lambda client: client.customers.delete("c-1"), customer_pb2.DeleteResponse(deleted=True)),
}
decide = METHODS["Decide"][0]


def answering(*answers):
    """One answer a request, in turn."""
    turns = iter(answers)
    return lambda _: next(turns)


def test_calls_go_to_all_servers_in_turn(call_often, start_recorder):
    one, other = start_recorder(), start_recorder()
    # Until both are connected, all calls go to the one that is.
    for _ in range(100):
        call_often([one[1], other[1]], decide, 20, timeout_s=10.0)
        if min(len(one[0].requests), len(other[0].requests)) >= 5:
            return
    pytest.fail(f"{len(one[0].requests)} calls to one, {len(other[0].requests)} to the other")


def test_a_server_that_is_gone_gets_no_calls(call_often, start_recorder, closed_address):
    recorder, address = start_recorder()
    answers = call_often([closed_address, address], decide, 30, timeout_s=10.0, retry=None)
    assert {type(answer) for answer in answers} == {Decision}
    assert len(recorder.requests) == 30


def test_connections_are_as_many_as_asked_for(call_often, start_recorder):
    recorder, address = start_recorder()
    call_often(address, decide, 12, timeout_s=10.0, connections=4)
    assert sorted(recorder.peers.count(peer) for peer in set(recorder.peers)) == [3, 3, 3, 3]


def test_one_connection_is_the_default(call_often, start_recorder):
    recorder, address = start_recorder()
    call_often(address, decide, 5, timeout_s=10.0)
    assert len(set(recorder.peers)) == 1


@pytest.mark.parametrize("method", METHODS)
def test_unavailable_is_tried_again(call, address, recorder, method):
    ask, answer = METHODS[method]
    recorder.answers[method] = answering(UNAVAILABLE, UNAVAILABLE, answer)
    call(address, ask, timeout_s=10.0)
    assert len(recorder.requests) == 3
    assert recorder.requests[0] == recorder.requests[2]


@pytest.mark.parametrize(
    ("retry", "attempts"), [(Retry(), 3), (Retry(attempts_max=2), 2), (Retry(attempts_max=5), 5), (None, 1)]
)
def test_attempts_end(call, address, recorder, retry, attempts):
    recorder.answers["Decide"] = UNAVAILABLE
    with pytest.raises(errors.Unavailable, match="going away"):
        call(address, decide, timeout_s=10.0, retry=retry)
    assert len(recorder.requests) == attempts


@pytest.mark.parametrize(
    "status", [code.name for code in grpc.StatusCode if code.name not in ("OK", "UNAVAILABLE")]
)
def test_no_other_status_is_tried_again(call, address, recorder, status):
    recorder.answers["Decide"] = (grpc.StatusCode[status], "no")
    with pytest.raises(errors.NextbestError) as caught:
        call(address, decide, timeout_s=10.0)
    assert caught.value.status == status
    assert len(recorder.requests) == 1


@pytest.mark.parametrize("connections", [1, 5])
def test_a_budget_bounds_the_attempts_of_an_outage(call_often, address, recorder, connections):
    recorder.answers["Decide"] = UNAVAILABLE
    answers = call_often(
        address, decide, 40, timeout_s=10.0, connections=connections, retry=Retry(failures_max=10)
    )
    assert {type(answer) for answer in answers} == {errors.Unavailable}
    # Each failure but a call's last was followed by another attempt, ten at most.
    assert 45 <= len(recorder.requests) <= 50


def test_answers_fill_the_budget_up(call_often, address, recorder):
    answers = (UNAVAILABLE,) * 12 + (DECIDED,) * 10 + (UNAVAILABLE, DECIDED)
    recorder.answers["Decide"] = answering(*answers)
    said = call_often(address, decide, 20, timeout_s=10.0, retry=Retry(failures_max=3, ratio=1.0))
    failed = [isinstance(answer, errors.Unavailable) for answer in said]
    # Two more attempts, both used by the first call; then one each until the server answers.
    assert failed[:10] == [True] * 10
    assert failed[10:] == [False] * 10


def test_all_attempts_share_one_deadline(call, address, recorder):
    ended = threading.Event()

    def answer(_):
        is_first = len(recorder.requests) == 1
        ended.wait(0.25 if is_first else 30.0)
        if is_first:
            return UNAVAILABLE
        return DECIDED

    recorder.answers["Decide"] = answer
    began = time.monotonic()
    with pytest.raises(errors.DeadlineExceeded, match=r"within 0\.5 s"):
        call(address, decide, timeout_s=0.5)
    assert time.monotonic() - began < 10.0
    ended.set()
    assert len(recorder.requests) == 2
    # gRPC rounds deadlines up.
    assert recorder.deadlines_s[1] < 0.3 < recorder.deadlines_s[0] < 0.6


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"connections": 0}, "connections"),
        ({"connections": 257}, "connections"),
        ({"retry": lambda: Retry(attempts_max=1)}, "retry.attempts_max"),
        ({"retry": lambda: Retry(attempts_max=6)}, "retry.attempts_max"),
        ({"retry": lambda: Retry(failures_max=0)}, "retry.failures_max"),
        ({"retry": lambda: Retry(failures_max=500)}, "retry.failures_max"),
        ({"retry": lambda: Retry(ratio=0.0)}, "retry.ratio"),
        ({"retry": lambda: Retry(ratio=float("nan"))}, "retry.ratio"),
    ],
)
def test_options_outside_their_range(call, address, options, field):
    with pytest.raises(errors.InvalidRequest) as caught:
        call(address, decide, **{name: made() if callable(made) else made for name, made in options.items()})
    assert caught.value.field == field


@pytest.mark.parametrize("keep_alive", [None, KeepAlive(interval_s=10.0, when_idle=True)])
def test_pings_are_the_callers_choice(call, address, keep_alive):
    assert call(address, decide, keep_alive=keep_alive, timeout_s=10.0).decision_id == "d"


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"timeout_s": "1"}, "timeout_s"),
        ({"timeout_s": None}, "timeout_s"),
        ({"timeout_s": float("nan")}, "timeout_s"),
        ({"address": 5}, "address"),
        ({"address": None}, "address"),
        ({"address": b"127.0.0.1:1"}, "address"),
        ({"address": [5]}, "address"),
        ({"connections": "2"}, "connections"),
        ({"connections": 1.5}, "connections"),
        ({"connections": 0}, "connections"),
        ({"keep_alive": 5}, "keep_alive"),
        ({"retry": 5}, "retry"),
        ({"tls": "ca.pem"}, "tls"),
        ({"api_key": 5}, "api_key"),
    ],
)
@pytest.mark.parametrize("client", [nextbest.Client, AsyncClient])
def test_arguments_of_another_shape_are_named(client, arguments, field):
    with pytest.raises(errors.InvalidRequest) as caught:
        client(**{"address": "127.0.0.1:1", **arguments})
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("arguments", "field"), [({"timeout_s": "1"}, "timeout_s"), ({"traceparent": 5}, "traceparent")]
)
def test_arguments_of_a_call_of_another_shape_are_named(call, arguments, field):
    asked = {"channel": "web", "placements": ["hero"]}
    for method in (
        lambda client: client.decide(**asked, **arguments),
        lambda client: client.decide_batch(["c-1"], **asked, **arguments),
    ):
        with pytest.raises(errors.InvalidRequest) as caught:
            call("127.0.0.1:1", method)
        assert caught.value.field == field
