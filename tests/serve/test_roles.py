"""The table of docs/operator/access.md, row by row: every call with every role, where roles are asked for."""

import re
from pathlib import Path

import grpc
import pytest
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from nextbest.serve import access
from nextbest.v1 import (
    control_pb2,
    control_pb2_grpc,
    customer_pb2,
    customer_pb2_grpc,
    decision_pb2,
    decision_pb2_grpc,
)

PAGE = Path(__file__).parents[2] / "docs/operator/access.md"
TIMEOUT_S = 20.0
REFUSED = {"yes": "OK", "no": "PERMISSION_DENIED", "never": "INVALID_ARGUMENT"}


def table():
    """Yields (port, call, caller, expected) for each cell, and the cells of each line unchanged."""
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("|")]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    start = next(number for number, row in enumerate(rows) if row[:2] == ["port", "call"])
    callers = rows[start][2:]
    for port, call, *cells in rows[start + 2 :]:
        if len(cells) != len(callers):
            return
        for caller, cell in zip(callers, cells, strict=True):
            yield port, call.replace("`", ""), caller, cell


CELLS = list(table())


@pytest.fixture(scope="module")
def keys():
    return {caller: access.create_key() for _, _, caller, _ in CELLS if caller != "anonymous"}


@pytest.fixture(scope="module")
def ports(start_serving_once, starter, keys, tmp_path_factory):
    file = tmp_path_factory.mktemp("access") / "access.yaml"
    lines = [
        f'  {caller.replace("+", "-")}: {{roles: [{caller.replace("+", ", ")}], keys: ["{digest}"]}}'
        for caller, (_, digest) in keys.items()
    ]
    file.write_text("\n".join(["callers:", *lines, ""]))
    extras = ("--on-decision-port", "health,reflection")
    serving = start_serving_once(starter, "--access", str(file), *extras)
    channels = {
        "decisions": grpc.insecure_channel(serving.decisions),
        "control": grpc.insecure_channel(serving.control),
        "health": grpc.insecure_channel(str(serving.listening["health"])),
    }
    yield channels
    for channel in channels.values():
        channel.close()


def question(level):
    asked = decision_pb2.DecideRequest(channel="web")
    asked.placements.add(name="hero", count=1)
    field, _, name = level.partition(": ")
    if field == "explanation":
        asked.explanation = decision_pb2.ExplanationLevel.Value(f"EXPLANATION_LEVEL_{name}")
    elif field == "contributions":
        asked.contributions = decision_pb2.ContributionLevel.Value(f"CONTRIBUTION_LEVEL_{name}")
    else:
        assert not level
    return asked


def decide_stream(channel, level, **options):
    asked = iter([decision_pb2.StreamedRequest(request_id=1, decide=question(level))])
    (answer,) = decision_pb2_grpc.DecisionServiceStub(channel).DecideStream(asked, **options)
    return answer.failure.code


def decide_batch(channel, level, **options):
    batch = decision_pb2.DecideBatchRequest(question=question(level))
    batch.customers.add()
    decision_pb2_grpc.DecisionServiceStub(channel).DecideBatch(batch, **options)


def get(channel, **options):
    try:
        customer_pb2_grpc.CustomerServiceStub(channel).Get(
            customer_pb2.GetRequest(customer_id="unknown"), **options
        )
    except grpc.RpcError as error:
        # The call was made: nothing is known of the customer.
        if error.code() is not grpc.StatusCode.NOT_FOUND:
            raise


def activate(channel, **options):
    try:
        control_pb2_grpc.ControlServiceStub(channel).Activate(control_pb2.ActivateRequest(), **options)
    except grpc.RpcError as error:
        # The call was made: there is no bundle in it.
        if error.code() is not grpc.StatusCode.INVALID_ARGUMENT:
            raise


def reflect(channel, **options):
    asked = iter([reflection_pb2.ServerReflectionRequest(list_services="")])
    list(reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo(asked, **options))


def check(channel, **options):
    # An empty message asks for the whole server.
    channel.unary_unary("/grpc.health.v1.Health/Check")(b"", **options)


def watch(channel, **options):
    watched = channel.unary_stream("/grpc.health.v1.Health/Watch")(b"", **options)
    next(watched)
    watched.cancel()


DECISIONS, CUSTOMERS = decision_pb2_grpc.DecisionServiceStub, customer_pb2_grpc.CustomerServiceStub
CONTROL = control_pb2_grpc.ControlServiceStub
CALLS = {
    "Decide": lambda channel, level, **o: DECISIONS(channel).Decide(question(level), **o) and None,
    "DecideStream": decide_stream,
    "DecideBatch": decide_batch,
    "Explain": lambda channel, level, **o: (
        DECISIONS(channel).Explain(decision_pb2.ExplainRequest(decide=question(level)), **o) and None
    ),
    "Upsert": lambda channel, _, **o: CUSTOMERS(channel).Upsert(customer_pb2.UpsertRequest(), **o) and None,
    "Get": lambda channel, _, **o: get(channel, **o),
    "Delete": lambda channel, _, **o: CUSTOMERS(channel).Delete(customer_pb2.DeleteRequest(), **o) and None,
    "Status": lambda channel, _, **o: CONTROL(channel).Status(control_pb2.StatusRequest(), **o) and None,
    "ModelHealth": lambda channel, _, **o: (
        CONTROL(channel).ModelHealth(control_pb2.ModelHealthRequest(), **o) and None
    ),
    "Activate": lambda channel, _, **o: activate(channel, **o),
    "ServerReflectionInfo": lambda channel, _, **o: reflect(channel, **o),
    "Check": lambda channel, _, **o: check(channel, **o),
    "Watch": lambda channel, _, **o: watch(channel, **o),
}


def outcome(channel, call, key):
    """The gRPC status of a call, and its message."""
    method, _, level = call.partition(", ")
    metadata = [] if key is None else [("authorization", f"Bearer {key}")]
    try:
        code = CALLS[method](channel, level, metadata=metadata, timeout=TIMEOUT_S)
    except grpc.RpcError as error:
        return error.code().name, error.details()
    names = {code.value[0]: code.name for code in grpc.StatusCode}
    return names[code or 0], ""


@pytest.mark.parametrize(("port", "call"), sorted({(port, call) for port, call, _, _ in CELLS}))
def test_a_row_is_true_of_every_role(ports, keys, port, call):
    for row_port, row_call, caller, cell in CELLS:
        if (row_port, row_call) != (port, call):
            continue
        key = None if caller == "anonymous" else keys[caller][0]
        expected = REFUSED[cell]
        if key is None and cell == "no":
            expected = "UNAUTHENTICATED"
        status, message = outcome(ports[port], call, key)
        assert status == expected, (call, caller, message)
        if status == "PERMISSION_DENIED":
            assert re.search(r"role `(\w+)`", message)[1] not in caller.split("+"), (call, caller, message)


def test_the_table_has_every_call():
    services = [
        decision_pb2.DESCRIPTOR.services_by_name["DecisionService"],
        customer_pb2.DESCRIPTOR.services_by_name["CustomerService"],
        control_pb2.DESCRIPTOR.services_by_name["ControlService"],
        reflection_pb2.DESCRIPTOR.services_by_name["ServerReflection"],
    ]
    methods = {method.name for service in services for method in service.methods}
    methods |= {"Check", "Watch"}
    calls = {call for _, call, _, _ in CELLS}
    assert {call.partition(", ")[0] for call in calls} == methods == set(CALLS)
    explanations = decision_pb2.ExplanationLevel.keys()[2:]
    contributions = decision_pb2.ContributionLevel.keys()[2:]
    for method in ("Decide", "DecideStream", "DecideBatch"):
        levels = [f"explanation: {name.rpartition('_')[2]}" for name in explanations]
        levels += [f"contributions: {name.rpartition('_')[2]}" for name in contributions]
        assert calls >= {f"{method}, {level}" for level in levels}


def test_roles_are_the_same_wherever_they_are_listed():
    granted = {
        (role, method.strip())
        for role, methods in access.ROLES.items()
        for method in methods.split(",")
        if method.strip()[0].isupper()
    }
    for port, call, caller, cell in CELLS:
        if (
            port == "health"
            or call in {"Check", "Watch"}
            or ", " in call
            or "+" in caller
            or caller == "anonymous"
        ):
            continue
        assert ((caller, call) in granted) == (cell == "yes") or call == "ServerReflectionInfo"
