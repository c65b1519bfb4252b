"""A specialised tree -> the straight-line program that computes it."""

from collections.abc import Callable
from typing import Self, cast

from nextbest.expression.environment import FORMULA_INPUTS
from nextbest.expression.pattern import carry_over
from nextbest.expression.schema import Type
from nextbest.expression.tree import (
    BOOL,
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
    element_type,
)
from nextbest.expression.value import INT_MAX, INT_MIN, Constant, encode
from nextbest.v1 import bundle_pb2, customer_pb2

INSTRUCTIONS_MAX = 4_096

_NUMBERS = {name: bundle_pb2.Operation.Value(name) for name in list(bundle_pb2.Operation.keys())}
_LISTS = {"list<string>": str, "list<int>": int}


class NotComputableError(Exception):
    """A bundle has no program for a tree; `args[0]` is the reason, `args[1]` the remedy."""

    @classmethod
    def too_large(cls) -> Self:
        """The program would have more instructions than one may have."""
        return cls("the expression is too large once its lists are written out", "shorten its lists")

    @classmethod
    def list_written_out(cls) -> Self:
        """A list that cannot be a constant of a bundle, where one is needed."""
        return cls(
            "a list literal works here only with texts or whole numbers",
            "use it with `in`, `all` and `exists`, or compare values one by one",
        )


def assemble(node: Node, feature: Callable[[str], int]) -> bundle_pb2.Program:
    """Assembles a program.

    Args:
        node: A specialised tree.
        feature: The index of the feature that an attribute or `now` is.

    Raises:
        NotComputableError: It has more than 4,096 instructions, or needs a list that bundles do not have.
    """
    assembler = _Assembler(feature)
    result = assembler.emit(node)
    if len(assembler.instructions) > INSTRUCTIONS_MAX:
        raise NotComputableError.too_large()
    return bundle_pb2.Program(instructions=assembler.instructions, result=result)


_Key = tuple[str, tuple[int, ...], bytes, int]


class _Assembler:
    def __init__(self, feature: Callable[[str], int]) -> None:
        self.instructions: list[bundle_pb2.Instruction] = []
        self._feature = feature
        # The contents of each register, one table for each open macro: the registers of a body are released
        # with it.
        self._known: list[dict[_Key, int]] = [{}]
        self._elements: dict[int, int] = {}

    def emit(self, node: Node) -> int:
        """Writes what computes a node; returns its register."""
        match node:
            case Const():
                register = self._constant(node)
            case Attr():
                register = self._add("FEATURE", index=self._feature(node.reference))
            case Has():
                register = self._add("HAS", index=self._feature(node.reference))
            case Input():
                register = self._add("INPUT", index=FORMULA_INPUTS.index(node.name))
            case Element():
                register = self._elements[node.binder]
            case Macro():
                register = self._macro(node)
            case Call():
                register = self._call(node)
            case ListOf():
                raise NotComputableError.list_written_out()
            case _:
                raise TypeError(f"{node!r} cannot be computed")
        return register

    def _call(self, node: Call) -> int:
        if node.operation == "IN" and isinstance(node.args[1], Const) and not is_storable(node.args[1]):
            return self.emit(spread(node))
        operands = tuple(self.emit(arg) for arg in node.args)
        constant = b""
        if node.operation == "MATCHES":
            constant = customer_pb2.Value(string=carry_over(node.parameter)).SerializeToString()
        elif node.parameter:
            constant = customer_pb2.Value(string=node.parameter).SerializeToString()
        return self._add(node.operation, operands, constant)

    def _constant(self, node: Const) -> int:
        if node.value is MISSING:
            # NaN cannot be a constant, but it is the result of a division by zero.
            one, zero = (self._add("CONSTANT", constant=_int(number)) for number in (1, 0))
            return self._add("DIV", (one, zero))
        if node.type.startswith("list<") and node.value and not is_storable(node):
            raise NotComputableError.list_written_out()
        type_ = Type.STRING_LIST if node.value == () else Type(node.type)
        return self._add("CONSTANT", constant=encode(cast("Constant", node.value), type_).SerializeToString())

    def _macro(self, node: Macro) -> int:
        over = self.emit(node.over)
        fold = self._append(bundle_pb2.Instruction(operation=_number(node.operation), operands=[over]))
        self._known.append({})
        element = self._append(bundle_pb2.Instruction(operation=bundle_pb2.ELEMENT))
        outer = self._elements.get(node.token)
        self._elements[node.token] = element
        result = self.emit(node.body)
        if result != len(self.instructions) - 1:
            self._copy(result, node.body.type)
        if outer is not None:
            self._elements[node.token] = outer
        self._known.pop()
        self.instructions[fold].body = len(self.instructions) - 1 - fold
        return fold

    def _copy(self, register: int, type_: str) -> None:
        """A body's result is its last register, even if it was computed before."""
        if type_ == BOOL:
            self._append(bundle_pb2.Instruction(operation=bundle_pb2.AND, operands=[register]))
            return
        true = self._add("CONSTANT", constant=customer_pb2.Value(bool=True).SerializeToString())
        self._append(bundle_pb2.Instruction(operation=bundle_pb2.IF, operands=[true, register, register]))

    def _add(
        self, operation: str, operands: tuple[int, ...] = (), constant: bytes = b"", index: int = 0
    ) -> int:
        key = (operation, operands, constant, index)
        for known in reversed(self._known):
            if key in known:
                return known[key]
        instruction = bundle_pb2.Instruction(operation=_number(operation), operands=operands, index=index)
        if constant:
            instruction.constant.ParseFromString(constant)
        self._known[-1][key] = self._append(instruction)
        return self._known[-1][key]

    def _append(self, instruction: bundle_pb2.Instruction) -> int:
        if len(self.instructions) > INSTRUCTIONS_MAX:
            raise NotComputableError.too_large()
        self.instructions.append(instruction)
        return len(self.instructions) - 1


def is_storable(node: Const) -> bool:
    """Whether a list is one that a bundle has constants for: all strings, or all ints."""
    kind = _LISTS.get(node.type)
    return (
        kind is not None and isinstance(node.value, tuple) and all(type(item) is kind for item in node.value)
    )


def spread(node: Call) -> Node:
    """`x in [1.5, 2.5]` as `x == 1.5 || x == 2.5`, for lists that a bundle has no constants for."""
    item, over = node.args
    if not isinstance(over, Const) or not isinstance(over.value, tuple):
        raise TypeError(f"{over!r} is not a constant list")
    spreaded: Node | None = None
    for value in over.value:
        type_ = _type(value, element_type(over.type))
        constant = Const(type_, node.token, value, varies=over.varies, origin=over)
        test = Call(BOOL, node.token, "EQ", (item, constant))
        spreaded = test if spreaded is None else Call(BOOL, node.token, "OR", (spreaded, test))
    if spreaded is None:
        # Nothing is in an empty list, but a missing value stays unknown.
        no = Const(BOOL, node.token, value=False)
        return Call(BOOL, node.token, "IF", (Call(BOOL, node.token, "EQ", (item, item)), no, no))
    return spreaded


def _type(value: object, declared: str) -> str:
    if declared == "double" and isinstance(value, int) and INT_MIN <= value <= INT_MAX:
        return "int"
    return declared


def _int(number: int) -> bytes:
    return customer_pb2.Value(int=number).SerializeToString()


def _number(operation: str) -> bundle_pb2.Operation.ValueType:
    return _NUMBERS[operation]
