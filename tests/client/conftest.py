"""A server that says what it was asked: the generated services, answered by functions of the test."""
# ruff: noqa: N802 - methods are named by the protocol

from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest

from nextbest.v1 import customer_pb2, customer_pb2_grpc, decision_pb2, decision_pb2_grpc


class Recorder(decision_pb2_grpc.DecisionServiceServicer, customer_pb2_grpc.CustomerServiceServicer):
    """Keeps every request with its metadata, and answers what the test put into `answers`."""

    def __init__(self):
        self.requests = []
        self.metadata = []
        self.deadlines_s = []
        self.answers = {}

    def _answer(self, method, request, context, default):
        self.requests.append(request)
        self.metadata.append(dict(context.invocation_metadata()))
        self.deadlines_s.append(context.time_remaining())
        answer = self.answers.get(method, default)
        if callable(answer):
            answer = answer(request)
        if isinstance(answer, tuple):
            context.abort(*answer)
        return answer

    def Decide(self, request, context):
        return self._answer("Decide", request, context, decision_pb2.DecideResponse(decision_id="d"))

    def Explain(self, request, context):
        decision = decision_pb2.DecideResponse(decision_id="d")
        return self._answer("Explain", request, context, decision_pb2.ExplainResponse(decision=decision))

    def Upsert(self, request, context):
        default = customer_pb2.UpsertResponse(upserted=len(request.customers))
        return self._answer("Upsert", request, context, default)

    def Get(self, request, context):
        return self._answer(
            "Get", request, context, (grpc.StatusCode.NOT_FOUND, "nothing is known of this customer")
        )

    def Delete(self, request, context):
        return self._answer("Delete", request, context, customer_pb2.DeleteResponse(deleted=True))


@pytest.fixture
def recorder():
    return Recorder()


@pytest.fixture
def address(recorder):
    server = grpc.server(ThreadPoolExecutor(2))
    decision_pb2_grpc.add_DecisionServiceServicer_to_server(recorder, server)
    customer_pb2_grpc.add_CustomerServiceServicer_to_server(recorder, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}"
    server.stop(None).wait()
