"""The control port over a data plane that the test stands in for."""

import re
from datetime import UTC, datetime

import grpc
import pytest
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from nextbest.control import Activation, Operator, SecurityCounts, ShadowCounts, Status, TraceCounts
from nextbest.control.service import ControlPort, ControlService, ListenError
from nextbest.errors import InvalidRequest, NotFound, ServerFailed, Unavailable
from nextbest.v1 import control_pb2

STATUS = {
    "bundle_digest": "ab12",
    "workspace": "bank",
    "actions": 6,
    "models": 2,
    "activated_at_us": 1_780_315_200_000_000,
    "customers": 1_000,
    "decisions": 77,
    "traces": {"emitted": 77, "exported": 70, "rejected": 1, "dropped": 2, "pending": 4},
    "draining": False,
    "explanations": 5,
    "refused": 6,
    "deadlines_exceeded": 7,
    "panics": 8,
    "connections": 9,
    "connections_accepted": 10,
    "connections_refused": 11,
    "workers": 12,
    "index_bytes": 13,
    "kernel": "portable",
    "shadow": {"compared": 14, "disagreed": 15, "failed": 16, "dropped": 17, "farthest": 1.8e-7},
    "shed": 18,
    "in_flight": 19,
    "intake_bytes": 20,
    "security": {"callers_unknown": 21, "roles_missing": 22, "handshakes_failed": 23},
}


class BundleRefused(Exception):  # noqa: N818
    pass


class DataPlane:
    """Runs any bundle but b"bad", and breaks on b"break"."""

    def __init__(self):
        self.activated = []

    def activate(self, bundle):
        if bundle == b"bad":
            raise BundleRefused("clause 7 names feature 99 of 12")
        if bundle == b"break":
            raise RuntimeError("secret text")
        self.activated.append(bundle)
        return "new", "old", 1_500, 2_000

    def status(self):
        return STATUS

    def model_health(self):
        models = [control_pb2.ModelHealth(name=name, decisions=7) for name in ("cards", "loans")]
        return control_pb2.ModelHealthResponse(sample=8, models=models).SerializeToString()


@pytest.fixture
def data_plane():
    return DataPlane()


@pytest.fixture
def port(data_plane):
    port = ControlPort(ControlService(data_plane, (BundleRefused,)), "127.0.0.1:0")
    yield port
    port.close(0.0)


@pytest.fixture
def operator(port):
    with Operator(port.address) as operator:
        yield operator


def test_activating_a_bundle(operator, data_plane):
    assert operator.activate(b"good") == Activation("new", "old", 1_500, 2_000)
    assert data_plane.activated == [b"good"]


def test_a_large_bundle_passes(operator, data_plane):
    operator.activate(bytes(20_000_000))
    assert len(data_plane.activated[0]) == 20_000_000


def test_a_refused_bundle(operator, data_plane):
    with pytest.raises(InvalidRequest, match="clause 7 names feature 99 of 12") as caught:
        operator.activate(b"bad")
    assert caught.value.field == "bundle"
    assert data_plane.activated == []


def test_a_fault_stays_inside_one_call(operator):
    with pytest.raises(ServerFailed):
        operator.activate(b"break")
    assert operator.activate(b"good").bundle_digest == "new"


def test_status(operator):
    assert operator.status() == Status(
        bundle_digest="ab12",
        workspace="bank",
        actions=6,
        models=2,
        activated_at=datetime(2026, 6, 1, 12, tzinfo=UTC),
        customers=1_000,
        decisions=77,
        traces=TraceCounts(emitted=77, exported=70, rejected=1, dropped=2, pending=4),
        draining=False,
        explanations=5,
        refused=6,
        deadlines_exceeded=7,
        panics=8,
        connections=9,
        connections_accepted=10,
        connections_refused=11,
        workers=12,
        index_bytes=13,
        kernel="portable",
        shadow=ShadowCounts(compared=14, disagreed=15, failed=16, dropped=17, farthest=1.8e-7),
        shed=18,
        in_flight=19,
        intake_bytes=20,
        security=SecurityCounts(callers_unknown=21, roles_missing=22, handshakes_failed=23),
    )


def test_the_health_of_models(operator):
    assert [model.name for model in operator.model_health().models] == ["cards", "loans"]
    (found,) = operator.model_health("loans").models
    assert (found.name, found.decisions) == ("loans", 7)
    with pytest.raises(NotFound, match="has no model `loan`: it has `cards` or `loans`"):
        operator.model_health("loan")


def test_reflection_describes_the_service(port):
    with grpc.insecure_channel(port.address) as channel:
        database = ProtoReflectionDescriptorDatabase(channel)
        assert set(database.get_services()) == {
            "nextbest.v1.ControlService",
            "nextbest.v1.DecisionService",
            "nextbest.v1.CustomerService",
            "grpc.reflection.v1alpha.ServerReflection",
        }
        (file,) = [database.FindFileContainingSymbol("nextbest.v1.ControlService")]
        assert [method.name for method in file.service[0].method] == ["Activate", "Status", "ModelHealth"]
        (file,) = [database.FindFileContainingSymbol("nextbest.v1.DecisionService")]
        methods = [method.name for method in file.service[0].method]
        assert methods == ["Decide", "DecideStream", "DecideBatch", "Explain"]


@pytest.mark.parametrize("address", ["0.0.0.0:0", "192.0.2.1:50052", "[::]:0", "control.example.org:50052"])
def test_other_interfaces_are_refused(data_plane, address):
    with pytest.raises(ListenError, match="without knowing its callers") as caught:
        ControlPort(ControlService(data_plane, ()), address)
    assert address in str(caught.value)


@pytest.mark.parametrize("address", ["127.0.0.1:0", "localhost:0", "127.0.0.9:0"])
def test_the_loopback_interface_is_served(data_plane, address):
    port = ControlPort(ControlService(data_plane, ()), address)
    try:
        assert re.fullmatch(re.escape(address[:-2]) + r":\d{4,5}", port.address)
        with Operator(port.address) as operator:
            assert operator.status().workspace == "bank"
    finally:
        port.close(0.0)


@pytest.mark.parametrize("address", ["50052", "127.0.0.1", "127.0.0.1:http", ":50052"])
def test_what_is_no_address_is_refused(data_plane, address):
    with pytest.raises(ListenError, match="is no address: give host:port"):
        ControlPort(ControlService(data_plane, ()), address)


def test_a_taken_address_is_refused(port, data_plane):
    with pytest.raises(ListenError, match="another process may"):
        ControlPort(ControlService(data_plane, ()), port.address)


def test_nobody_answers_after_it_is_closed(data_plane):
    port = ControlPort(ControlService(data_plane, ()), "127.0.0.1:0")
    port.close(0.0)
    with Operator(port.address) as operator, pytest.raises(Unavailable, match="Connection refused"):
        operator.status()
