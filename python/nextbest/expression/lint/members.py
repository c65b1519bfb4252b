"""Comparisons with a value that no element, choice or derived attribute has (NB504, NB505).

The normal form has tests of attributes. Comparisons inside macros, choices and derived attributes are found
in the tree: `customer.products.exists(p, p == "gld")`.
"""

from collections.abc import Callable, Iterator, Mapping

from nextbest.expression.finding import Finding
from nextbest.expression.lint.values import not_allowed, value_stretch
from nextbest.expression.rendering import render
from nextbest.expression.schema import Schema
from nextbest.expression.tokens import Tokens
from nextbest.expression.tree import INT, STRING, Attr, Call, Const, Element, Macro, Node, children

Values = tuple[str | int, ...]
# The possible values of the elements of the surrounding lists, and their names, by the macro's token.
_Scope = Mapping[int, tuple[Values, str]]


class Members:
    """The values that texts, whole numbers and elements of lists may have."""

    def __init__(self, schema: Schema, derived: Callable[[str], Node]) -> None:
        """Takes the declarations, and the lookup of derived attributes' trees."""
        self._schema = schema
        self._derived = derived
        self._has_lists = any(attribute.allowed for attribute in schema)

    def find(self, node: Node, tokens: Tokens) -> Iterator[Finding]:
        """Checks a specialised condition."""
        if self._has_lists or "?" in tokens.words:
            yield from self._find(node, tokens, {})

    def _find(self, node: Node, tokens: Tokens, scope: _Scope) -> Iterator[Finding]:
        if isinstance(node, Call) and node.operation in ("EQ", "NE", "IN"):
            left, right = node.args
            if isinstance(left, Const):
                yield from self._compare(node, right, left, tokens, scope)
            elif isinstance(right, Const):
                yield from self._compare(node, left, right, tokens, scope)
        if isinstance(node, Macro):
            yield from self._find(node.over, tokens, scope)
            yield from self._find(node.body, tokens, self._inside(node, scope))
            return
        for child in children(node):
            yield from self._find(child, tokens, scope)

    def _compare(
        self, node: Node, other: Node, constant: Const, tokens: Tokens, scope: _Scope
    ) -> Iterator[Finding]:
        known = self._values(other, scope)
        if known is None or constant.varies or isinstance(other, Const):
            return
        values, name = known
        for value in constant.value if isinstance(constant.value, tuple) else (constant.value,):
            if isinstance(value, str | int) and value not in values:
                is_index = isinstance(other, Call) and other.operation == "INDEX"
                is_list = is_index or isinstance(other, Element) or other.type.startswith("list<")
                yield not_allowed(name, values, value, value_stretch(node, value, tokens), is_list=is_list)

    def _inside(self, macro: Macro, scope: _Scope) -> _Scope:
        known = self._values(macro.over, scope)
        return {**scope, macro.token: known} if known is not None else scope

    def _values(self, node: Node, scope: _Scope) -> tuple[Values, str] | None:
        """The values of a node, or of its elements, and its name; None where any may be."""
        found: tuple[Values, str] | None = None
        match node:
            case Const():
                found = _constants(node)
            case Element():
                found = scope.get(node.binder)
            case Attr():
                found = self._attribute(node)
            case Call(operation="IF", args=(_, then, other)):
                branches = self._values(then, scope), self._values(other, scope)
                if branches[0] is not None and branches[1] is not None:
                    found = (*branches[0][0], *branches[1][0]), render(node)
            case Call(operation="INDEX", args=(over, _)) | Macro(operation="FILTER", over=over):
                found = self._values(over, scope)
            case Macro(operation="MAP", body=body):
                found = self._values(body, self._inside(node, scope))
        return found

    def _attribute(self, node: Attr) -> tuple[Values, str] | None:
        attribute = self._schema.get(node.reference)
        if attribute is None or attribute.expression is None:
            return (attribute.allowed, node.reference) if attribute and attribute.allowed else None
        known = self._values(self._derived(node.reference), {})
        return None if known is None else (known[0], node.reference)


def _constants(node: Const) -> tuple[Values, str] | None:
    value: object = node.value
    values = value if isinstance(value, tuple) else (value,)
    is_plain = node.type.removeprefix("list<").removesuffix(">") in (STRING, INT)
    if node.varies or not is_plain or not all(isinstance(item, str | int) for item in values):
        return None
    return values, render(node)
