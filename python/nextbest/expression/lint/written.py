"""An expression as it is written -> warnings: conditions, values and derived attributes alike."""

from collections.abc import Iterator

from nextbest.expression.evaluation import Evaluator
from nextbest.expression.finding import Finding
from nextbest.expression.lint.division import find_lost_fractions
from nextbest.expression.lint.settled import compares_constants, find_settled
from nextbest.expression.lint.texts import find_unlike_order, find_unusual_spelling, orders_texts
from nextbest.expression.parsing import Parser
from nextbest.expression.schema import Schema
from nextbest.expression.tokens import Tokens
from nextbest.expression.tree import Node


class WrittenLinter:
    """Checks expressions independently of actions."""

    def __init__(self, schema: Schema) -> None:
        """Takes the declarations."""
        self._schema = schema
        # Whether texts of a shape compare texts by order: almost none do.
        self._orders: dict[str, bool] = {}
        self._settled: dict[str, bool] = {}
        self._evaluator = Evaluator()

    def lint(self, node: Node, tokens: Tokens, parser: Parser, *, needed: bool = False) -> Iterator[Finding]:
        """Checks an expression.

        Args:
            node: As built, with plain literals left open.
            tokens: Its text.
            parser: Of its environment.
            needed: Whether the result is a number whose fraction counts.
        """
        if "/" in tokens.words:
            yield from find_lost_fractions(node, tokens, parser, needed=needed)
        orders = self._orders.get(tokens.shape)
        if orders is None:
            orders = self._orders[tokens.shape] = orders_texts(node)
        if orders:
            yield from find_unlike_order(node, tokens, self._schema)
        settled = self._settled.get(tokens.shape)
        if settled is None:
            settled = self._settled[tokens.shape] = compares_constants(node)
        if settled:
            yield from find_settled(node, tokens, self._evaluator, self._schema.time_zone)
        if not tokens.text.isascii() or "\\" in tokens.text:
            yield from find_unusual_spelling(node, tokens)
