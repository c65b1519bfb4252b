"""A typed tree -> the same for one text and one action: literals and the action's attributes filled in.

Constant parts are computed, by cel-cpp, so that a bundle holds results. A part that can never have a result
is an error; if the reason is an attribute of the action, the part is *missing*, because a condition may guard
it.
"""

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from nextbest.expression.evaluation import Evaluator, NoResultError
from nextbest.expression.finding import Finding
from nextbest.expression.foreign.days import whole_day
from nextbest.expression.foreign.spans import in_hours
from nextbest.expression.pattern import PatternError, carry_over
from nextbest.expression.rendering import quote, render
from nextbest.expression.span import cover, excerpt
from nextbest.expression.time_zone import is_time_zone
from nextbest.expression.tokens import Tokens
from nextbest.expression.tree import (
    BOOL,
    DOUBLE,
    MISSING,
    TIMESTAMP,
    Attr,
    Call,
    Const,
    Element,
    Folded,
    Has,
    ListOf,
    Macro,
    Node,
    Slot,
)
from nextbest.expression.value import Constant, ValueTextError, parse_duration, parse_timestamp

# Copies of macro bodies in one expression, when a macro runs over a list that is known.
COPIES_MAX = 256

COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "EQ": operator.eq,
    "NE": operator.ne,
    "LT": operator.lt,
    "LE": operator.le,
    "GT": operator.gt,
    "GE": operator.ge,
}
_PLAIN = frozenset(COMPARE)
_ARITHMETIC = ("ADD", "SUB", "MUL", "DIV", "MOD")
_DIVISIONS = ("DIV", "MOD")


class Specialiser:
    """Specialises the trees of one text.

    Attributes:
        findings: The errors found on the way.
    """

    def __init__(
        self,
        tokens: Tokens,
        action: Mapping[str, Constant] | None,
        evaluator: Evaluator,
        time_zone: str = "",
    ) -> None:
        """Takes a text and the values to fill in.

        Args:
            tokens: Of the text.
            action: The attributes of the action; None where there is no action.
            evaluator: Folds constants.
            time_zone: Of timestamps' parts where the text names none; empty: UTC.
        """
        self.findings: list[Finding] = []
        self._tokens = tokens
        self._action = action
        self._evaluator = evaluator
        self._time_zone = time_zone
        self._copies = 0

    def specialise(self, node: Node, scope: Mapping[int, Node]) -> Node:
        """Specialises a node.

        Args:
            node: As built.
            scope: The replacements of the variables of surrounding macros, by the macro's token.
        """
        special = node
        match node:
            case Call():
                special = self._call(node, scope)
            case Attr() | Has():
                special = self._attribute(node) if node.reference.startswith("action.") else node
            case Slot():
                value = self._tokens.literal(node.token)
                special = Const(node.type, node.token, MISSING if value is None else value)
            case ListOf():
                special = self._list(node, scope)
            case Macro():
                special = self._macro(node, scope)
            case Element():
                special = scope.get(node.binder, node)
        return special

    def _attribute(self, node: Attr | Has) -> Node:
        if self._action is None:
            self._report(
                "NB412",
                node,
                f"`{node.reference}` is an attribute of actions, and there is no action here",
                "name an attribute of `customer` or `context`",
            )
            return Const(node.type, node.token, MISSING, origin=node)
        value = self._action.get(node.reference.removeprefix("action."))
        if isinstance(node, Has):
            return Const(BOOL, node.token, value is not None, varies=True, origin=node)
        if value is None:
            return Const(node.type, node.token, MISSING, varies=True, text=node.reference, origin=node)
        if node.type == DOUBLE and isinstance(value, int):
            value = float(value)
        return Const(node.type, node.token, value, varies=True, origin=node)

    def _list(self, node: ListOf, scope: Mapping[int, Node]) -> Node:
        items = [self.specialise(item, scope) for item in node.items]
        constants = [item for item in items if isinstance(item, Const)]
        absent = next((item for item in constants if item.value is MISSING), None)
        if absent is not None:
            return self._missing(node, varies=absent.varies)
        if len(constants) < len(items):
            return ListOf(node.type, node.token, tuple(items))
        values = tuple(item.value for item in constants)
        varies = any(item.varies for item in constants)
        return Const(node.type, node.token, values, varies=varies, origin=node)  # type: ignore[arg-type]

    def _call(self, node: Call, scope: Mapping[int, Node]) -> Node:
        args = tuple([self.specialise(arg, scope) for arg in node.args])
        if node.operation in _PLAIN:
            return self._strict(node, args)
        match node.operation:
            case "AND" | "OR":
                return self._junction(node, args)
            case "NOT":
                return self._negation(node, args[0])
            case "IF":
                return self._choice(node, args)
            case "IN" if isinstance(args[1], ListOf):
                tests = [Call(BOOL, node.token, "EQ", (args[0], item)) for item in args[1].items]
                folded = [self._strict(test, test.args) for test in tests]
                return self._guard(self._join("OR", node, folded), args[1].items, node)
            case "MATCHES":
                node = self._with_pattern(node, args[1])
                args = args[:1]
            case _ if len(args) == 2 and node.operation.startswith("GET_"):
                node = self._with_time_zone(node, args[1])
                args = args[:1]
            case _ if node.operation.startswith("GET_") and args[0].type == TIMESTAMP:
                node = replace(node, parameter=self._time_zone)
        return self._strict(node, args)

    def _strict(self, node: Call, args: tuple[Node, ...]) -> Node:
        """An operation that is missing when an operand is."""
        for arg in args:
            if isinstance(arg, Const) and arg.value is MISSING:
                return self._missing(node, varies=arg.varies)
            if isinstance(arg, ListOf):
                return self._refuse_list(node)
        constants = [arg for arg in args if isinstance(arg, Const)]
        # The time zones of this machine are not those of the engine.
        in_time_zone = node.parameter and node.operation != "MATCHES"
        if len(constants) == len(args) and not in_time_zone:
            return self._fold(node, constants)
        if node.operation in _DIVISIONS and isinstance(args[1], Const) and args[1].value == 0:
            if not args[1].varies:
                self._report_no_result(node, NoResultError("divide by zero"))
            return self._missing(node, varies=args[1].varies)
        return _with(node, args)

    def _junction(self, node: Call, args: tuple[Node, ...]) -> Node:
        decides = node.operation == "OR"
        values = [arg.value if isinstance(arg, Const) else None for arg in args]
        if decides in values:
            decisive = args[values.index(decides)]
            return Const(BOOL, node.token, decides, varies=_varies(decisive), origin=node)
        if (not decides) in values:
            return args[1 - values.index(not decides)]
        if values == [MISSING, MISSING]:
            return self._missing(node, varies=all(map(_varies, args)))
        return _with(node, args)

    def _negation(self, node: Call, arg: Node) -> Node:
        if not isinstance(arg, Const):
            return _with(node, (arg,))
        if arg.value is MISSING:
            return self._missing(node, varies=arg.varies)
        return Const(BOOL, node.token, not arg.value, varies=arg.varies, origin=node)

    def _choice(self, node: Call, args: tuple[Node, ...]) -> Node:
        test, then, other = args
        if not isinstance(test, Const):
            return _with(node, args)
        if test.value is MISSING:
            return self._missing(node, varies=test.varies)
        chosen = then if test.value else other
        if isinstance(chosen, Const) and test.varies:
            return replace(chosen, varies=True)
        return chosen

    def _macro(self, node: Macro, scope: Mapping[int, Node]) -> Node:
        over = self.specialise(node.over, scope)
        if isinstance(over, Const) and over.value is MISSING:
            return self._missing(node, varies=over.varies)
        items = _items(over)
        if items is not None and self._copies + len(items) <= COPIES_MAX:
            unrolled = self._unroll(node, items, scope)
            if unrolled is not None:
                return unrolled
        if isinstance(over, ListOf):
            return self._refuse_list(node)
        return replace(node, over=over, body=self.specialise(node.body, scope))

    def _unroll(self, node: Macro, items: Sequence[Node], scope: Mapping[int, Node]) -> Node | None:
        self._copies += len(items)
        bodies = [self.specialise(node.body, {**scope, node.token: item}) for item in items]
        if node.operation in ("ALL", "EXISTS"):
            junction = "AND" if node.operation == "ALL" else "OR"
            return self._guard(self._join(junction, node, bodies), items, node)
        known = [body for body in bodies if isinstance(body, Const)]
        if len(known) < len(bodies) or not all(isinstance(item, Const) for item in items):
            return None
        varies = any(map(_varies, known)) or any(map(_varies, items))
        if any(body.value is MISSING for body in known):
            return self._missing(node, varies=varies)
        kept = [
            item.value
            for item, body in zip(items, known, strict=True)
            if isinstance(item, Const) and body.value
        ]
        value: object
        match node.operation:
            case "EXISTS_ONE":
                value = len(kept) == 1
            case "FILTER":
                value = tuple(kept)
            case _:
                value = tuple(body.value for body in known)
        return Const(node.type, node.token, value, varies=varies, origin=node)  # type: ignore[arg-type]

    def _join(self, operation: str, node: Node, parts: Sequence[Node]) -> Node:
        joined: Node = Const(BOOL, node.token, operation == "AND", origin=node)
        for part in parts:
            call = Call(BOOL, node.token, operation, (joined, part), origin=node)
            joined = self._junction(call, call.args)
        return joined

    def _guard(self, result: Node, items: Sequence[Node], node: Node) -> Node:
        """A list literal has no value if one of its items has none, whatever the test of the others."""
        for item in items:
            if not isinstance(item, Const):
                present = Call(BOOL, node.token, "EQ", (item, item), origin=node)
                result = Call(BOOL, node.token, "IF", (present, result, result), origin=node)
        return result

    def _with_pattern(self, node: Call, pattern: Node) -> Call:
        if not isinstance(pattern, Const):
            self._report(
                "NB408", pattern, "a pattern has to be a literal", 'write it in quotes: `matches("^A.*")`'
            )
            return node
        if not isinstance(pattern.value, str):
            return replace(node, parameter="")
        try:
            self._evaluator.evaluate(f'"".matches({quote(pattern.value)})')
            carry_over(pattern.value)
        except NoResultError as error:
            reason = str(error).rpartition("invalid regular expression: ")[2]
            self._report(
                "NB408",
                pattern,
                f"this is not a pattern: {reason}",
                "patterns are regular expressions in RE2's syntax",
            )
        except PatternError as error:
            self._report("NB408", pattern, "this pattern is not supported", str(error))
        return replace(node, parameter=pattern.value)

    def _with_time_zone(self, node: Call, zone: Node) -> Call:
        if not isinstance(zone, Const) or not isinstance(zone.value, str):
            self._report(
                "NB409",
                zone,
                "a time zone has to be a literal",
                'write it in quotes: `"Europe/Berlin"`; one for all: `time_zone:` in workspace.yaml',
            )
        elif not is_time_zone(zone.value):
            self._report(
                "NB409",
                zone,
                f"there is no time zone `{zone.value}`",
                'write a name such as `"Europe/Berlin"`, or an offset such as `"+01:00"`',
            )
        else:
            return replace(node, parameter=zone.value)
        return node

    def _fold(self, node: Call, args: list[Const]) -> Node:
        varies = any(arg.varies for arg in args)
        try:
            value = self._compute(node, args)
        except (NoResultError, ValueTextError) as error:
            if not varies:
                self._report_no_result(node, error)
            return self._missing(node, varies=varies)
        if isinstance(value, float) and not math.isfinite(value) and not varies:
            self._report(
                "NB411",
                node,
                f"`{excerpt(node, self._tokens)}` is not a finite number",
                "stay below 1.8e308, the largest number",
            )
        return Const(node.type, node.token, value, varies=varies, origin=node)

    def _compute(self, node: Call, args: list[Const]) -> Folded:
        values = [arg.value for arg in args]
        if node.operation in COMPARE:
            return COMPARE[node.operation](*values)
        if node.operation == "IN" and isinstance(values[1], tuple):
            return values[0] in values[1]
        if node.operation == "TO_TIMESTAMP" and isinstance(values[0], str):
            return parse_timestamp(values[0])
        if node.operation == "TO_DURATION" and isinstance(values[0], str):
            return parse_duration(values[0])
        if node.operation in _ARITHMETIC and node.type == DOUBLE:
            if node.operation == "DIV" and values[1] == 0:
                # CEL has infinity here; the language of workspaces has no result.
                raise NoResultError("divide by zero")
            args = [
                replace(arg, value=float(arg.value)) for arg in args if isinstance(arg.value, int | float)
            ]
        return self._evaluator.evaluate(render(replace(node, args=tuple(args), origin=None)))

    def _report_no_result(self, node: Node, error: Exception) -> None:
        reason, remedy = _reason(error)
        text, (start, _) = excerpt(node, self._tokens), cover(node, self._tokens)
        remedy = whole_day(text, start, self._tokens, self._time_zone) or in_hours(text) or remedy
        self._report("NB411", node, f"`{excerpt(node, self._tokens)}` never has a result{reason}", remedy)

    def _missing(self, node: Node, *, varies: bool) -> Const:
        return Const(
            node.type, node.token, MISSING, varies=varies, text=excerpt(node, self._tokens), origin=node
        )

    def _refuse_list(self, node: Node) -> Node:
        self._report(
            "NB407",
            node,
            "a list literal with attributes in it works only with `in`, `all` and `exists`",
            "compare the attributes one by one",
        )
        return Const(node.type, node.token, MISSING, origin=node)

    def _report(self, code: str, node: Node, message: str, help_: str) -> None:
        finding = Finding(code, message, cover(node, self._tokens), help_)
        if finding not in self.findings:
            self.findings.append(finding)


def _with(node: Call, args: tuple[Node, ...]) -> Call:
    return Call(node.type, node.token, node.operation, args, node.parameter, node.origin)


def _varies(node: Node) -> bool:
    return isinstance(node, Const) and node.varies


def _items(over: Node) -> Sequence[Node] | None:
    if isinstance(over, ListOf):
        return over.items
    if isinstance(over, Const) and isinstance(over.value, tuple):
        element = over.type[5:-1]
        return [Const(element, over.token, item, varies=over.varies, origin=over) for item in over.value]
    return None


def _reason(error: Exception) -> tuple[str, str]:
    if isinstance(error, ValueTextError):
        return "", str(error)
    said = str(error).partition(": ")[2] or str(error)
    for words, (reason, remedy) in _REASONS.items():
        if words in said:
            return f": {reason}", remedy
    return "", "write a constant that has a value"


_REASONS = {
    "divide by zero": ("it divides by zero", "divide by something else"),
    "modulus by zero": ("it divides by zero", "divide by something else"),
    "overflow": ("it is out of range", "whole numbers have 64 bits; write one of them with a decimal point"),
    "out of int64 range": ("it is out of range", "whole numbers have 64 bits"),
    "out of range": ("it is out of range", "stay within the range"),
    "cannot convert string": ("the text is not a number", "write a number in the quotes, or no quotes"),
    "Index error": ("the list is shorter", "indices count from 0"),
    "Type conversion error": ("the text cannot be converted", "write `true` or `false`"),
}
