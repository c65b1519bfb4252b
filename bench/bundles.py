"""A workload -> the sealed bundle that the control plane would make of it, and its customers' requests.

Compiling a hundred thousand actions from YAML is another bench's subject: the message is filled directly,
every table as the compiler fills it. Tests are entered once; every condition has a separate entry and clause,
a position in a file and a reason.
"""

import json
import struct
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final

from nextbest.bundle import seal
from nextbest.v1 import bundle_pb2 as pb
from nextbest.v1.customer_pb2 import Attribute, Value
from nextbest.v1.decision_pb2 import DecideRequest, PlacementRequest
from workloads import STAGES, Feature, Scalar, Test, Workload

NOW_US: Final = 1_780_315_200_000_000  # 2026-06-01
CHANNEL, PLACEMENT = "web", "hero"
ACTIONS_PER_GROUP: Final = 100

_TYPES = {
    "double": pb.TYPE_DOUBLE,
    "int": pb.TYPE_INT,
    "string": pb.TYPE_STRING,
    "bool": pb.TYPE_BOOL,
    "timestamp": pb.TYPE_TIMESTAMP,
}
_VALUES: dict[str, Callable[[Scalar], Value]] = {
    "double": lambda value: Value(double=float(value)),
    "int": lambda value: Value(int=int(value)),
    "string": lambda value: Value(string=str(value)),
    "bool": lambda value: Value(bool=bool(value)),
    "timestamp": lambda value: Value(timestamp_us=int(value)),
}
_OPERATORS = {">=": pb.Comparison.GE, "<": pb.Comparison.LT, "==": pb.Comparison.EQ}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def sealed(workload: Workload) -> bytes:
    """Gives the bundle file."""
    bundle = pb.Bundle(workspace="eligibility", arbitration=pb.Arbitration())
    bundle.channels.add(name=CHANNEL, placements=[pb.PlacementDeclaration(name=PLACEMENT, count=1)])
    _fill_features(bundle, workload.features)
    for test in workload.policies.tests:
        bundle.literals.append(_literal(test, workload.features[test.feature]))
    _fill_groups(bundle, workload.policies.actions)
    _fill_clauses(bundle, workload)
    _fill_actions(bundle, workload)
    return seal(bundle).data


def requests(workload: Workload) -> bytes:
    """Gives a request for each customer: its length, 32 bits little-endian, and its bytes."""
    encoded = (_request(workload.features, customer).SerializeToString() for customer in workload.customers)
    return b"".join(struct.pack("<I", len(data)) + data for data in encoded)


def _request(features: list[Feature], customer: list[Scalar | None]) -> DecideRequest:
    request = DecideRequest(channel=CHANNEL, dry_run=True, now_us=NOW_US, seed=7)
    request.placements.append(PlacementRequest(name=PLACEMENT))
    for feature, value in zip(features, customer, strict=True):
        if value is not None:
            request.customer.append(Attribute(name=feature.name, value=_VALUES[feature.kind](value)))
    return request


def _fill_features(bundle: pb.Bundle, features: list[Feature]) -> None:
    for place, feature in enumerate(features):
        kind, allowed = _TYPES[feature.kind], [Value(string=text) for text in feature.categories]
        bundle.attributes.add(root=pb.ROOT_CUSTOMER, name=feature.name, type=kind, allowed=allowed)
        bundle.features.add(name=f"customer.{feature.name}", type=kind, attribute=place)


def _literal(test: Test, feature: Feature) -> pb.Literal:
    literal = pb.Literal(feature=test.feature, text=_text(test, feature))
    encode = _VALUES[feature.kind]
    if isinstance(test.value, bool):
        literal.is_true.SetInParent()
        literal.negated = not test.value
    elif isinstance(test.value, tuple):
        literal.one_of.values.extend(encode(value) for value in test.value)
    else:
        literal.comparison.operator = _OPERATORS[test.operator]
        literal.comparison.value.CopyFrom(encode(test.value))
    return literal


def _text(test: Test, feature: Feature) -> str:
    name = f"customer.{feature.name}"
    if isinstance(test.value, bool):
        return name if test.value else f"!{name}"
    if feature.kind == "timestamp":
        moment = _EPOCH + timedelta(microseconds=int(test.value))  # type: ignore[arg-type]
        return f'{name} {test.operator} timestamp("{moment:%Y-%m-%dT%H:%M:%SZ}")'
    return f"{name} {test.operator} {json.dumps(test.value)}"


def _fill_groups(bundle: pb.Bundle, actions: int) -> None:
    bundle.issues.add(name="sales")
    for group in range(-(-actions // ACTIONS_PER_GROUP)):
        bundle.groups.add(name=f"group-{group:04}", issue=0)
        bundle.files.append(f"actions/group-{group:04}.yaml")


def _fill_clauses(bundle: pb.Bundle, workload: Workload) -> None:
    texts = [literal.text for literal in bundle.literals]
    number = 0
    for action, clauses in enumerate(workload.policies.rules()):
        if action % ACTIONS_PER_GROUP == 0:
            line = 3
        for literals in clauses:
            text = " || ".join([texts[place] for place in literals])
            place = pb.Position(file=action // ACTIONS_PER_GROUP, line=line, column=15)
            bundle.conditions.add(text=text, reason=f"requirement {number}", position=place)
            bundle.clauses.add(literals=literals, condition=number, text=text, position=place)
            number += 1
            line += 2
        line += 3


def _fill_actions(bundle: pb.Bundle, workload: Workload) -> None:
    for action, stages in enumerate(_stages(workload)):
        name = f"action-{action:06}"
        bundle.actions.add(
            name=name,
            group=action // ACTIONS_PER_GROUP,
            enabled=True,
            value_constant=1.0,
            prior=0.1,
            treatments=[pb.Treatment(name=CHANNEL, channel=0, placement=0, content=f'{{"title":"{name}"}}')],
            **stages,
        )


def _stages(workload: Workload) -> Iterator[dict[str, list[int]]]:
    """Yields each action's clauses by stage."""
    bounds, stages = workload.policies.starts.tolist(), workload.policies.stages.tolist()
    for start, end in pairwise(bounds):
        by_stage: dict[str, list[int]] = {name: [] for name in STAGES}
        for clause in range(start, end):
            by_stage[STAGES[stages[clause]]].append(clause)
        yield by_stage
