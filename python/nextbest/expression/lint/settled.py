"""Parts of an expression that compare constants with constants (NB501, NB502): `0.3 < 0.7`."""

from collections.abc import Iterator

from nextbest.expression.evaluation import Evaluator
from nextbest.expression.finding import Finding
from nextbest.expression.span import cover, excerpt
from nextbest.expression.specialise import Specialiser
from nextbest.expression.tokens import Tokens
from nextbest.expression.tree import Call, Const, ListOf, Node, Slot, children

_COMPARISONS = frozenset({"EQ", "NE", "LT", "LE", "GT", "GE", "IN"})


def compares_constants(node: Node) -> bool:
    """Whether a part of an expression compares constants."""
    return any(_is_settled(part) or compares_constants(part) for part in children(node))


def find_settled(node: Node, tokens: Tokens, evaluator: Evaluator, time_zone: str) -> Iterator[Finding]:
    """Comparisons below a node that have the same result for every customer.

    Args:
        node: As built, with plain literals left open. Of a whole expression that is settled, `find_truths`
            reports it.
        tokens: Its text.
        evaluator: Computes them.
        time_zone: Of the workspace: parts that use another zone than UTC are left to the engine.
    """
    for part in children(node):
        if not _is_settled(part):
            yield from find_settled(part, tokens, evaluator, time_zone)
            continue
        found = Specialiser(tokens, None, evaluator, time_zone).specialise(part, {})
        if isinstance(found, Const) and isinstance(found.value, bool):
            code, word = ("NB502", "always") if found.value else ("NB501", "never")
            help_ = "remove it, or compare an attribute"
            yield Finding(code, f"`{excerpt(part, tokens)}` {word} holds", cover(part, tokens), help_)


def _is_settled(node: Node) -> bool:
    return isinstance(node, Call) and node.operation in _COMPARISONS and all(map(_is_constant, node.args))


def _is_constant(node: Node) -> bool:
    if isinstance(node, Call | ListOf):
        return all(map(_is_constant, children(node)))
    return isinstance(node, Slot | Const)
