"""The peer of `bench/serving.py`: the same service in plain Python, on grpcio, numpy and ONNX Runtime.

    python bench/baseline_server.py [--aio] BUNDLE ADDRESS

A synchronous server with a thread pool, as most Python services are, or one on asyncio. It traces
nothing, which speaks for it.
"""

import asyncio
import sys
import time
import uuid
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import grpc.aio

from baseline import Answer, Baseline
from nextbest import bundle
from nextbest.v1 import customer_pb2, customer_pb2_grpc, decision_pb2, decision_pb2_grpc
from programs import constant

THREADS = 4
OPTIONS = [("grpc.max_receive_message_length", 64 * 1024 * 1024)]


class Service(decision_pb2_grpc.DecisionServiceServicer, customer_pb2_grpc.CustomerServiceServicer):
    """Both services over one `Baseline`."""

    def __init__(self, data: bytes) -> None:
        """Compiles a bundle file's bytes."""
        message = bundle.read(data)
        self._digest = bundle.digest(data)
        self._baseline = Baseline(message)
        self._customers: dict[str, dict[str, Any]] = {}
        self._groups = {
            action.name: (
                message.issues[message.groups[action.group].issue].name,
                message.groups[action.group].name,
            )
            for action in message.actions
        }
        self._contents = {(a.name, t.name): t.content for a in message.actions for t in a.treatments}
        self._models = {a.name: message.models[a.model].name for a in message.actions if a.HasField("model")}

    def Decide(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002 - gRPC's names
        """Answers one request."""
        now_us = request.now_us if request.HasField("now_us") else time.time_ns() // 1_000
        customer = self._customers.get(request.customer_id, {})
        if request.customer:
            customer = {**customer, **_attributes(request.customer)}
        places = [(placement.name, placement.count) for placement in request.placements]
        answer = self._baseline.decide(
            request.customer_id, customer, _attributes(request.context), request.channel, places, now_us
        )
        return self._response(answer, now_us)

    def Upsert(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002 - gRPC's names
        """Stores customers."""
        for customer in request.customers:
            stored = self._customers.setdefault(customer.customer_id, {})
            stored.update(_attributes(customer.attributes))
        return customer_pb2.UpsertResponse(upserted=len(request.customers))

    def _response(self, answer: Answer, now_us: int) -> Any:
        response = decision_pb2.DecideResponse(
            decision_id=str(uuid.uuid4()), bundle_digest=self._digest, now_us=now_us
        )
        for name, placed in answer.placements.items():
            placement = response.placements.add(name=name)
            for entry in placed:
                issue, group = self._groups[entry.action]
                action = placement.actions.add(
                    action=entry.action,
                    issue=issue,
                    group=group,
                    treatment=entry.treatment,
                    content=self._contents[entry.action, entry.treatment],
                    rank=entry.rank,
                )
                candidate = entry.candidate
                if candidate is None:
                    action.reason = decision_pb2.REASON_FALLBACK
                    continue
                action.reason = (
                    decision_pb2.REASON_MANDATORY if candidate.mandatory else decision_pb2.REASON_PRIORITY
                )
                action.reason_text = (
                    f"priority {candidate.priority:.3g}, {entry.rank} of {answer.candidate_count} candidates"
                )
                action.score.propensity = candidate.propensity
                action.score.context_weight = candidate.context_weight
                action.score.value = candidate.value
                action.score.lever = candidate.lever
                action.score.priority = candidate.priority
                action.score.model = self._models.get(entry.action, "")
        return response


def _attributes(attributes: Iterable[Any]) -> dict[str, Any]:
    return {attribute.name: constant(attribute.value) for attribute in attributes}


class AsyncService(Service):
    """The same as coroutines: they never wait, and save the thread."""

    async def Decide(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's names
        """Answers one request."""
        return super().Decide(request, context)

    async def Upsert(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's names
        """Stores customers."""
        return super().Upsert(request, context)


def _bind(server: Any, service: Service, address: str) -> None:
    decision_pb2_grpc.add_DecisionServiceServicer_to_server(service, server)
    customer_pb2_grpc.add_CustomerServiceServicer_to_server(service, server)
    if server.add_insecure_port(address) == 0:
        raise SystemExit(f"{address} is in use")


def _serve(data: bytes, address: str) -> None:
    server = grpc.server(ThreadPoolExecutor(THREADS), options=OPTIONS)
    _bind(server, Service(data), address)
    server.start()
    print("ready", flush=True)
    server.wait_for_termination()


async def _serve_async(data: bytes, address: str) -> None:
    server = grpc.aio.server(options=OPTIONS)
    _bind(server, AsyncService(data), address)
    await server.start()
    print("ready", flush=True)
    await server.wait_for_termination()


def main() -> None:
    """Serves until killed."""
    *flags, path, address = sys.argv[1:]
    data = Path(path).read_bytes()
    if flags == ["--aio"]:
        asyncio.run(_serve_async(data, address))
    else:
        _serve(data, address)


if __name__ == "__main__":
    main()
