"""A bundle's program -> a Python function over features: the slow, obvious reading. Missing is None."""

# ruff: noqa: ARG001, ARG005 - all steps share one form

import math
import operator
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from nextbest.v1 import bundle_pb2 as pb
from nextbest.v1.customer_pb2 import Value

Evaluate = Callable[[Sequence[Any], Sequence[float]], Any]
"""(features, inputs of the arbitration formula) -> the result, or None when it is missing."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INT_MIN, _INT_MAX = -(2**63), 2**63 - 1


def constant(value: Value) -> Any:
    """Returns a `Value` as a Python value: timestamps and durations in microseconds, None for null."""
    kind = value.WhichOneof("kind")
    if kind is None:
        return None
    if kind in {"strings", "ints"}:
        return list(getattr(value, kind).items)
    return getattr(value, kind)


def compile_program(program: pb.Program) -> Evaluate:
    """Prepares a program for many evaluations.

    Raises:
        NotImplementedError: It has an operation that this reading does not know.
    """
    instructions = list(program.instructions)
    steps = [_step(instruction) for instruction in instructions]
    bodies = [instruction.body for instruction in instructions]
    result = program.result

    def run(
        registers: list[Any], start: int, end: int, features: Sequence[Any], inputs: Sequence[float]
    ) -> None:
        index = start
        while index < end:
            body = bodies[index]
            if body:
                registers[index] = _loop(index, registers, features, inputs)
                index += body
            else:
                registers[index] = steps[index](registers, features, inputs)
            index += 1

    def _loop(index: int, registers: list[Any], features: Sequence[Any], inputs: Sequence[float]) -> Any:
        instruction = instructions[index]
        items = registers[instruction.operands[0]]
        if items is None:
            return None
        found = []
        for item in items:
            # The element itself is first in the body; the last instruction is its result.
            registers[index + 1] = item
            run(registers, index + 2, index + 1 + bodies[index], features, inputs)
            found.append(registers[index + bodies[index]])
        return _fold(instruction.operation, items, found)

    def evaluate(features: Sequence[Any], inputs: Sequence[float] = ()) -> Any:
        registers: list[Any] = [None] * len(steps)
        run(registers, 0, len(steps), features, inputs)
        return _finite(registers[result])

    return evaluate


def _fold(operation: int, items: list[Any], found: list[Any]) -> Any:
    if operation == pb.EXISTS:
        return _or(found)
    if operation == pb.ALL:
        return _and(found)
    if None in found:
        return None
    if operation == pb.EXISTS_ONE:
        return sum(found) == 1
    if operation == pb.FILTER:
        return [item for item, kept in zip(items, found, strict=True) if kept]
    return found


def _step(instruction: pb.Instruction) -> Callable[[list[Any], Sequence[Any], Sequence[float]], Any]:
    operation, operands, index = instruction.operation, list(instruction.operands), instruction.index
    if operation == pb.CONSTANT:
        value = constant(instruction.constant)
        return lambda registers, features, inputs: value
    if operation == pb.FEATURE:
        return lambda registers, features, inputs: features[index]
    if operation == pb.HAS:
        return lambda registers, features, inputs: features[index] is not None
    if operation == pb.INPUT:
        return lambda registers, features, inputs: inputs[index]
    if operation == pb.AND:
        return lambda registers, features, inputs: _and([registers[o] for o in operands])
    if operation == pb.OR:
        return lambda registers, features, inputs: _or([registers[o] for o in operands])
    if operation == pb.IF:
        condition, yes, no = operands
        return lambda registers, features, inputs: (
            None if registers[condition] is None else registers[yes if registers[condition] else no]
        )
    if operation in _LOOPS or operation == pb.ELEMENT:
        return lambda registers, features, inputs: None
    apply = _strict(instruction)

    def step(registers: list[Any], features: Sequence[Any], inputs: Sequence[float]) -> Any:
        values = [registers[operand] for operand in operands]
        return None if any(value is None for value in values) else apply(*values)

    return step


def _strict(instruction: pb.Instruction) -> Callable[..., Any]:
    """An operation that has no result when an operand is missing."""
    operation = instruction.operation
    if operation == pb.MATCHES:
        pattern = re.compile(constant(instruction.constant))
        return lambda text: pattern.search(text) is not None
    if operation in _CALENDAR:
        zone = ZoneInfo(constant(instruction.constant) or "UTC")
        read = _CALENDAR[operation]
        return lambda moment: read((_EPOCH + timedelta(microseconds=moment)).astimezone(zone))
    if operation not in _STRICT:
        raise NotImplementedError(f"operation {pb.Operation.Name(operation)}")
    return _STRICT[operation]


def _and(values: list[Any]) -> bool | None:
    return False if False in values else None if None in values else True


def _or(values: list[Any]) -> bool | None:
    return True if True in values else None if None in values else False


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _integer(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool) and not _INT_MIN <= value <= _INT_MAX:
        return None
    return value


def _arithmetic(apply: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    return lambda left, right: _integer(apply(left, right))


def _divide(left: Any, right: Any) -> Any:
    if right == 0:
        return None
    if isinstance(left, int) and isinstance(right, int):
        quotient = abs(left) // abs(right)
        return _integer(quotient if (left < 0) == (right < 0) else -quotient)
    return left / right


def _modulo(left: int, right: int) -> int | None:
    return None if right == 0 else int(math.copysign(abs(left) % abs(right), left))


_LOOPS = (pb.ALL, pb.EXISTS, pb.EXISTS_ONE, pb.FILTER, pb.MAP)
_STRICT: dict[int, Callable[..., Any]] = {
    pb.NOT: operator.not_,
    pb.EQ: operator.eq,
    pb.NE: operator.ne,
    pb.LT: operator.lt,
    pb.LE: operator.le,
    pb.GT: operator.gt,
    pb.GE: operator.ge,
    pb.IN: lambda item, items: item in items,
    pb.ADD: _arithmetic(operator.add),
    pb.SUB: _arithmetic(operator.sub),
    pb.MUL: _arithmetic(operator.mul),
    pb.DIV: _divide,
    pb.MOD: _modulo,
    pb.NEG: operator.neg,
    pb.SIZE: len,
    pb.CONTAINS: lambda text, part: part in text,
    pb.STARTS_WITH: lambda text, part: text.startswith(part),
    pb.ENDS_WITH: lambda text, part: text.endswith(part),
    pb.INDEX: lambda items, index: items[index] if 0 <= index < len(items) else None,
    pb.TO_DOUBLE: float,
    pb.TO_INT: lambda value: _integer(int(value)),
}
_CALENDAR: dict[int, Callable[[datetime], int]] = {
    pb.GET_FULL_YEAR: lambda moment: moment.year,
    pb.GET_MONTH: lambda moment: moment.month - 1,
    pb.GET_DATE: lambda moment: moment.day,
    pb.GET_DAY_OF_MONTH: lambda moment: moment.day - 1,
    pb.GET_DAY_OF_WEEK: lambda moment: (moment.weekday() + 1) % 7,
    pb.GET_DAY_OF_YEAR: lambda moment: moment.timetuple().tm_yday - 1,
    pb.GET_HOURS: lambda moment: moment.hour,
    pb.GET_MINUTES: lambda moment: moment.minute,
    pb.GET_SECONDS: lambda moment: moment.second,
}
