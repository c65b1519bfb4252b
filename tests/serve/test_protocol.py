"""What other people's clients send to the decision and health ports."""

import http.client
import subprocess
import sys

import grpc
import pytest
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from nextbest.client.operator import Operator
from nextbest.v1 import customer_pb2, decision_pb2, decision_pb2_grpc

CHECK = "/grpc.health.v1.Health/Check"
SERVING = b"\x08\x01"
REFLECTION = "grpc.reflection.v1.ServerReflection"
REFLECTION_ALPHA = "grpc.reflection.v1alpha.ServerReflection"


@pytest.fixture(scope="module")
def shared(start_serving_once, starter):
    return start_serving_once(starter, NEXTBEST_ON_DECISION_PORT="health, reflection")


@pytest.fixture
def channel(shared):
    with grpc.insecure_channel(shared.decisions) as channel:
        yield channel


def question(**more):
    asked = decision_pb2.DecideRequest(channel="web", **more)
    asked.placements.add(name="hero", count=1)
    asked.customer.add(name="age", value=customer_pb2.Value(int=42))
    return asked


def check(channel, service):
    return channel.unary_unary(CHECK)(bytes([0x0A, len(service)]) + service.encode(), timeout=10.0)


def test_grpcio_over_a_unix_socket(start_serving, starter, tmp_path):
    """It sends the socket's path as the authority, and `%2F` for each slash."""
    address = f"unix:{tmp_path}/nextbest.sock"
    serving = start_serving(starter, "--address", address)
    for authority in (None, "localhost", "tmp%2Fdecisions.sock"):
        options = [("grpc.default_authority", authority)] if authority else []
        with grpc.insecure_channel(address, options=options) as channel:
            decided = decision_pb2_grpc.DecisionServiceStub(channel).Decide(question(), timeout=10.0)
        assert decided.bundle_digest == serving.listening["bundle_digest"], authority


@pytest.mark.parametrize("port", ["decisions", "health"])
@pytest.mark.parametrize("version", [10, 11])
def test_http1_is_answered_with_a_sentence_and_counted(shared, port, version):
    with Operator(shared.control) as operator:
        before = operator.status().transport.not_http2
    connection = http.client.HTTPConnection(shared.listening[port], timeout=10.0)
    connection._http_vsn = version
    connection._http_vsn_str = f"HTTP/1.{version % 10}"
    connection.request("GET", "/healthz")
    answer = connection.getresponse()
    assert answer.status == 505
    assert b"gRPC over HTTP/2" in answer.read()
    with Operator(shared.control) as operator:
        assert operator.status().transport.not_http2 == before + 1


def test_health_on_the_decision_port(channel):
    for service in (
        "",
        "nextbest.v1.DecisionService",
        "nextbest.v1.CustomerService",
        "nextbest.v1.ControlService",
    ):
        assert check(channel, service) == SERVING, service


def test_reflection_on_the_decision_port(channel, shared):
    described = ProtoReflectionDescriptorDatabase(channel)
    services = set(described.get_services())
    assert services == {
        "nextbest.v1.DecisionService",
        "nextbest.v1.CustomerService",
        "grpc.health.v1.Health",
        REFLECTION_ALPHA,
    }
    file = described.FindFileContainingSymbol("nextbest.v1.DecisionService")
    assert file.name == "nextbest/v1/decision.proto"
    # The messages of both versions are the same; only the service has another name.
    listed = channel.stream_stream(f"/{REFLECTION}/ServerReflectionInfo")(iter([b"\x3a\x00"]), timeout=10.0)
    assert REFLECTION.encode() in next(iter(listed))


def test_both_are_off_by_default(start_serving, starter):
    serving = start_serving(starter)
    with grpc.insecure_channel(serving.decisions) as channel:
        calls = [
            lambda: check(channel, ""),
            lambda: list(
                channel.stream_stream(f"/{REFLECTION}/ServerReflectionInfo")(
                    iter([b"\x3a\x00"]), timeout=10.0
                )
            ),
        ]
        for call in calls:
            with pytest.raises(grpc.RpcError) as refused:
                call()
            assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_a_request_may_be_compressed_and_unfolds_within_its_bound(channel):
    decide = decision_pb2_grpc.DecisionServiceStub(channel).Decide
    assert decide(question(), compression=grpc.Compression.Gzip, timeout=10.0).placements
    bomb = question(customer_id="x" * 8_000_000)
    with pytest.raises(grpc.RpcError) as refused:
        decide(bomb, compression=grpc.Compression.Gzip, timeout=10.0)
    assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    with pytest.raises(grpc.RpcError) as refused:
        decide(question(), compression=grpc.Compression.Deflate, timeout=10.0)
    assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_an_unknown_word_is_a_bad_setting(starter):
    command = [sys.executable, "-m", "nextbest.cli", "serve", str(starter), "--on-decision-port", "metrics"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60.0)
    assert done.returncode == 2
    assert "`metrics`" in done.stderr
    assert "`health` or `reflection`" in done.stderr


def test_long_answers_reach_a_client_that_accepts_gzip(channel):
    """grpcio does by itself, and unfolds them."""
    batch = decision_pb2.DecideBatchRequest(question=decision_pb2.DecideRequest(channel="web"))
    batch.question.placements.add(name="hero", count=1)
    for age in range(400):
        batch.customers.add().customer.add(name="age", value=customer_pb2.Value(int=age % 90))
    answer = decision_pb2_grpc.DecisionServiceStub(channel).DecideBatch(batch, timeout=30.0)
    assert answer.ByteSize() > 64 * 1024
    assert all(one.decided.placements for one in answer.decisions)
