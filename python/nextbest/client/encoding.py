"""Turns the arguments of `decide`, `explain` and `upsert` into messages of the protocol.

Both clients and the command line ask through here, so that one question has one form. Nothing is checked
that the server checks: names, counts and types against the schema are its business.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from nextbest.client.answers import Customer, ExplanationLevel
from nextbest.client.attributes import Attributes
from nextbest.client.errors import InvalidRequest
from nextbest.client.question import Placements, Question, RequestedCustomer
from nextbest.client.scores import ContributionLevel
from nextbest.client.values import (
    check_iterable,
    check_text,
    check_truth,
    check_whole,
    encode_attributes,
    to_microseconds,
)
from nextbest.v1 import customer_pb2, decision_pb2

CUSTOMERS_PER_CALL_MAX: Final = 1_000
"""What one Upsert or DecideBatch takes; longer iterables are sent in several."""

_SEED_MAX: Final = 2**64 - 1
_COUNT_MAX: Final = 2**32 - 1
_LEVELS: Final = {
    ExplanationLevel.NONE: decision_pb2.EXPLANATION_LEVEL_NONE,
    ExplanationLevel.FUNNEL: decision_pb2.EXPLANATION_LEVEL_FUNNEL,
    ExplanationLevel.FULL: decision_pb2.EXPLANATION_LEVEL_FULL,
}
_CONTRIBUTIONS: Final = {
    ContributionLevel.NONE: decision_pb2.CONTRIBUTION_LEVEL_NONE,
    ContributionLevel.FAST: decision_pb2.CONTRIBUTION_LEVEL_FAST,
    ContributionLevel.EXACT: decision_pb2.CONTRIBUTION_LEVEL_EXACT,
}


def assemble(question: Question) -> decision_pb2.DecideRequest:
    """Encodes a question.

    Raises:
        InvalidRequest: A value has no form in the protocol; `field` names it.
    """
    request = decision_pb2.DecideRequest(
        customer_id=check_text(question.customer_id, "customer_id"),
        customer=encode_attributes(question.customer, "customer"),
        context=encode_attributes(question.context, "context"),
        channel=check_text(question.channel, "channel"),
        placements=_placements(question.placements),
        dry_run=check_truth(question.dry_run, "dry_run"),
        explanation=_level(question.explanation),
        contributions=_contributions(question.contributions),
    )
    request.contributions_top = check_whole(
        question.contributions_top, "contributions_top", _COUNT_MAX, "1 to 10, or 0 for 3"
    )
    if question.now is not None:
        request.now_us = to_microseconds(question.now, "now")
    if question.seed is not None:
        request.seed = check_whole(question.seed, "seed", _SEED_MAX, f"a seed is 0 to {_SEED_MAX}")
    return request


def assemble_explain(question: Question, actions: Iterable[str]) -> decision_pb2.ExplainRequest:
    """Encodes a question whose answer is to be explained, for these actions or, without any, for all.

    Raises:
        InvalidRequest: A value has no form in the protocol; `field` names it.
    """
    given = check_iterable(actions, "actions", 'a list of names, ["gold-card"],')
    names = [check_text(name, f"actions[{index}]") for index, name in enumerate(given)]
    return decision_pb2.ExplainRequest(decide=assemble(question), actions=names)


def assemble_batches(
    question: Question, customers: Iterable[RequestedCustomer]
) -> Iterator[decision_pb2.DecideBatchRequest]:
    """Encodes one question for many customers, at most `CUSTOMERS_PER_CALL_MAX` a message.

    Raises:
        InvalidRequest: A value has no form in the protocol; `field` is `customers[1041].balance`, counted
            over all of them.
    """
    check_iterable(customers, "customers", 'a list of customers, ["c-1"] or [{"age": 42}],')
    asked = assemble(question)
    batch = decision_pb2.DecideBatchRequest(question=asked)
    for index, customer in enumerate(customers):
        customer_id, attributes = _whom(customer, index)
        batch.customers.add(
            customer_id=check_text(customer_id, f"customers[{index}].customer_id"),
            customer=encode_attributes(attributes, f"customers[{index}]"),
        )
        if len(batch.customers) == CUSTOMERS_PER_CALL_MAX:
            yield batch
            batch = decision_pb2.DecideBatchRequest(question=asked)
    if batch.customers:
        yield batch


def _whom(customer: RequestedCustomer, index: int) -> tuple[str, Attributes]:
    match customer:
        case str():
            return customer, {}
        case Customer():
            return customer.customer_id, customer.attributes
        case Mapping():
            # As with `decide(customer=...)`: stored attributes are not read.
            return "", customer
    return _pair(customer, index, 'or attributes, {"age": 42}')


def _pair(customer: object, index: int, otherwise: str) -> tuple[str, Attributes]:
    # What each of the two is, is looked at when it is encoded.
    if isinstance(customer, tuple | list) and len(customer) == 2:
        return customer[0], customer[1]
    message = f'an id with attributes, ("c-1", {{"age": 42}}), {otherwise} is needed'
    raise InvalidRequest(f"{message}, not {type(customer).__name__}", f"customers[{index}]")


def batches(customers: Iterable[Customer | tuple[str, Attributes]]) -> Iterator[customer_pb2.UpsertRequest]:
    """Encodes customers, at most `CUSTOMERS_PER_CALL_MAX` a message, reading them as they are needed.

    Raises:
        InvalidRequest: A value has no form in the protocol; `field` is `customers[1041].balance`, counted
            over all of them.
    """
    check_iterable(customers, "customers", 'a list of customers, [("c-1", {"age": 42})],')
    batch: list[customer_pb2.Customer] = []
    for index, customer in enumerate(customers):
        if isinstance(customer, Customer):
            customer_id, attributes = customer.customer_id, customer.attributes
        else:
            customer_id, attributes = _pair(customer, index, "or a Customer")
        encoded = encode_attributes(attributes, f"customers[{index}]")
        checked = check_text(customer_id, f"customers[{index}].customer_id")
        batch.append(customer_pb2.Customer(customer_id=checked, attributes=encoded))
        if len(batch) == CUSTOMERS_PER_CALL_MAX:
            yield customer_pb2.UpsertRequest(customers=batch)
            batch = []
    if batch:
        yield customer_pb2.UpsertRequest(customers=batch)


def _placements(placements: Placements) -> list[decision_pb2.PlacementRequest]:
    if not isinstance(placements, Mapping):
        check_iterable(placements, "placements", 'a list or mapping, ["hero"] or {"hero": 1},')
        names = [check_text(name, f"placements.{name}") for name in placements]
        if len(set(names)) < len(names):
            raise InvalidRequest("a placement is named twice", "placements")
        return [decision_pb2.PlacementRequest(name=name) for name in names]
    meaning = "a count is 1 to 100, or 0 for the workspace's"
    return [
        decision_pb2.PlacementRequest(
            name=check_text(name, f"placements.{name}"),
            count=check_whole(count, f"placements.{name}", _COUNT_MAX, meaning),
        )
        for name, count in placements.items()
    ]


def _level(level: ExplanationLevel | str) -> decision_pb2.ExplanationLevel.ValueType:
    try:
        return _LEVELS[ExplanationLevel(level)]
    except (ValueError, KeyError):
        raise InvalidRequest("one of `none`, `funnel` and `full`", "explanation") from None


def _contributions(level: ContributionLevel | str) -> decision_pb2.ContributionLevel.ValueType:
    try:
        return _CONTRIBUTIONS[ContributionLevel(level)]
    except (ValueError, KeyError):
        raise InvalidRequest("one of `none`, `fast` and `exact`", "contributions") from None
