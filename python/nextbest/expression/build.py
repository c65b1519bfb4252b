"""The checked syntax tree of cel-cpp -> a typed tree; operations that bundles do not have are refused.

Macros arrive expanded to folds; here they are recognised again. Values of plain literals are left open
(`Slot`), so that one tree serves all texts of its shape.
"""

import math
from dataclasses import replace

from nextbest.diagnostics import Remedy
from nextbest.expression.checked.checked_pb2 import CheckedExpr, Expr
from nextbest.expression.checked.checked_pb2 import Type as CheckedType
from nextbest.expression.finding import Finding
from nextbest.expression.mismatch import words_for
from nextbest.expression.schema import ROOT_NAMES
from nextbest.expression.tokens import Tokens
from nextbest.expression.tree import (
    MISSING,
    Attr,
    Call,
    Const,
    Element,
    Has,
    Input,
    ListOf,
    Macro,
    Node,
    Slot,
    element_type,
)

NESTED_MACROS = 4

_OPERATORS = {
    "_&&_": "AND", "_||_": "OR", "!_": "NOT", "_?_:_": "IF", "@in": "IN",
    "_==_": "EQ", "_!=_": "NE", "_<_": "LT", "_<=_": "LE", "_>_": "GT", "_>=_": "GE",
    "_+_": "ADD", "_-_": "SUB", "_*_": "MUL", "_/_": "DIV", "_%_": "MOD", "-_": "NEG", "_[_]": "INDEX",
}  # fmt: skip
_FUNCTIONS = {
    "size": "SIZE", "contains": "CONTAINS", "startsWith": "STARTS_WITH", "endsWith": "ENDS_WITH",
    "matches": "MATCHES", "int": "TO_INT", "double": "TO_DOUBLE", "string": "TO_STRING", "bool": "TO_BOOL",
    "timestamp": "TO_TIMESTAMP", "duration": "TO_DURATION", "getFullYear": "GET_FULL_YEAR",
    "getMonth": "GET_MONTH", "getDate": "GET_DATE", "getDayOfMonth": "GET_DAY_OF_MONTH",
    "getDayOfWeek": "GET_DAY_OF_WEEK", "getDayOfYear": "GET_DAY_OF_YEAR", "getHours": "GET_HOURS",
    "getMinutes": "GET_MINUTES", "getSeconds": "GET_SECONDS", "getMilliseconds": "GET_MILLISECONDS",
}  # fmt: skip
OPERATION_OF = {**_OPERATORS, **_FUNCTIONS}
FUNCTION_NAMES = tuple(_FUNCTIONS)
MACRO_NAMES = ("has", "all", "exists", "exists_one", "filter", "map")

# Operand types of conversions, for those where CEL converts more than a bundle does.
_CONVERTIBLE = {
    "TO_INT": ("int", "double", "string", "timestamp"),
    "TO_DOUBLE": ("int", "double", "string"),
    "TO_STRING": ("int", "bool", "string"),
    "TO_TIMESTAMP": ("string", "int", "timestamp"),
    "TO_DURATION": ("string", "duration"),
    "TO_BOOL": ("string", "bool"),
}
_PRIMITIVES = {
    CheckedType.BOOL: "bool",
    CheckedType.INT64: "int",
    CheckedType.DOUBLE: "double",
    CheckedType.STRING: "string",
    CheckedType.UINT64: "uint",
    CheckedType.BYTES: "bytes",
}
_WELL_KNOWN = {CheckedType.TIMESTAMP: "timestamp", CheckedType.DURATION: "duration"}
_SUPPORTED = ("bool", "int", "double", "string", "timestamp", "duration")
# The macro of which a fold is the expansion, by the fold's step.
_TESTS = {"_&&_": "ALL", "_||_": "EXISTS", "_?_:_": "FILTER"}


def build(checked: CheckedExpr, tokens: Tokens) -> tuple[Node, list[Finding]]:
    """Builds the typed tree of a checked text.

    Returns:
        The tree, and the findings; with errors, the tree must not be used.
    """
    builder = _Builder(checked, tokens)
    node = builder.node(checked.expr, {}, 0)
    return node, builder.findings


class _Builder:
    def __init__(self, checked: CheckedExpr, tokens: Tokens) -> None:
        self.findings: list[Finding] = []
        self._types = checked.type_map
        self._positions = checked.source_info.positions
        self._tokens = tokens

    def node(self, expr: Expr, scope: dict[str, Element], depth: int) -> Node:
        """Turns one node and everything below it."""
        match expr.WhichOneof("kind"):
            case "constant":
                node = self._constant(expr)
            case "ident":
                node = self._ident(expr, scope)
            case "select":
                node = self._select(expr, scope, depth)
            case "call":
                node = self._call(expr, scope, depth)
            case "list":
                node = self._list(expr, scope, depth)
            case "comprehension":
                node = self._macro(expr, scope, depth)
            case _:
                node = self._refuse(expr, "an object in `{}` is not supported", "name attributes one by one")
        return node

    def _constant(self, expr: Expr) -> Node:
        kind = expr.constant.WhichOneof("kind")
        token = self._token(expr)
        if kind in ("bool", "int", "double", "string"):
            if kind != "bool" and self._tokens.literal(token) is not None:
                return Slot(kind, token)
            value: bool | int | float | str = getattr(expr.constant, kind)
            if isinstance(value, float) and not math.isfinite(value):
                return self._refuse(expr, "this number is too large", "write a number below 1e308")
            return Const(kind, token, value)
        if kind == "null":
            return self._refuse(
                expr, "`null` is not a value here", "test for presence with `has(customer.attribute)`"
            )
        if kind == "uint":
            remedy = Remedy("leave out the `u`: `{}`", self._tokens.words[token].rstrip("uU"))
            return self._refuse(expr, "unsigned numbers are not supported", remedy)
        return self._refuse(expr, "bytes are not supported", "leave out the `b` before the quotes")

    def _ident(self, expr: Expr, scope: dict[str, Element]) -> Node:
        name = expr.ident.name.removeprefix(".")
        token = self._token(expr)
        if name in scope:
            return replace(scope[name], token=token)
        if name == "now":
            return Attr("timestamp", token, name)
        if name in ROOT_NAMES:
            return self._refuse(
                expr, f"`{name}` on its own is not a value", f"name one of its attributes: `{name}.attribute`"
            )
        if self._type(expr) == "double":
            return Input("double", token, name)
        return self._refuse(
            expr, f"the type `{name}` is not a value", "remove it; attributes have the types of the schema"
        )

    def _select(self, expr: Expr, scope: dict[str, Element], depth: int) -> Node:
        select = expr.select
        token = self._token(expr)
        operand = select.operand
        if operand.WhichOneof("kind") == "ident" and operand.ident.name.removeprefix(".") in ROOT_NAMES:
            reference = f"{operand.ident.name.removeprefix('.')}.{select.field}"
            if select.test_only:
                return Has("bool", token, reference)
            return Attr(self._type(expr), token, reference)
        known = len(self.findings)
        node = self.node(operand, scope, depth)
        if len(self.findings) > known:
            return node
        return self._refuse(
            expr, "only `customer`, `context` and `action` have attributes", "name one of theirs"
        )

    def _call(self, expr: Expr, scope: dict[str, Element], depth: int) -> Node:
        call = expr.call
        known = len(self.findings)
        args = [self.node(call.target, scope, depth)] if call.HasField("target") else []
        args += [self.node(arg, scope, depth) for arg in call.args]
        operation = OPERATION_OF.get(call.function)
        if operation is None:
            return self._refuse(expr, f"`{call.function}` is not supported", "")
        node = Call(self._type(expr), self._token(expr), operation, tuple(args))
        # The finding about the operand is enough.
        return self._restrict(expr, node) if len(self.findings) == known else node

    def _restrict(self, expr: Expr, node: Call) -> Node:
        first = node.args[0].type
        operation = node.operation
        if operation == "ADD" and node.type.startswith("list<"):
            return self._refuse(
                expr, "lists cannot be added", "test each list separately, with `in` or `exists`"
            )
        convertible = _CONVERTIBLE.get(operation)
        if convertible is not None and first not in convertible:
            known = ", ".join(map(words_for, convertible))
            what = f"`{expr.call.function}()` of {words_for(first)} is not supported"
            return self._refuse(expr, what, f"it takes {known}; compare the value itself")
        if first == node.type and convertible is not None:
            return node.args[0]
        return node

    def _list(self, expr: Expr, scope: dict[str, Element], depth: int) -> Node:
        items = tuple(self.node(item, scope, depth) for item in expr.list.elements)
        types = sorted({item.type for item in items})
        if any(type_.startswith("list<") for type_ in types):
            return self._refuse(expr, "lists of lists are not supported", "use one list for each")
        if len(types) > 1 and not self.findings and types != ["double", "int"]:
            mixed = " and ".join(map(words_for, types))
            return self._refuse(expr, f"the list mixes {mixed}", "give it values of one type", code="NB405")
        element = "double" if len(types) > 1 else types[0] if types else "?"
        return ListOf(f"list<{element}>", self._token(expr), items)

    def _macro(self, expr: Expr, scope: dict[str, Element], depth: int) -> Node:
        fold = expr.comprehension
        token = self._token(expr)
        over = self.node(fold.iter_range, scope, depth)
        if not over.type.startswith("list<"):
            return self._refuse(expr, "only lists can be used here", "name an attribute that is a list")
        if depth == NESTED_MACROS:
            return self._refuse(
                expr,
                f"macros can be nested at most {NESTED_MACROS} deep",
                "move a part of the expression to a derived attribute",
            )
        element = Element(element_type(over.type), token, token, fold.iter_var)
        inner = {**scope, fold.iter_var: element}
        step = fold.loop_step.call
        operation = _TESTS.get(step.function, "")
        if operation == "FILTER" and fold.result.WhichOneof("kind") == "call":
            operation = "EXISTS_ONE"
        if operation:
            # The author's text is the second operand of `result && body`, and the first of `body ? ... :
            # ...`.
            body = self.node(step.args[0 if step.function == "_?_:_" else 1], inner, depth + 1)
            type_ = over.type if operation == "FILTER" else "bool"
            over = Macro(type_, token, operation, over, fold.iter_var, body)
        if operation in ("ALL", "EXISTS", "EXISTS_ONE"):
            return over
        append = step.args[1].call if operation else step
        return self._mapped(expr, over, append.args[1].list.elements[0], inner, depth)

    def _mapped(self, expr: Expr, over: Node, mapped: Expr, inner: dict[str, Element], depth: int) -> Node:
        """The elements that a fold appends; a filter appends the element itself."""
        variable = expr.comprehension.iter_var
        if mapped.ident.name == variable:
            return over
        body = self.node(mapped, inner, depth + 1)
        if body.type.startswith("list<"):
            return self._refuse(expr, "lists of lists are not supported", "map to single values")
        return Macro(f"list<{body.type}>", self._token(expr), "MAP", over, variable, body)

    def _token(self, expr: Expr) -> int:
        return self._tokens.at(self._positions[expr.id])

    def _type(self, expr: Expr) -> str:
        name = _name(self._types[expr.id])
        if name.removeprefix("list<").removesuffix(">") not in _SUPPORTED:
            self._refuse(expr, f"a value of type {name} is not supported", "use the types of the schema")
        return name

    def _refuse(self, expr: Expr, message: str, help_: str, code: str = "NB407") -> Node:
        tokens = self._tokens
        token = max(self._token(expr), 0)
        first, last = tokens.balance(token, token)
        if tokens.words[token] == "(" and tokens.is_name(token - 1):
            first -= 1
        elif tokens.words[token] == ".":
            last += 1
        self.findings.append(Finding(code, message, tokens.stretch(first, min(last, len(tokens) - 1)), help_))
        return Const("bool", token, MISSING)


def _name(checked: CheckedType) -> str:
    kind = checked.WhichOneof("kind")
    if kind == "primitive":
        return _PRIMITIVES.get(checked.primitive, "?")
    if kind == "well_known":
        return _WELL_KNOWN.get(checked.well_known, "any")
    if kind == "list":
        return f"list<{_name(checked.list.element)}>"
    return checked.message or "dynamic"
