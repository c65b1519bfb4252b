"""Negations of attributes that may be missing (NB507)."""

from collections.abc import Iterator

from nextbest.expression.finding import Finding
from nextbest.expression.schema import Schema
from nextbest.expression.span import cover, excerpt
from nextbest.expression.tokens import Tokens
from nextbest.expression.tree import BOOL, Attr, Call, Has, Node, children


def find_unknown(node: Node, tokens: Tokens, schema: Schema) -> Iterator[Finding]:
    """`!=` and `!` on attributes that may be missing, when nothing asks for their presence."""
    asked: set[str] = set()
    negated: dict[str, Node] = {}
    for atom, whole, is_negated in _atoms(node, None, is_negated=False):
        for reference in _attributes(atom, asked):
            if is_negated:
                negated.setdefault(reference, whole)
            else:
                asked.add(reference)
    for reference, atom in negated.items():
        attribute = schema.get(reference)
        if reference in asked or attribute is None or attribute.required or attribute.expression is not None:
            continue
        text = excerpt(atom, tokens)
        help_ = f"if it shall: `!has({reference}) || {text}`; if not: `has({reference}) && {text}`"
        if len(set(_attributes(atom, set()))) > 1:
            help_ = f"say what is meant then, with `has({reference})`"
        message = f"`{reference}` may be missing, and then `{text}` does not hold"
        yield Finding("NB507", message, cover(atom, tokens), help_)


def _atoms(node: Node, whole: Node | None, *, is_negated: bool) -> Iterator[tuple[Node, Node, bool]]:
    """What AND, OR and NOT combine: with the negation around it, and whether that turns it round."""
    if isinstance(node, Call):
        if node.operation == "NOT":
            yield from _atoms(node.args[0], None if is_negated else node, is_negated=not is_negated)
            return
        if node.operation in ("AND", "OR"):
            for arg in node.args:
                yield from _atoms(arg, whole, is_negated=is_negated)
            return
        if node.operation == "IF" and node.type == BOOL:
            yield node.args[0], node, False
            for arg in node.args[1:]:
                yield from _atoms(arg, whole, is_negated=is_negated)
            return
        if node.operation == "NE":
            yield node, whole or node, not is_negated
            return
    yield node, whole or node, is_negated


def _attributes(node: Node, present: set[str]) -> list[str]:
    """The attributes that a node reads; those that it asks the presence of go to `present`."""
    if isinstance(node, Has):
        present.add(node.reference)
        return []
    if isinstance(node, Attr):
        return [node.reference]
    return [reference for child in children(node) for reference in _attributes(child, present)]
