"""Counters of `status`, metrics and span attributes -> one page."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from google.protobuf.descriptor_pb2 import DescriptorProto

from nextbest.serve.metrics import INSTRUMENTS
from reference_pages.contract import Place, read
from reference_pages.markdown import table

ENCODER: Final = Path(__file__).parents[2] / "rust/otlp/src"
MESSAGE_FIELD: Final = 11
INTRODUCTION: Final = """# Metrics and spans

For operators who read `nextbest status`, or build dashboards and alerts: every counter, every metric and every attribute of a span.
[OpenTelemetry](../operator/opentelemetry.md) has how they are exported.

"""
STATUS: Final = """## Counters of status

`nextbest status --json` and the call `Status` of the control port have these fields. Counters begin at zero when the server starts.

"""
METRICS: Final = """
## Metrics of models

The server exports these metrics over OTLP, with `model` and `version` as attributes unless the table has others. Values are
counts and indices: no value of a customer.

"""
SPANS: Final = """
## Attributes of decisions

Every decision that the sampler takes is one span `nextbest.decide`. A list without elements is left out. No value of a customer's
attribute enters a span.

"""
CALLS: Final = """
## Attributes of calls

Spans of decisions and of failed calls have these attributes of OpenTelemetry's conventions for gRPC:

"""
SPAN_ATTRIBUTES: Final[Mapping[str, str]] = {
    "nextbest.decision_id": "the id that the answer has",
    "nextbest.bundle_digest": "SHA-256 of the bundle that decided",
    "nextbest.channel": "the channel of the request",
    "nextbest.dry_run": "whether the decision was a dry run",
    "nextbest.customer_hash": "HMAC-SHA-256 of the customer's id under `NEXTBEST_CUSTOMER_HASH_KEY`",
    "nextbest.actions_total": "actions of the bundle",
    "nextbest.stage.STAGE.remaining": "actions that remain after the stage",
    "nextbest.stage.STAGE.unknown": "actions that left at the stage only because a value is missing",
    "nextbest.explanation": "the decision in a paragraph for people",
    "nextbest.top_drop_off.reason": "of an answer with room for more actions: the condition at which most actions left",
    "nextbest.top_drop_off.stage": "the stage of that condition",
    "nextbest.top_drop_off.actions": "how many actions left there",
    "nextbest.placements": "the placements of the request",
    "nextbest.placed.placements": "the placement of each placed action (at most 128)",
    "nextbest.placed.actions": "the placed actions, in the same order",
    "nextbest.placed.treatments": "their treatments",
    "nextbest.placed.reasons": "why each is there",
    "nextbest.ranked": "how many actions were ranked",
    "nextbest.actions": "the best ranked actions (at most 16)",
    "nextbest.propensities": "their propensities",
    "nextbest.context_weights": "their context weights",
    "nextbest.values": "their values",
    "nextbest.levers": "their levers",
    "nextbest.priorities": "their priorities",
    "nextbest.models": "the models of their propensities",
    "nextbest.propensity_sources": "where each propensity comes from: a model, a prior, or a prior because the model failed",
    "nextbest.degradations": "what was degraded (at most 32)",
    "nextbest.degradation.names": "the model or attribute of each degradation",
}
CALL_ATTRIBUTES: Final[Mapping[str, str]] = {
    "rpc.system.name": "`grpc`",
    "rpc.method": "such as `nextbest.v1.DecisionService/Decide`; `_OTHER` for a method that does not exist",
    "rpc.response.status_code": "the gRPC status, such as `OK` or `INVALID_ARGUMENT`",
    "error.type": "of a failed call: the same",
}


def encoded_attributes() -> set[str]:
    """Finds the names that the encoder of spans writes, with `STAGE` for the name of a stage."""
    source = "".join(path.read_text() for path in sorted(ENCODER.glob("*.rs")))
    names = set(re.findall(r'"((?:nextbest|rpc|error)\.[a-z_.]+)"', source))
    return {re.sub(r"^nextbest\.stage\.[a-z]+\.", "nextbest.stage.STAGE.", name) for name in names}


def write() -> str:
    """Writes the page."""
    metrics = ([f"`{entry.name}`", entry.kind, entry.unit, entry.description] for entry in INSTRUMENTS)
    return (
        INTRODUCTION
        + STATUS
        + table(["field", "meaning"], status_fields())
        + METRICS
        + table(["metric", "kind", "unit", "meaning"], metrics)
        + SPANS
        + table(["attribute", "meaning"], ([f"`{name}`", text] for name, text in SPAN_ATTRIBUTES.items()))
        + CALLS
        + table(["attribute", "meaning"], ([f"`{name}`", text] for name, text in CALL_ATTRIBUTES.items()))
    )


def status_fields() -> Iterator[tuple[str, str]]:
    """Finds the fields of the answer to `Status`, those of inner messages after the field that holds them."""
    ((file, comments),) = read("control")
    messages = {message.name: (index, message) for index, message in enumerate(file.message_type)}

    def fields(name: str, prefix: str) -> Iterator[tuple[str, str]]:
        index, message = messages[name]
        for position, field in enumerate(message.field):
            path = f"{prefix}{field.name}"
            inner = field.type_name.rpartition(".")[2] if field.type == MESSAGE_FIELD else ""
            yield (
                f"`{path}`",
                comments.get((4, index, 2, position), "") or _meaning(comments, messages, inner),
            )
            if inner:
                yield from fields(inner, f"{path}.")

    return fields("StatusResponse", "")


def _meaning(
    comments: Mapping[Place, str], messages: Mapping[str, tuple[int, DescriptorProto]], inner: str
) -> str:
    return comments.get((4, messages[inner][0]), "") if inner else ""
