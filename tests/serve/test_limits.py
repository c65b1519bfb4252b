"""The first table of docs/operator/limits.md, row by row: a call beyond each limit, against real servers."""

import threading
from pathlib import Path

import grpc
import pytest

from nextbest.client.operator import Operator
from nextbest.v1 import (
    customer_pb2,
    customer_pb2_grpc,
    decision_pb2,
    decision_pb2_grpc,
)

PAGE = Path(__file__).parents[2] / "docs/operator/limits.md"
TIMEOUT_S = 20.0
DECISIONS, CUSTOMERS = decision_pb2_grpc.DecisionServiceStub, customer_pb2_grpc.CustomerServiceStub


def rows():
    """Returns limit, variable and status of each row."""
    _, _, section = PAGE.read_text().partition("## Limits of a call\n")
    lines = [line for line in section.partition("\n## ")[0].splitlines() if line.startswith("|")]
    table = [[cell.strip().replace("`", "") for cell in line.strip("|").split("|")] for line in lines]
    assert table[0] == ["limit", "value", "variable", "status"]
    return [(limit, variable, status) for limit, _, variable, status in table[2:]]


def question(**more):
    asked = decision_pb2.DecideRequest(channel="web", **more)
    asked.placements.add(name="hero", count=1)
    return asked


def attributes(count, name="age", text=None):
    value = customer_pb2.Value(int=30) if text is None else customer_pb2.Value(string=text)
    return [customer_pb2.Attribute(name=f"{name}{number}", value=value) for number in range(count)]


def decide(channel, asked=None, timeout=TIMEOUT_S):
    DECISIONS(channel).Decide(question() if asked is None else asked, timeout=timeout)


def batch(channel, customers=1, timeout=TIMEOUT_S, **more):
    asked = decision_pb2.DecideBatchRequest(question=question(**more))
    asked.customers.extend(decision_pb2.BatchedCustomer() for _ in range(customers))
    DECISIONS(channel).DecideBatch(asked, timeout=timeout)


def upsert(channel, customers):
    CUSTOMERS(channel).Upsert(customer_pb2.UpsertRequest(customers=customers), timeout=TIMEOUT_S)


def customers(count, bytes_each=0):
    text = "x" * bytes_each
    one = [customer_pb2.Attribute(name="city", value=customer_pb2.Value(string=text))] if text else []
    return [customer_pb2.Customer(customer_id=f"c{number}", attributes=one) for number in range(count)]


def many_placements(channel):
    asked = question()
    for _ in range(32):
        asked.placements.add(name="hero", count=1)
    decide(channel, asked)


def places(channel):
    asked = question()
    asked.placements[0].count = 101
    decide(channel, asked)


def side_by_side(channel):
    # Two bytes each.
    channel.unary_unary("/nextbest.v1.DecisionService/Decide")(b"\x12\x00" * 16_400, timeout=TIMEOUT_S)


def unknown_method(channel):
    channel.unary_unary("/nextbest.v1.DecisionService/Decode")(b"", timeout=TIMEOUT_S)


def beside_another(channel):
    sent, asked = threading.Event(), threading.Event()

    def nothing_yet():
        sent.set()
        asked.wait(TIMEOUT_S)
        yield from ()

    # A call whose message does not come.
    begin = channel.stream_unary("/nextbest.v1.DecisionService/Decide").future
    other = begin(nothing_yet())
    try:
        assert sent.wait(TIMEOUT_S)
        for _ in range(200):
            decide(channel)
            if other.done():
                # It came second, and was refused itself.
                other = begin(nothing_yet())
    finally:
        asked.set()
        other.cancel()


EXACT = decision_pb2.CONTRIBUTION_LEVEL_EXACT
FULL = decision_pb2.EXPLANATION_LEVEL_FULL
BEYOND = {
    "message of Decide, Explain or DecideStream": lambda channel: decide(
        channel, question(customer=attributes(70, text="x" * 4_000))
    ),
    "message of DecideBatch or Upsert": lambda channel: upsert(channel, customers(999, bytes_each=5_000)),
    "texts and messages side by side in a message": side_by_side,
    "customers of DecideBatch": lambda channel: batch(channel, 1_001),
    "customers of Upsert": lambda channel: upsert(channel, customers(1_001)),
    "attributes of a customer": lambda channel: decide(channel, question(customer=attributes(513))),
    "attributes of a context": lambda channel: decide(channel, question(context=attributes(129))),
    "placements": many_placements,
    "places of a placement": places,
    "bytes of a customer's id": lambda channel: decide(channel, question(customer_id="c" * 257)),
    "actions of Decide with contributions": lambda channel: decide(
        channel, question(contributions=EXACT, contributions_top=11)
    ),
    "full explanation in DecideBatch": lambda channel: batch(channel, explanation=FULL),
    "time of a call": lambda channel: batch(channel, 1_000, timeout=0.002),
    "a method that does not exist": unknown_method,
    "calls under way": beside_another,
    "stored customers": lambda channel: upsert(channel, customers(2)),
    "memory of stored customers": lambda channel: upsert(channel, customers(2)),
    "memory of answers, all calls": lambda channel: batch(channel, 1_000),
    # The effects are tested by writing frames and opening bundles in rust/server/src/tests.
    "answer, as encoded": None,
    "memory of messages to come, all calls": None,
}


@pytest.fixture(scope="module")
def shared(start_serving_once, starter):
    with grpc.insecure_channel(start_serving_once(starter).decisions) as channel:
        yield channel


def outcome(call, channel):
    try:
        call(channel)
    except grpc.RpcError as error:
        return error.code().name
    return "OK"


def resident_bytes(process):
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS:"))


ROWS = rows()


@pytest.mark.parametrize(
    ("limit", "status"), [(limit, status) for limit, variable, status in ROWS if not variable]
)
def test_a_call_beyond_a_fixed_limit(shared, limit, status):
    if BEYOND[limit] is not None:
        assert outcome(BEYOND[limit], shared) == status


@pytest.mark.parametrize(
    ("limit", "variable", "status"),
    [(limit, variable, status) for limit, variable, status in ROWS if variable],
)
def test_a_call_beyond_a_limit_that_is_set(start_serving, starter, limit, variable, status):
    if BEYOND[limit] is None:
        return
    serving = start_serving(starter, "--workers", "1", **{variable: "1"})
    with grpc.insecure_channel(serving.decisions) as channel:
        assert outcome(BEYOND[limit], channel) == status


def test_every_row_has_a_call():
    assert [limit for limit, _, _ in ROWS] == sorted(BEYOND, key=[limit for limit, _, _ in ROWS].index)


def test_the_memory_of_customers_is_what_the_process_takes(start_serving, starter):
    serving = start_serving(starter, "--workers", "1")
    products = customer_pb2.StringList(
        items=["gold-card", "current-account", "home-loan", "travel-insurance"]
    )
    profile = [
        customer_pb2.Attribute(name="age", value=customer_pb2.Value(int=44)),
        customer_pb2.Attribute(name="segment", value=customer_pb2.Value(string="affluent")),
        customer_pb2.Attribute(name="products", value=customer_pb2.Value(strings=products)),
        customer_pb2.Attribute(name="balance", value=customer_pb2.Value(double=31_234.0)),
        customer_pb2.Attribute(name="income", value=customer_pb2.Value(double=4_321.0)),
        customer_pb2.Attribute(name="arrears_days", value=customer_pb2.Value(int=0)),
    ]

    def upsert_blocks(blocks):
        for block in blocks:
            named = [
                customer_pb2.Customer(customer_id=f"customer-{block}-{number:06}", attributes=profile)
                for number in range(1_000)
            ]
            upsert(channel, named)

    with (
        grpc.insecure_channel(serving.decisions) as channel,
        Operator(serving.control, timeout_s=TIMEOUT_S) as operator,
    ):
        # What the process takes for itself, once it has answered.
        upsert_blocks(range(10))
        counted = operator.status().customers_bytes
        resident = resident_bytes(serving.process.pid)
        upsert_blocks(range(10, 70))
        status = operator.status()
        taken = resident_bytes(serving.process.pid) - resident
    assert status.customers == 70_000
    assert status.customers_bytes - counted == pytest.approx(taken, rel=0.25)
