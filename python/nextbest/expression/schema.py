"""Declarations of attributes: the names that an expression may use, with their types."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from nextbest.expression.source import SourceText
from nextbest.v1 import bundle_pb2


class Root(StrEnum):
    """What an attribute belongs to: the first word of its reference."""

    CUSTOMER = "customer"
    CONTEXT = "context"
    ACTION = "action"

    @property
    def number(self) -> bundle_pb2.Root.ValueType:
        """The root in a bundle."""
        return _ROOT_NUMBERS[self]


class Type(StrEnum):
    """The type of an attribute, spelled as in `schema.yaml`."""

    BOOL = "bool"
    INT = "int"
    DOUBLE = "double"
    STRING = "string"
    TIMESTAMP = "timestamp"
    DURATION = "duration"
    STRING_LIST = "list<string>"
    INT_LIST = "list<int>"

    @property
    def number(self) -> bundle_pb2.Type.ValueType:
        """The type in a bundle."""
        return _TYPE_NUMBERS[self]


ROOT_NAMES = tuple(str(root) for root in Root)

_ROOT_NUMBERS = {
    Root.CUSTOMER: bundle_pb2.ROOT_CUSTOMER,
    Root.CONTEXT: bundle_pb2.ROOT_CONTEXT,
    Root.ACTION: bundle_pb2.ROOT_ACTION,
}
_TYPE_NUMBERS = {
    Type.BOOL: bundle_pb2.TYPE_BOOL,
    Type.INT: bundle_pb2.TYPE_INT,
    Type.DOUBLE: bundle_pb2.TYPE_DOUBLE,
    Type.STRING: bundle_pb2.TYPE_STRING,
    Type.TIMESTAMP: bundle_pb2.TYPE_TIMESTAMP,
    Type.DURATION: bundle_pb2.TYPE_DURATION,
    Type.STRING_LIST: bundle_pb2.TYPE_STRING_LIST,
    Type.INT_LIST: bundle_pb2.TYPE_INT_LIST,
}


@dataclass(frozen=True, slots=True)
class Attribute:
    """One declared attribute.

    Attributes:
        root: What it belongs to.
        name: Without its root; letters, digits and underscores, not starting with a digit.
        type: Of its values.
        required: Whether the schema declares it as required; lints use this, decisions do not.
        allowed: All values it may have: strings of a string (or list of strings), ints of an int (or list of
            ints). Empty: any.
        minimum: Inclusive bound of an int or double.
        maximum: Inclusive bound of an int or double.
        label: What people call it; empty: its name.
        purposes: Purposes of use that need consent.
        expression: What a derived attribute is computed from; None for an attribute that arrives from
            outside. Not for the root `action`.
    """

    root: Root
    name: str
    type: Type
    required: bool = False
    allowed: tuple[str | int, ...] = ()
    minimum: int | float | None = None
    maximum: int | float | None = None
    label: str = ""
    purposes: tuple[str, ...] = ()
    expression: SourceText | None = None

    @property
    def reference(self) -> str:
        """As an expression names it: `customer.age`."""
        return f"{self.root}.{self.name}"


class Schema:
    """The declared attributes by their references, in the order of a bundle: by root, then name."""

    def __init__(self, attributes: Iterable[Attribute], time_zone: str = "") -> None:
        """Collects attributes.

        Args:
            attributes: In any order; of two with the same reference the later one counts.
            time_zone: In which `now.getHours()` reads the clock where it names none; empty: UTC.
        """
        self.time_zone = time_zone
        order = list(Root)
        found = {attribute.reference: attribute for attribute in attributes}
        ordered = sorted(found.values(), key=lambda a: (order.index(a.root), a.name))
        self._attributes = {attribute.reference: attribute for attribute in ordered}

    def __iter__(self) -> Iterator[Attribute]:
        return iter(self._attributes.values())

    def __contains__(self, reference: str) -> bool:
        return reference in self._attributes

    def get(self, reference: str) -> Attribute | None:
        """Finds an attribute by its reference, `customer.age`."""
        return self._attributes.get(reference)

    def stored(self) -> list[Attribute]:
        """Attributes that have a place in the bundle's table of attributes: those that are not derived."""
        return [attribute for attribute in self if attribute.expression is None]
