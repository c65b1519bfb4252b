"""Divisions of whole numbers whose fraction is needed (NB512).

`1 / 2` is 0. The fraction is needed if the result is a value or is combined with a double, and if a ratio of
two attributes is compared. It is not needed if whole units are intended: `customer.age / 10 == 3`, `days / 7
> 4`, `amount / 100 * 100`, or `a / b >= 2`, which holds for the same numbers with and without the fraction.
"""

import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from nextbest.diagnostics.remedy import Remedy
from nextbest.expression.finding import Finding
from nextbest.expression.parsing import Parser
from nextbest.expression.span import cover, excerpt
from nextbest.expression.tokens import Tokens
from nextbest.expression.tree import DOUBLE, INT, NUMBERS, Call, Const, Node, Slot, children

_COMPARISONS = frozenset({"EQ", "NE", "LT", "LE", "GT", "GE", "IN"})
_ARITHMETIC = frozenset({"ADD", "SUB", "MUL", "DIV", "MOD", "NEG", "IF", "TO_DOUBLE", "TO_INT"})
_FLIPPED = {"LT": "GT", "GT": "LT", "LE": "GE", "GE": "LE"}
# How a number is used, besides by the comparisons above.
_NEEDED, _UNNEEDED = "needed", "unneeded"

_COMPUTE: dict[str, Callable[..., int]] = {
    "NEG": operator.neg,
    "ADD": operator.add,
    "SUB": operator.sub,
    "MUL": operator.mul,
}
_Edit = tuple[int, int, str]


def find_lost_fractions(
    node: Node, tokens: Tokens, parser: Parser, *, needed: bool = False
) -> Iterator[Finding]:
    """Checks an expression.

    Args:
        node: As built, with plain literals left open.
        tokens: Its text.
        parser: Of its environment; a remedy is shown only if it parses.
        needed: Whether the result is a number whose fraction counts.
    """
    for frame, operands in _frames(node, _NEEDED if needed else _UNNEEDED):
        lost = [found for operand, use in operands for found in _lost(operand, use, tokens)]
        if lost:
            yield _Frame(frame, frozenset(map(id, lost)), tokens).finding(lost[0], parser)


def _frames(node: Node, use: str, *, inside: bool = False) -> Iterator[tuple[Node, list[tuple[Node, str]]]]:
    """The outermost numeric expressions, and the use of each: comparison, value, argument."""
    operation = node.operation if isinstance(node, Call) else ""
    if operation in _COMPARISONS:
        left, right = children(node)
        flipped = _FLIPPED.get(operation, operation)
        yield node, [(left, _use(operation, right)), (right, _use(flipped, left))]
    elif node.type in NUMBERS and not inside:
        yield node, [(node, use)]
    inside = operation in _COMPARISONS or operation in _ARITHMETIC
    for child in children(node):
        yield from _frames(child, _UNNEEDED, inside=inside and child.type in NUMBERS)


def _use(operation: str, other: Node) -> str:
    """The effect of a comparison on the fraction of a whole number."""
    return _NEEDED if other.type in (DOUBLE, "list<double>") else operation


def _lost(node: Node, use: str, tokens: Tokens) -> Iterator[Node]:
    """The divisions below a number that lose a fraction that is needed."""
    if not isinstance(node, Call) or node.operation not in _ARITHMETIC:
        return
    below = [_NEEDED if node.type == DOUBLE else use] * len(node.args)
    if node.operation == "DIV" and node.type == INT:
        is_lost = _loses(node, use, tokens)
        below = [_NEEDED if is_lost else _UNNEEDED] * 2
        if is_lost:
            yield node
    elif node.type == INT:
        below = [_passed(node, place, use, tokens) for place in range(len(node.args))]
    for arg, use_below in zip(node.args, below, strict=True):
        if arg.type in NUMBERS:
            yield from _lost(arg, use_below, tokens)


def _passed(node: Call, place: int, use: str, tokens: Tokens) -> str:
    """How an operand of whole numbers is used, where the result is used in some way."""
    if node.operation == "MOD" or (
        node.operation == "MUL" and _undoes(node.args[1 - place], node.args[place], tokens)
    ):
        return _UNNEEDED
    if node.operation == "MUL":
        return _NEEDED if use in _COMPARISONS else use
    turns = node.operation == "NEG" or (node.operation == "SUB" and place == 1)
    return _FLIPPED.get(use, use) if turns else use


def _loses(division: Call, use: str, tokens: Tokens) -> bool:
    numerator, denominator = (_constant(arg, tokens) for arg in division.args)
    if denominator in (1, -1, 0):
        return False
    if numerator is not None and denominator is not None:
        return numerator % denominator != 0
    if use in (_NEEDED, _UNNEEDED):
        return use == _NEEDED
    # A quotient is at least 2 with its fraction or without, and so it is less than 2.
    return denominator is None and use not in ("GE", "LT")


def _undoes(factor: Node, node: Node, tokens: Tokens) -> bool:
    """Whether a factor is the divisor of the other one: `x / 10 * 10` rounds on purpose."""
    if not isinstance(node, Call) or node.operation != "DIV" or node.type != INT:
        return False
    return excerpt(node.args[1], tokens) == excerpt(factor, tokens)


def _constant(node: Node, tokens: Tokens) -> int | None:
    """The value of a whole number that is a literal, or computed from literals."""
    if isinstance(node, Slot | Const):
        value = tokens.literal(node.token) if isinstance(node, Slot) else node.value
        return value if type(value) is int else None
    compute = _COMPUTE.get(node.operation) if isinstance(node, Call) and node.type == INT else None
    operands = [_constant(arg, tokens) for arg in children(node)]
    known = [operand for operand in operands if operand is not None]
    return compute(*known) if compute is not None and len(known) == len(operands) else None


@dataclass(frozen=True, slots=True)
class _Frame:
    """An expression in which fractions are lost.

    Attributes:
        node: The expression.
        lost: The divisions, by their identity.
        tokens: The text.
    """

    node: Node
    lost: frozenset[int]
    tokens: Tokens

    def finding(self, division: Node, parser: Parser) -> Finding:
        """The warning, with the expression as it keeps the fraction."""
        text = excerpt(division, self.tokens)
        numerator, denominator = (_constant(arg, self.tokens) for arg in children(division))
        message = f"`{text}` divides whole numbers, which drops the fraction"
        words = "write `{}`"
        if numerator is not None and denominator is not None:
            quotient = abs(numerator) // abs(denominator)
            message += f": it is {quotient if (numerator < 0) == (denominator < 0) else -quotient}"
        else:
            whole = self._edited(self._as_whole(self.node))
            words += f" to keep it, `{whole}` to drop it" if self._can_be_read(whole, parser) else ""
        kept = self._edited(self._as_double(self.node))
        help_ = "write one of the numbers with a decimal point, or as `double(...)`"
        if self._can_be_read(kept, parser):
            help_ = Remedy(words, kept)
        return Finding("NB512", message, cover(self.node, self.tokens), help_)

    def _can_be_read(self, text: str, parser: Parser) -> bool:
        start, length = cover(self.node, self.tokens)
        whole = self.tokens.text
        return parser.parse(whole[:start] + text + whole[start + length :])[1] is not None

    def _edited(self, edits: list[_Edit]) -> str:
        start, length = cover(self.node, self.tokens)
        text = self.tokens.text[start : start + length]
        for place, size, replacement in sorted(edits, reverse=True):
            text = text[: place - start] + replacement + text[place - start + size :]
        return text

    def _as_double(self, node: Node) -> list[_Edit]:
        """Converts a number with lost fractions, and its operands, to double."""
        if not self._touches(node):
            return [self._wrapped(node)] if node.type == INT else []
        if not isinstance(node, Call) or node.operation in _COMPARISONS or node.type == DOUBLE:
            touched = [child for child in children(node) if self._touches(child)]
            return [edit for child in touched for edit in self._as_double(child)]
        if node.operation == "DIV" and not any(map(self._touches, node.args)):
            return [self._wrapped(node.args[0])]
        if node.operation == "IF":
            return [edit for branch in node.args[1:] for edit in self._as_double(branch)]
        return [edit for arg in node.args if self._touches(arg) for edit in self._as_double(arg)]

    def _as_whole(self, node: Node) -> list[_Edit]:
        """The remedy that drops the fraction explicitly."""
        if id(node) in self.lost:
            start, length = cover(node, self.tokens)
            divided = _Frame(node, self.lost, self.tokens)
            return [(start, length, f"int({divided._edited(divided._as_double(node))})")]
        return [edit for child in children(node) if self._touches(child) for edit in self._as_whole(child)]

    def _wrapped(self, node: Node) -> _Edit:
        start, length = cover(node, self.tokens)
        text = self.tokens.text[start : start + length]
        if isinstance(node, Slot):
            return start, length, f"{text}.0"
        first, last = self.tokens.at(start), self.tokens.at(start + length - 1)
        words = self.tokens.words
        in_brackets = first > 0 and words[first - 1] == "(" and self.tokens.match(first - 1) == last + 1
        if in_brackets and not self.tokens.is_name(first - 2):
            # Brackets around it are those of the call; brackets inside a call stay.
            start, length = self.tokens.stretch(first - 1, last + 1)
        return start, length, f"double({text})"

    def _touches(self, node: Node) -> bool:
        return id(node) in self.lost or any(map(self._touches, children(node)))
