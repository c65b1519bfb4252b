"""Customers of one call -> those that a server stores, and those that it refuses, each with its error.

A call stores all of its customers or none. An error names the first customer that is wrong: it is left out,
and the call is made again with the rest.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from nextbest.client.attributes import Attributes
from nextbest.client.errors import InvalidRequest

Upsert = Callable[[Iterable[tuple[str, Attributes]]], int]


@dataclass(frozen=True, slots=True)
class RefusedCustomer:
    """A customer that was not stored.

    Attributes:
        index: Among those given, from 0.
        attribute: That is wrong; empty where the customer as a whole is.
        message: Why.
    """

    index: int
    attribute: str
    message: str


class UnknownAttributeError(Exception):
    """An attribute that the schema does not have: every customer with it would be refused.

    Attributes:
        attribute: Its name.
        message: The server's.
    """

    def __init__(self, attribute: str, message: str) -> None:
        super().__init__(f"{attribute}: {message}")
        self.attribute = attribute
        self.message = message


def upsert_valid(
    upsert: Upsert, customers: Sequence[tuple[str, Attributes]], refusals_max: int
) -> tuple[int, list[RefusedCustomer]]:
    """Stores customers without those that are refused.

    Args:
        upsert: `Client.customers.upsert`; called with up to the number that one call takes.
        customers: Ids and attributes.
        refusals_max: After more refusals it gives up, and nothing of this call is stored.

    Returns:
        How many were stored, and those refused.

    Raises:
        UnknownAttributeError: An attribute is not in the schema.
        NextbestError: The call failed for another reason than one of the customers.
    """
    sent = list(enumerate(customers))
    refused: list[RefusedCustomer] = []
    while sent and len(refused) <= refusals_max:
        try:
            return upsert([customer for _, customer in sent]), refused
        except InvalidRequest as error:
            place = locate(error.field, [attributes for _, (_, attributes) in sent])
            if place is None:
                # Not about one customer: another call would fare no better.
                raise
            if error.field.endswith(".name"):
                raise UnknownAttributeError(place[1], error.message) from None
            index, _ = sent.pop(place[0])
            refused.append(RefusedCustomer(index, place[1], error.message))
    return 0, refused


def locate(field: str, sent: Sequence[Mapping[str, object]]) -> tuple[int, str] | None:
    """Finds the customer (from 0, within the call) and the attribute that an error is about.

    Args:
        field: Such as `customers[12].attributes[3].value`, or `customers[12].balance`.
        sent: The attributes of each customer of the call, in the order they were sent.

    Returns:
        None when the field names no customer; an empty attribute when it names none.
    """
    head, _, rest = field.partition(".")
    if not head.startswith("customers[") or not head.endswith("]"):
        return None
    row = int(head[len("customers[") : -1])
    if rest.startswith("attributes["):
        index = int(rest[len("attributes[") : rest.index("]")])
        names = list(sent[row]) if row < len(sent) else []
        return row, names[index] if index < len(names) else ""
    return row, rest
