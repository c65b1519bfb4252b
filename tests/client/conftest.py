"""A server that records its questions: the generated services, answered by functions of the test."""
# ruff: noqa: N802 - methods are named by the protocol

import asyncio
import inspect
import socket
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest

import nextbest
from nextbest.client import errors
from nextbest.client.aio import AsyncClient
from nextbest.v1 import customer_pb2, customer_pb2_grpc, decision_pb2, decision_pb2_grpc


class Recorder(decision_pb2_grpc.DecisionServiceServicer, customer_pb2_grpc.CustomerServiceServicer):
    """Keeps every request with its metadata, and answers what the test put into `answers`."""

    def __init__(self):
        self.requests = []
        self.metadata = []
        self.deadlines_s = []
        self.peers = []
        self.answers = {}

    def _answer(self, method, request, context, default):
        self.requests.append(request)
        self.metadata.append(dict(context.invocation_metadata()))
        self.deadlines_s.append(context.time_remaining())
        self.peers.append(context.peer())
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
            "Get", request, context, (grpc.StatusCode.NOT_FOUND, "this customer is not stored")
        )

    def Delete(self, request, context):
        return self._answer("Delete", request, context, customer_pb2.DeleteResponse(deleted=True))


@pytest.fixture
def recorder():
    return Recorder()


@pytest.fixture
def start_recorder():
    """Starts servers that record: `recorder, address = start_recorder(grpc.ssl_server_credentials(...))`."""
    servers = []

    def start(recorder=None, credentials=None):
        recorder = recorder or Recorder()
        server = grpc.server(ThreadPoolExecutor(2))
        servers.append(server)
        decision_pb2_grpc.add_DecisionServiceServicer_to_server(recorder, server)
        customer_pb2_grpc.add_CustomerServiceServicer_to_server(recorder, server)
        if credentials is None:
            port = server.add_insecure_port("127.0.0.1:0")
        else:
            port = server.add_secure_port("127.0.0.1:0", credentials)
        server.start()
        return recorder, f"127.0.0.1:{port}"

    yield start
    for server in servers:
        server.stop(None).wait()


@pytest.fixture
def address(recorder, start_recorder):
    return start_recorder(recorder)[1]


def _blocking(address, ask, **options):
    with nextbest.Client(address, **options) as client:
        return ask(client)


def _asyncio(address, ask, **options):
    async def run():
        async with AsyncClient(address, **options) as client:
            answer = ask(client)
            return await answer if inspect.isawaitable(answer) else answer

    return asyncio.run(run())


@pytest.fixture(params=[_blocking, _asyncio], ids=["blocking", "asyncio"])
def call(request):
    """Calls with each of the clients: `call(address, lambda client: client.decide(...), timeout_s=5.0)`."""
    return request.param


def _many_blocking(address, ask, count, **options):
    answers = []
    with nextbest.Client(address, **options) as client:
        for _ in range(count):
            try:
                answers.append(ask(client))
            except errors.NextbestError as error:
                answers.append(error)
    return answers


def _many_asyncio(address, ask, count, **options):
    async def run():
        answers = []
        async with AsyncClient(address, **options) as client:
            for _ in range(count):
                answers += await asyncio.gather(ask(client), return_exceptions=True)
        return answers

    return asyncio.run(run())


@pytest.fixture(params=[_many_blocking, _many_asyncio], ids=["blocking", "asyncio"])
def call_often(request):
    """Calls one after another, and returns answers and errors: `call_often(address, ask, 30)`."""
    return request.param


@pytest.fixture
def closed_address():
    """An address without a listener."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return f"127.0.0.1:{taken.getsockname()[1]}"
