"""The control port over a data plane that the test replaces."""

import queue
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from functools import partial

import grpc
import pytest
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from nextbest.client.errors import (
    DeadlineExceeded,
    InvalidRequest,
    NotFound,
    Overloaded,
    Refused,
    ServerFailed,
    Unavailable,
)
from nextbest.client.operator import (
    Activation,
    Operator,
    SecurityCounts,
    ShadowCounts,
    Status,
    TraceCounts,
    TransportCounts,
)
from nextbest.serve import control_port, guard
from nextbest.serve.control_port import ControlPort, ControlService, ListenError
from nextbest.serve.deciding import NotKeptError
from nextbest.v1 import control_pb2

STATUS = {
    "bundle_digest": "ab12",
    "workspace": "bank",
    "actions": 6,
    "models": 2,
    "activated_at_us": 1_780_315_200_000_000,
    "customers": 1_000,
    "decisions": 77,
    "traces": {"emitted": 77, "exported": 70, "rejected": 1, "dropped": 2, "pending": 4, "sampled_out": 25},
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
    "security": {"unauthenticated": 21, "permission_denied": 22, "handshakes_failed": 23},
    "failure_spans_suppressed": 26,
    "export_error": "no answer",
    "transport": {
        "not_calls": 27,
        "not_http2": 28,
        "connections_max": 29,
        "health_connections_refused": 30,
        "accepts_failed": 31,
        "control_connections_max": 32,
    },
    "log_lines_dropped": 24,
    "bundle_source": "state",
    "bundle_reason": "it was kept",
    "file_bundle_digest": "cd34",
    "answer_bytes": 32,
    "customers_bytes": 33,
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
        return control_pb2.StatusResponse(**STATUS).SerializeToString()

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
        traces=TraceCounts(emitted=77, exported=70, rejected=1, dropped=2, pending=4, sampled_out=25),
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
        security=SecurityCounts(unauthenticated=21, permission_denied=22, handshakes_failed=23),
        failure_spans_suppressed=26,
        export_error="no answer",
        transport=TransportCounts(
            not_calls=27,
            not_http2=28,
            connections_max=29,
            health_connections_refused=30,
            accepts_failed=31,
            control_connections_max=32,
        ),
        log_lines_dropped=24,
        bundle_source="state",
        bundle_reason="it was kept",
        file_bundle_digest="cd34",
        answer_bytes=32,
        customers_bytes=33,
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


@contextmanager
def idle_stream(address):
    """A stream of reflection that has asked once, and then neither asks nor ends."""
    questions = queue.SimpleQueue()
    questions.put(reflection_pb2.ServerReflectionRequest(list_services=""))
    with grpc.insecure_channel(address, [("grpc.use_local_subchannel_pool", 1)]) as channel:
        stub = reflection_pb2_grpc.ServerReflectionStub(channel)
        answers = stub.ServerReflectionInfo(iter(questions.get, None), timeout=30.0)
        try:
            yield answers
        finally:
            answers.cancel()
            questions.put(None)


def test_streams_block_no_other(port, operator):
    with ExitStack() as stack:
        for _ in range(guard.STREAMS_MAX):
            next(stack.enter_context(idle_stream(port.address)))
        assert operator.status().workspace == "bank"
        with pytest.raises(grpc.RpcError) as caught:
            next(stack.enter_context(idle_stream(port.address)))
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert operator.activate(b"good").bundle_digest == "new"
    # Once they have ended, there is room again.
    for _ in range(100):
        with idle_stream(port.address) as answers, suppress(grpc.RpcError):
            next(answers)
            break
    else:
        raise AssertionError("no stream is let in any more")


def test_connections_that_end_beside_a_stream_are_survived(start_serving, starter):
    """A separate process: a crash in gRPC would end it."""
    serving = start_serving(starter)
    question = reflection_pb2.ServerReflectionRequest(list_services="")
    for index in range(40):
        questions = queue.SimpleQueue()
        questions.put(question)
        with grpc.insecure_channel(serving.control, [("grpc.use_local_subchannel_pool", 1)]) as channel:
            stub = reflection_pb2_grpc.ServerReflectionStub(channel)
            next(stub.ServerReflectionInfo(iter(questions.get, None), timeout=30.0))
            if index % 2:
                questions.put(None)
        questions.put(None)
    with Operator(serving.control, timeout_s=10.0) as operator:
        assert operator.status().workers > 0
    assert serving.stop()[0] == 0


def test_an_idle_stream_ends(data_plane, monkeypatch):
    monkeypatch.setattr(control_port, "Guard", partial(guard.Guard, stream_idle_s=0.2))
    told = []
    port = ControlPort(ControlService(data_plane, ()), "127.0.0.1:0", audit=told.append)
    with idle_stream(port.address) as answers:
        next(answers)
        with pytest.raises(grpc.RpcError, match=r"no request for 0\.2 s") as caught:
            next(answers)
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    port.close(0.0)
    assert [event.status for event in told] == ["UNAVAILABLE"]


class Slow(DataPlane):
    """Takes its time to activate."""

    def __init__(self):
        super().__init__()
        self.begun = threading.Semaphore(0)
        self.go_on = threading.Event()

    def activate(self, bundle):
        self.begun.release()
        assert self.go_on.wait(30.0)
        return super().activate(bundle)


def test_activations_wait_for_one_another_and_hold_up_nothing_else():
    data_plane = Slow()
    port = ControlPort(ControlService(data_plane, ()), "127.0.0.1:0")
    with ThreadPoolExecutor(control_port.ACTIVATIONS_MAX) as executor, Operator(port.address) as operator:
        under_way = [
            executor.submit(operator.activate, b"%d" % index) for index in range(control_port.ACTIVATIONS_MAX)
        ]
        assert data_plane.begun.acquire(timeout=30.0)
        refusal = ""
        while not refusal:
            assert operator.status().workspace == "bank"
            try:
                # Let in, it waits for the others; once those have all arrived, it is refused.
                operator.activate(b"too many", timeout_s=0.3)
            except DeadlineExceeded:
                continue
            except Overloaded as error:
                refusal = error.message
        assert "4 activations are under way already" in refusal
        data_plane.go_on.set()
        answered = [call.exception() is None for call in under_way]
    # Those that one of the probes took the place of were refused.
    assert any(answered)
    port.close(0.0)


class Full(DataPlane):
    """Has no room to keep anything."""

    def activate(self, bundle):
        raise NotKeptError("nothing was activated: make room")


def test_a_bundle_that_is_not_kept():
    port = ControlPort(ControlService(Full(), ()), "127.0.0.1:0")
    with Operator(port.address) as operator, pytest.raises(Refused, match="nothing was activated") as caught:
        operator.activate(b"good")
    assert caught.value.status == "FAILED_PRECONDITION"
    port.close(0.0)


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
def test_an_invalid_address_is_refused(data_plane, address):
    with pytest.raises(ListenError, match="is not an address: give host:port"):
        ControlPort(ControlService(data_plane, ()), address)


def test_a_taken_address_is_refused(port, data_plane):
    with pytest.raises(ListenError, match="another process may"):
        ControlPort(ControlService(data_plane, ()), port.address)


def test_no_call_is_answered_after_it_is_closed(data_plane):
    port = ControlPort(ControlService(data_plane, ()), "127.0.0.1:0")
    port.close(0.0)
    with Operator(port.address) as operator, pytest.raises(Unavailable, match="Connection refused"):
        operator.status()
