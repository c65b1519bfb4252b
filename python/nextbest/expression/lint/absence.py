"""Clauses that cannot hold because the action does not have an attribute (NB508)."""

from collections.abc import Iterator, Sequence

from nextbest.expression.finding import Finding
from nextbest.expression.normal_form import Disjunction
from nextbest.expression.span import cover
from nextbest.expression.tokens import Tokens
from nextbest.expression.tree import Attr, Call, Const, Node, children


def find_absent(clauses: Sequence[Disjunction], tokens: Tokens) -> Iterator[Finding]:
    """Checks the normal form of a condition for one action."""
    for clause in clauses:
        unknown = [test for test in clause.tests if isinstance(test.feature, Const)]
        if unknown and len(unknown) == len(clause.tests):
            references = sorted({name for test in unknown for name in _action_references(test.node)})
            if references:
                yield Finding(
                    "NB508",
                    f"there is no `{references[0]}`, so `{unknown[0].text}` never holds",
                    cover(clause.origin, tokens),
                    f"give the action the attribute, or test for it first: `has({references[0]}) && ...`",
                )


def _action_references(node: Node | None) -> Iterator[str]:
    if isinstance(node, Call | Const) and node.origin is not None:
        yield from _action_references(node.origin)
    elif isinstance(node, Attr) and node.reference.startswith("action."):
        yield node.reference
    elif node is not None:
        for child in children(node):
            yield from _action_references(child)
