"""Decides on a bundle file in this process: the questions and answers of the clients, without a server.

For personas, the command line and notebooks. Every decision is a dry run; the customer's stored attributes
are passed with the question. An id without attributes is an unknown customer, and the answer has
`CUSTOMER_UNKNOWN`, as a server's does.
"""

import secrets
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Unpack

from nextbest import _core
from nextbest.bundle import file
from nextbest.bundle.schema import schema_of
from nextbest.casting import Schema
from nextbest.client.answers import Decision
from nextbest.client.decoding import decode_decision
from nextbest.client.encoding import assemble, assemble_explain
from nextbest.client.errors import InvalidRequest
from nextbest.client.question import DecideArguments, ExplainArguments, Question
from nextbest.client.values import encode_attributes, to_microseconds
from nextbest.models import locate_runtime
from nextbest.v1 import bundle_pb2, customer_pb2, decision_pb2


class OfflineBundle:
    """A bundle that answers questions by itself."""

    def __init__(self, data: bytes) -> None:
        """Opens a bundle file's bytes, its models too.

        Raises:
            nextbest.bundle.BundleError: The bytes are not a bundle.
            nextbest._core.BundleError: The bundle does not pass verification.
            FileNotFoundError: It has models, and ONNX Runtime is not installed.
        """
        self.message = file.read(data)
        runtime = locate_runtime() if self.message.models else None
        self._core = _core.Bundle(data, onnxruntime_path=runtime)
        self.digest: str = self._core.digest

    def schema(self, root: bundle_pb2.Root.ValueType) -> Schema:
        """Returns the attributes of a root with their types, as `schema.yaml` writes them."""
        return schema_of(self.message, root)

    def placements(self, channel: str) -> tuple[str, ...]:
        """Returns the placements of a channel in the workspace's order; empty without such a channel."""
        return tuple(
            placement.name
            for candidate in self.message.channels
            if candidate.name == channel
            for placement in candidate.placements
        )

    def decide(self, **arguments: Unpack[DecideArguments]) -> Decision:
        """Decides; arguments as for `Client.decide`, `customer` being what is stored.

        Raises:
            InvalidRequest: An argument of the question is not valid; `field` names it.
        """
        question = Question(**arguments)
        answer = self._ask(self._core.decide, assemble(question), question)
        return decode_decision(decision_pb2.DecideResponse.FromString(answer))

    def explain(self, *, actions: Iterable[str] = (), **arguments: Unpack[ExplainArguments]) -> Decision:
        """Explains; arguments as for `Client.explain`, `customer` being what is stored.

        Raises:
            InvalidRequest: An argument of the question is not valid; `field` names it.
        """
        question = Question(**arguments)
        answer = self._ask(self._core.explain, assemble_explain(question, actions), question)
        return decode_decision(decision_pb2.ExplainResponse.FromString(answer).decision)

    def _ask(self, method: Any, request: Any, question: Question) -> bytes:
        now = question.now or datetime.now(UTC)
        seed = secrets.randbits(64) if question.seed is None else question.seed
        decide = request.decide if isinstance(request, decision_pb2.ExplainRequest) else request
        decide.dry_run = True
        stored = None
        if question.customer_id and question.customer:
            attributes = encode_attributes(question.customer, "customer")
            del decide.customer[:]
            stored = customer_pb2.Customer(customer_id=question.customer_id, attributes=attributes)
        try:
            answer: bytes = method(
                request.SerializeToString(),
                stored.SerializeToString() if stored else None,
                now_us=to_microseconds(now, "now"),
                seed=seed,
            )
        except _core.RequestError as error:
            raise InvalidRequest(error.message, error.field) from None
        return answer
