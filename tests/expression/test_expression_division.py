"""Which divisions of whole numbers are warned of, and that the lines to write keep or drop the fraction."""

import re
from itertools import product

import pytest
from bank_schema import declare, source
from table_evaluator import Decision, run

from nextbest.expression import Expressions, Schema, Timestamp

ATTRIBUTES = [
    declare("customer.a", "int", required=True),
    declare("customer.b", "int", required=True),
    declare("customer.rate", "double", required=True),
    declare("customer.vip", "bool", required=True),
    declare("customer.numbers", "list<int>", required=True),
    declare("customer.since", "timestamp", required=True),
]
CONDITIONS = {
    "customer.a / customer.b > 0.5": "double(customer.a) / customer.b > 0.5",
    "0.5 < customer.a / customer.b": "0.5 < double(customer.a) / customer.b",
    "customer.a / customer.b > customer.rate": "double(customer.a) / customer.b > customer.rate",
    "customer.a / customer.b >= 1.5": "double(customer.a) / customer.b >= 1.5",
    "customer.a / 4 == 0.25": "double(customer.a) / 4 == 0.25",
    "customer.a / customer.b > 0": "double(customer.a) / customer.b > 0",
    "customer.a / customer.b <= 2": "double(customer.a) / customer.b <= 2",
    "2 >= customer.a / customer.b": "2 >= double(customer.a) / customer.b",
    "customer.a / customer.b == 2": "double(customer.a) / customer.b == 2",
    "customer.a / customer.b != 2": "double(customer.a) / customer.b != 2",
    "-(customer.a / customer.b) < -1": "-(double(customer.a) / customer.b) < -1",
    "10 - customer.a / customer.b < 8": "10 - double(customer.a) / customer.b < 8",
    "customer.a / customer.b * 100 >= 50": "double(customer.a) / customer.b * 100 >= 50",
    "100 * (customer.a / customer.b) >= 50": "100 * (double(customer.a) / customer.b) >= 50",
    "(customer.a + customer.b) / 4 > 1.5": "double(customer.a + customer.b) / 4 > 1.5",
    "customer.a / customer.b / 2 > 0.5": "double(customer.a) / customer.b / 2 > 0.5",
    "customer.a / 2 + customer.b / 4 > 1.5": "double(customer.a) / 2 + double(customer.b) / 4 > 1.5",
    "double(customer.a / customer.b) > 0.5": "double(double(customer.a) / customer.b) > 0.5",
    "customer.vip && customer.a / customer.b > 0.5": "double(customer.a) / customer.b > 0.5",
    "customer.a >= 7 / 2": "customer.a >= 7.0 / 2",
    "customer.a == 1 / 2": "customer.a == 1.0 / 2",
    "customer.rate > -1 / 2": "customer.rate > -1.0 / 2",
    "customer.numbers.exists(n, n / 4 > 0.5)": "double(n) / 4 > 0.5",
    "customer.a / customer.b in [1, 2]": "double(customer.a) / customer.b in [1, 2]",
    "(customer.vip ? customer.a / 4 : 1) > 0.5": "(customer.vip ? double(customer.a) / 4 : 1.0) > 0.5",
    "int(customer.rate * (customer.a / customer.b)) > 2": "int(customer.rate * (double(customer.a) / customer.b)) > 2",  # noqa: E501
}
NUMBERS = {
    "1 / 2": "1.0 / 2",
    "7 / -2": "7.0 / -2",
    "5 / 100 * customer.rate": "5.0 / 100 * customer.rate",
    "customer.rate * (1 / 2)": "customer.rate * (1.0 / 2)",
    "customer.a / 100": "double(customer.a) / 100",
    "customer.a / 100 + 1": "double(customer.a) / 100 + 1",
    "(customer.a + 1) / 100": "double(customer.a + 1) / 100",
    "size(customer.numbers) / 2": "double(size(customer.numbers)) / 2",
    "customer.vip ? customer.a / 4 : 1": "customer.vip ? double(customer.a) / 4 : 1.0",
    "customer.vip ? 1 / 2 : 3": "customer.vip ? 1.0 / 2 : 3.0",
    "customer.rate + (customer.a / 4 > 0.5 ? 1.0 : 0.0)": "double(customer.a) / 4 > 0.5",
    "(now - customer.since).getHours() / 24": "double((now - customer.since).getHours()) / 24",
}
SILENT = """\
customer.a / 10 == 3
customer.a / 10 > 3
customer.a / 10 in [2, 3]
customer.a / 10 * 10 == customer.a
customer.a - customer.a / 10 * 10 > 3
customer.a / 10 % 2 == 0
customer.a % 10 == 3
customer.a / customer.b >= 2
customer.a / customer.b < 2
2 > customer.a / customer.b
customer.a > 100 / 4
customer.a / 1 > 0.5
customer.rate / customer.a > 0.5
customer.a / 2.0 > 0.5
string(customer.a / customer.b) == "1"
customer.numbers[customer.a / 2] == 1
customer.numbers.exists(n, n / 10 == 2)
int(double(customer.a) / customer.b) > 2
(now - customer.since).getHours() / 24 > 30
value: 100 / 4
value: customer.a / 10 * 10
value: customer.a % 10
value: customer.rate / 3
value: int(double(customer.a) / 100)
value: customer.a > 3 ? 1.0 : 0.0"""
VALUES = list(product((0, 1, 3, 5, 7, 100), (1, 2, 4), (-0.25, 0.5, 2.0), (True, False)))


@pytest.mark.parametrize("text", SILENT.splitlines())
def test_no_warning_if_no_fraction_is_needed(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize("text", CONDITIONS)
def test_conditions_that_drop_a_fraction(text: str) -> None:
    kept, dropped = remedied(text, CONDITIONS[text])
    expressions = Expressions(Schema(ATTRIBUTES))
    clauses = [expressions.condition(source(each)) for each in (text, kept, *dropped)]
    told = set()
    for a, b, rate, vip in VALUES:
        given = {"customer.a": a, "customer.b": b, "customer.rate": rate, "customer.vip": vip}
        decision = Decision(expressions.tables, given | {"customer.numbers": (a, b)}, Timestamp(0))
        before, after, *same = map(decision.clauses, clauses)
        assert same in ([], [before]), given
        told.add(before == after)
    assert told == {True, False}, "the fraction makes no difference"


@pytest.mark.parametrize("text", NUMBERS)
def test_values_that_drop_a_fraction(text: str) -> None:
    kept, dropped = remedied(f"value: {text}", NUMBERS[text])
    for same in dropped:
        assert results(same) == results(text)
    assert results(kept) != results(text)


def test_a_derived_attribute_drops_the_fraction_where_it_is_declared_as_a_number() -> None:
    wrong = declare("customer.c", "double", expression=source("customer.a / customer.b"))
    right = declare("customer.d", "int", expression=source("customer.a / customer.b"))
    expressions = Expressions(Schema([*ATTRIBUTES, wrong, right]))
    (warning,) = expressions.diagnostics
    assert (warning.code, warning.position.length) == ("NB512", 23)


def remedied(text: str, expected: str) -> tuple[str, list[str]]:
    """The text with the line that keeps the fraction, and with the one that drops it."""
    (warning,) = found(text)
    text = text.removeprefix("value: ")
    start = warning.position.column - 1
    before, after = text[:start], text[start + warning.position.length :]
    kept, *dropped = re.findall(r"`([^`]*)`", warning.help)
    assert kept == expected
    prefix = "value: " if "value: " in text or not is_condition(text) else ""
    assert found(prefix + before + kept + after) == []
    return before + kept + after, [before + each + after for each in dropped]


def is_condition(text: str) -> bool:
    expressions = Expressions(Schema(ATTRIBUTES))
    expressions.condition(source(text))
    return not any(d.code == "NB406" for d in expressions.diagnostics)


def results(text: str) -> list[object]:
    expressions = Expressions(Schema(ATTRIBUTES))
    program = expressions.number(source(text))
    if isinstance(program, float):
        return [program]
    found = []
    for a, b, rate, vip in VALUES:
        given = {"customer.a": a, "customer.b": b, "customer.rate": rate, "customer.vip": vip}
        given |= {"customer.numbers": (a,) * b, "customer.since": Timestamp(-a * 7_200_000_000)}
        features = Decision(expressions.tables, given, Timestamp(0)).features
        found.append(run(program, features))
    return found


def found(text: str):
    expressions = Expressions(Schema(ATTRIBUTES))
    _, _, rest = text.rpartition("value: ")
    if text.startswith("value: "):
        expressions.number(source(rest))
    else:
        expressions.condition(source(text))
    assert not [d for d in expressions.diagnostics if d.code.startswith("NB4")], expressions.diagnostics
    return [diagnostic for diagnostic in expressions.diagnostics if diagnostic.code == "NB512"]
