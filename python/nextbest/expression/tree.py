"""The typed syntax tree that everything after type checking works on.

Nodes are never changed after they are made; `frozen` would enforce it, at three times the cost of making one.
`token` is the index of the token that cel-cpp gives as a node's place: an operator, an opening bracket, or
the node's first token.
"""

from dataclasses import dataclass
from typing import Final, final

from nextbest.expression.value import Constant

BOOL: Final = "bool"
INT: Final = "int"
DOUBLE: Final = "double"
STRING: Final = "string"
TIMESTAMP: Final = "timestamp"
DURATION: Final = "duration"
NUMBERS: Final = (INT, DOUBLE)


@final
class Missing:
    """A value that every customer lacks: an attribute that the action does not have, or a division by 0."""

    def __repr__(self) -> str:
        """For test failures."""
        return "MISSING"


MISSING: Final = Missing()

# Constants of a tree; lists also of other elements than a bundle's values have.
Folded = Constant | Missing | tuple[Constant, ...]


@dataclass(slots=True, eq=False)
class Node:
    """A node; only its kinds below occur.

    Attributes:
        type: `bool`, `int`, `double`, `string`, `timestamp`, `duration`, or `list<...>` of one of them;
            `list<?>` for a list without elements.
        token: Index of its token.
    """

    type: str
    token: int


@dataclass(slots=True, eq=False)
class Slot(Node):
    """A plain literal: its value is that of the token in the text at hand."""


@dataclass(slots=True, eq=False)
class Const(Node):
    """A known value.

    Attributes:
        value: Of `type`.
        varies: It depends on an attribute of the action, so that it is another one for another action.
        text: Its text, if that is not the value: the expression that is missing.
        origin: The node that it replaces.
    """

    value: Folded
    varies: bool = False
    text: str = ""
    origin: Node | None = None


@dataclass(slots=True, eq=False)
class Attr(Node):
    """An attribute, `customer.age`, or `now`."""

    reference: str


@dataclass(slots=True, eq=False)
class Has(Node):
    """Whether an attribute is present."""

    reference: str


@dataclass(slots=True, eq=False)
class Input(Node):
    """An input of the arbitration formula, by its name."""

    name: str


@dataclass(slots=True, eq=False)
class Element(Node):
    """The variable of a macro.

    Attributes:
        binder: Token of the macro that binds it.
        name: As the author calls it.
    """

    binder: int
    name: str


@dataclass(slots=True, eq=False)
class Call(Node):
    """An operation on values.

    Attributes:
        operation: Name of an `Operation` of a bundle.
        args: Its operands.
        parameter: Pattern of MATCHES; time zone of GET_..., empty for UTC.
        origin: The node that it replaces, if that is another one.
    """

    operation: str
    args: tuple[Node, ...]
    parameter: str = ""
    origin: Node | None = None


@dataclass(slots=True, eq=False)
class ListOf(Node):
    """A list written out."""

    items: tuple[Node, ...]


@dataclass(slots=True, eq=False)
class Macro(Node):
    """A macro over a list.

    Attributes:
        operation: ALL, EXISTS, EXISTS_ONE, FILTER or MAP.
        over: The list.
        variable: Name of the element; unique by `token`, which `Element.binder` refers to.
        body: Evaluated for each element.
    """

    operation: str
    over: Node
    variable: str
    body: Node


def children(node: Node) -> tuple[Node, ...]:
    """The nodes directly below one, in the order of the text."""
    if isinstance(node, Call):
        return node.args
    if isinstance(node, ListOf):
        return node.items
    return (node.over, node.body) if isinstance(node, Macro) else ()


def varies(node: Node | None) -> bool:
    """Whether a node depends on attributes of the action."""
    if node is None:
        return False
    return (isinstance(node, Const) and node.varies) or any(map(varies, children(node)))


def element_type(list_type: str) -> str:
    """`string` for `list<string>`."""
    return list_type[5:-1]
