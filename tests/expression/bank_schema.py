"""A schema with attributes of every type, and how tests hand over text."""

from nextbest.diagnostics import Position
from nextbest.expression import Attribute, Expressions, Root, Schema, SourceText, Type

FILE = "actions/cards.yaml"


def source(text: str, line: int = 1) -> SourceText:
    """Text that is alone on a line of a file."""
    return SourceText(text, lambda offset, length: Position(FILE, line, offset + 1, length))


def declare(reference: str, type_: str, **settings) -> Attribute:
    root, _, name = reference.partition(".")
    return Attribute(Root(root), name, Type(type_), **settings)


def bank() -> list[Attribute]:
    """What a bank may know; `age` has a range, `segment` and `products` have lists of values."""
    return [
        declare("customer.age", "int", required=True, minimum=0, maximum=130),
        declare("customer.balance", "double"),
        declare("customer.income", "double", required=True, minimum=0),
        declare("customer.segment", "string", allowed=("mass", "affluent", "private")),
        declare("customer.name", "string"),
        declare("customer.vip", "bool"),
        declare("customer.consent", "bool", required=True),
        declare("customer.since", "timestamp", required=True),
        declare("customer.notice", "duration"),
        declare("customer.products", "list<string>", allowed=("gold", "silver", "loan")),
        declare("customer.scores", "list<int>"),
        declare("customer.children", "int"),
        declare("context.page", "string"),
        declare("action.apr", "double"),
        declare("action.minimum_age", "int"),
        declare("action.tags", "list<string>"),
    ]


def bank_expressions() -> Expressions:
    return Expressions(Schema(bank()))
