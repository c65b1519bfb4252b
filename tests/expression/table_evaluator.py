"""The tables of a bundle and a customer -> what each clause is: true, false or unknown (None).

The meaning of `bundle.proto` spelled out in Python, as slowly and plainly as possible. It checks the compiler
apart from the engine: where both disagree with cel-cpp the compiler is wrong, where only the engine does the
engine is.
"""
# ruff: noqa: C901, E501 - one function for all operations, as in the contract

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from nextbest.expression import Duration, Tables, Timestamp, ValueTextError, parse_duration, parse_timestamp
from nextbest.expression.value import INT_MAX, INT_MIN, TIMESTAMP_US_MAX, TIMESTAMP_US_MIN
from nextbest.v1 import bundle_pb2 as pb
from nextbest.v1 import customer_pb2

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
COMPARE: dict[str, Callable] = {
    "EQ": operator.eq, "NE": operator.ne, "LT": operator.lt, "LE": operator.le, "GT": operator.gt, "GE": operator.ge,
}  # fmt: skip


def decode(value: customer_pb2.Value):
    kind = value.WhichOneof("kind")
    if kind in ("strings", "ints"):
        return tuple(getattr(value, kind).items)
    if kind == "timestamp_us":
        return Timestamp(value.timestamp_us)
    if kind == "duration_us":
        return Duration(value.duration_us)
    return getattr(value, kind)


class Decision:
    """All features of one customer."""

    def __init__(self, tables: Tables, given: Mapping[str, object], now: Timestamp) -> None:
        self.tables = tables
        self.features: list[object] = []
        roots = {pb.ROOT_CUSTOMER: "customer", pb.ROOT_CONTEXT: "context", pb.ROOT_ACTION: "action"}
        for feature in tables.features:
            match feature.WhichOneof("source"):
                case "attribute":
                    declared = tables.attributes[feature.attribute]
                    self.features.append(given.get(f"{roots[declared.root]}.{declared.name}"))
                case "now":
                    self.features.append(now)
                case _:
                    self.features.append(run(feature.derived, self.features))

    def literal(self, index: int) -> bool | None:
        literal = self.tables.literals[index]
        value = self.features[literal.feature]
        kind = literal.WhichOneof("test")
        if kind == "is_present":
            truth = value is not None
        elif value is None:
            return None
        elif kind == "is_true":
            truth = value is True
        elif kind == "comparison":
            name = pb.Comparison.Operator.Name(literal.comparison.operator)
            truth = COMPARE[name](value, decode(literal.comparison.value))
        elif kind == "one_of":
            truth = value in [decode(other) for other in literal.one_of.values]
        else:
            truth = decode(literal.contains) in value
        return truth != literal.negated

    def clause(self, index: int) -> bool | None:
        return disjunction([self.literal(literal) for literal in self.tables.clauses[index].literals])

    def clauses(self, indices: Sequence[int]) -> bool | None:
        return conjunction([self.clause(index) for index in indices])


def conjunction(values):
    return False if False in values else None if None in values else True


def disjunction(values):
    return True if True in values else None if None in values else False


def run(program: pb.Program, features: Sequence[object], inputs: Sequence[float] = ()):
    registers: list[object] = [None] * len(program.instructions)
    span(program.instructions, 0, len(program.instructions), registers, features, inputs)
    return registers[program.result]


def span(code, first, end, registers, features, inputs):
    place = first
    while place < end:
        instruction = code[place]
        name = pb.Operation.Name(instruction.operation)
        operands = [registers[operand] for operand in instruction.operands]
        if instruction.body:
            body = (place + 1, place + 1 + instruction.body)
            registers[place] = fold(name, operands[0], code, body, registers, features, inputs)
            place = body[1]
            continue
        registers[place] = step(name, instruction, operands, features, inputs)
        place += 1


def fold(name, items, code, body, registers, features, inputs):
    if items is None:
        return None
    results = []
    for item in items:
        registers[body[0]] = item
        span(code, body[0] + 1, body[1], registers, features, inputs)
        results.append(registers[body[1] - 1])
    if name == "ALL":
        return conjunction(results)
    if name == "EXISTS":
        return disjunction(results)
    if None in results:
        return None
    if name == "EXISTS_ONE":
        return results.count(True) == 1
    if name == "FILTER":
        return tuple(item for item, kept in zip(items, results, strict=True) if kept)
    return tuple(results)


def step(name, instruction, operands, features, inputs):
    match name:
        case "CONSTANT":
            return decode(instruction.constant)
        case "FEATURE":
            return features[instruction.index]
        case "HAS":
            return features[instruction.index] is not None
        case "INPUT":
            return inputs[instruction.index]
        case "AND":
            return conjunction(operands)
        case "OR":
            return disjunction(operands)
        case "IF":
            return None if operands[0] is None else operands[1] if operands[0] else operands[2]
    if None in operands:
        return None
    try:
        return strict(name, instruction, operands)
    except (ValueError, OverflowError, ZeroDivisionError, IndexError):
        return None


def strict(name, instruction, operands):
    first, second = operands[0], operands[1] if len(operands) > 1 else None
    if name in COMPARE:
        return COMPARE[name](first, second)
    match name:
        case "NOT":
            return not first
        case "IN":
            return first in second
        case "NEG":
            return number(-first)
        case "SIZE":
            return len(first)
        case "CONTAINS":
            return second in first
        case "STARTS_WITH":
            return first.startswith(second)
        case "ENDS_WITH":
            return first.endswith(second)
        case "MATCHES":
            pattern = (
                decode(instruction.constant).replace(r"(?-u:\b)", r"\b").replace("[[:alpha:]]", "[A-Za-z]")
            )
            return re.search(pattern, first, re.ASCII) is not None
        case "INDEX":
            return first[second] if second >= 0 else None
        case "ADD" | "SUB" | "MUL" | "DIV" | "MOD":
            return arithmetic(name, first, second)
    if name.startswith("GET_"):
        return part(name.removeprefix("GET_"), first, instruction)
    return convert(name, first)


def number(value):
    if isinstance(value, int) and not INT_MIN <= value <= INT_MAX:
        raise OverflowError
    return value


def arithmetic(name, left, right):
    if isinstance(left, float) or isinstance(right, float):
        return double(name, float(left), float(right))
    if isinstance(left, Timestamp | Duration):
        us = left.us + right.us if name == "ADD" else left.us - right.us
        moments = isinstance(left, Timestamp) + isinstance(right, Timestamp)
        if moments == 1 and not TIMESTAMP_US_MIN <= us <= TIMESTAMP_US_MAX:
            raise OverflowError
        return Timestamp(us) if moments == 1 else Duration(us)
    match name:
        case "ADD":
            return number(left + right)
        case "SUB":
            return number(left - right)
        case "MUL":
            return number(left * right)
    quotient = abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1)
    remainder = left - quotient * right
    number(quotient)
    return quotient if name == "DIV" else remainder


def double(name, left, right):
    match name:
        case "ADD":
            return left + right
        case "SUB":
            return left - right
        case "MUL":
            return left * right
    return left / right


def convert(name, value):
    match name, value:
        case "TO_INT", Timestamp():
            return value.us // 1_000_000
        case "TO_INT", float():
            if not -(2.0**63) < value < 2.0**63:
                raise OverflowError
            return int(value)
        case "TO_INT", str():
            return number(int(value))
        case "TO_DOUBLE", _:
            return float(value)
        case "TO_STRING", bool():
            return "true" if value else "false"
        case "TO_STRING", _:
            return str(value)
        case "TO_BOOL", _:
            return {"true": True, "false": False, "1": True, "0": False, "t": True, "f": False}.get(value)
        case "TO_TIMESTAMP", int():
            if not TIMESTAMP_US_MIN <= value * 1_000_000 <= TIMESTAMP_US_MAX:
                raise OverflowError
            return Timestamp(value * 1_000_000)
        case "TO_TIMESTAMP", _:
            return parse(parse_timestamp, value)
    return parse(parse_duration, value)


def parse(parser, text):
    try:
        return parser(text)
    except ValueTextError:
        return None


def part(name, value, instruction):
    if isinstance(value, Duration):
        sign, us = (-1 if value.us < 0 else 1), abs(value.us)
        parts = {"HOURS": us // 3_600_000_000, "MINUTES": us // 60_000_000, "SECONDS": us // 1_000_000}
        return sign * parts.get(name, us // 1_000 % 1_000)
    moment = EPOCH + timedelta(microseconds=value.us)
    zone = instruction.constant.string
    if ":" in zone:
        hours, minutes = zone.lstrip("+-").split(":")
        offset = timedelta(hours=int(hours), minutes=int(minutes)) * (-1 if zone.startswith("-") else 1)
        moment = moment.astimezone(timezone(offset))
    elif zone:
        moment = moment.astimezone(ZoneInfo(zone))
    return {
        "FULL_YEAR": moment.year, "MONTH": moment.month - 1, "DATE": moment.day, "DAY_OF_MONTH": moment.day - 1,
        "DAY_OF_WEEK": moment.isoweekday() % 7, "DAY_OF_YEAR": moment.timetuple().tm_yday - 1, "HOURS": moment.hour,
        "MINUTES": moment.minute, "SECONDS": moment.second, "MILLISECONDS": moment.microsecond // 1_000,
    }[name]  # fmt: skip
