"""A text whose types do not fit -> the positions of the operands of its operators and functions."""

from collections.abc import Iterator

from nextbest.diagnostics.remedy import Stretch
from nextbest.expression.checked.checked_pb2 import Expr, ParsedExpr
from nextbest.expression.tokens import Tokens


class Operands:
    """The positions of operands in one text."""

    def __init__(self, parsed: ParsedExpr, tokens: Tokens) -> None:
        """Takes the tree as parsed, which has no types."""
        self._positions = parsed.source_info.positions
        self._tokens = tokens
        self._operands: dict[int, list[Stretch]] = {}
        self._extent(parsed.expr)

    def at(self, token: int) -> list[Stretch]:
        """The operands of the call whose operator or bracket is a token; empty when there is none."""
        return self._operands.get(token, [])

    def _extent(self, expr: Expr) -> tuple[int, int]:
        """First and last token; the same rules as in `span`, for the parsed tree."""
        tokens = self._tokens
        own = tokens.at(self._positions[expr.id])
        first = last = own
        word = tokens.words[own]
        if word in ("(", "[", "{"):
            last = tokens.match(own)
            first -= word == "(" and tokens.is_name(own - 1)
        elif word == "." or (word == "-" and expr.WhichOneof("kind") == "constant"):
            last += 1
        parts = [self._extent(part) for part in _parts(expr)]
        first = min([first, *(low for low, _ in parts)])
        last = max([last, *(high for _, high in parts)])
        if expr.WhichOneof("kind") == "call" and own not in self._operands:
            self._operands[own] = [tokens.stretch(*tokens.balance(*part)) for part in parts]
        return first, last


def _parts(expr: Expr) -> Iterator[Expr]:
    match expr.WhichOneof("kind"):
        case "select":
            yield expr.select.operand
        case "call":
            if expr.call.HasField("target"):
                yield expr.call.target
            yield from expr.call.args
        case "list":
            yield from expr.list.elements
        case "comprehension":
            yield expr.comprehension.iter_range
            yield from _step_parts(expr.comprehension.loop_step)


def _step_parts(step: Expr) -> Iterator[Expr]:
    """The author's arguments of a macro, without the calls that expand it."""
    call = step.call
    if call.function in ("_&&_", "_||_"):
        yield call.args[1]
    elif call.function == "_?_:_":
        yield call.args[0]
        yield from _step_parts(call.args[1])
    elif call.function == "_+_":
        yield from call.args[1].list.elements
