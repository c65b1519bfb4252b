"""The ranges of computed values are right, for every customer and moment that could make a difference."""

from itertools import product

import pytest
from bank_schema import declare, source
from engine_judge import EngineJudge
from hypothesis import given, settings
from hypothesis import strategies as st
from table_evaluator import Decision

from nextbest.diagnostics import Fix
from nextbest.expression import Expressions, Schema, SourceText, Timestamp, parse_timestamp
from nextbest.expression.value import INT_MAX

ATTRIBUTES = [
    declare("customer.age", "int", minimum=-3, maximum=4, required=True),
    declare("customer.count", "int", minimum=0),
    declare("customer.rate", "double", minimum=-0.5, maximum=2),
    declare("customer.vip", "bool"),
    declare("customer.tags", "list<string>", required=True),
    declare("customer.double_age", "int", expression=source("customer.age * 2")),
]
SCHEMA = Schema(ATTRIBUTES)
CUSTOMERS = [
    dict(zip(("age", "count", "rate", "vip", "tags"), values, strict=True))
    for values in product(
        (-3, -1, 0, 1, 4),
        (None, 0, 1, 7, INT_MAX),
        (None, -0.5, -0.0, 0.3, 2.0),
        (None, True, False),
        ((), ("a",)),
    )
]
LEAVES = st.sampled_from(
    ["customer.age", "customer.count", "customer.double_age", "size(customer.tags)", "1", "3", "(-2)"]
)
WHOLE = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(("+", "-", "*", "/", "%")), inner).map(
            lambda found: f"({' '.join(found)})"
        ),
        inner.map("(-{})".format),
        inner.map("int(customer.rate * {})".format),
        st.tuples(inner, inner).map(lambda found: f"(customer.vip ? {found[0]} : {found[1]})"),
    ),
    max_leaves=4,
)
DOUBLES = st.tuples(WHOLE, st.sampled_from(("+", "-", "*", "/")), WHOLE).map(
    lambda found: f"customer.rate {found[1]} double({found[0]}) {found[1]} {found[2]}"
)
TESTS = st.tuples(
    WHOLE | DOUBLES,
    st.sampled_from(("==", "!=", "<", "<=", ">", ">=")),
    st.sampled_from(("-9", "-3", "0", "1", "2", "3", "8", "12.5")),
).map(" ".join)


@pytest.mark.slow
@settings(max_examples=50, deadline=None)
@given(st.lists(TESTS, min_size=6, max_size=6))
def test_what_is_claimed_of_arithmetic_is_true(texts: list[str]) -> None:
    expressions = Expressions(SCHEMA)
    conditions = {text: expressions.condition(source(text)) for text in texts}
    claims = {}
    for text in texts:
        alone = Expressions(SCHEMA)
        alone.condition(source(text))
        claims[text] = {d.code for d in alone.diagnostics} & {"NB501", "NB502", "NB411"}
    if not any(claims.values()):
        return
    for customer in CUSTOMERS:
        known = {f"customer.{name}": value for name, value in customer.items() if value is not None}
        decision = Decision(expressions.tables, known, Timestamp(0))
        for text, clauses in conditions.items():
            truth = decision.clauses(clauses)
            assert "NB501" not in claims[text] or truth is not True, (text, customer)
            assert "NB502" not in claims[text] or truth is not False, (text, customer)


RANGES = {
    "getMonth": (0, 11),
    "getDate": (1, 31),
    "getDayOfMonth": (0, 30),
    "getDayOfWeek": (0, 6),
    "getDayOfYear": (0, 365),
    "getHours": (0, 23),
    "getMinutes": (0, 59),
    "getSeconds": (0, 59),
    "getMilliseconds": (0, 999),
}


@pytest.mark.parametrize("zone", ["", "'Europe/Berlin'", "'+14:00'"])
@pytest.mark.parametrize(("part", "low", "high"), [(part, *ends) for part, ends in RANGES.items()])
def test_parts_of_a_date_have_the_range_that_the_engine_gives(
    part: str, low: int, high: int, zone: str
) -> None:
    claims = {
        f"now.{part}({zone}) == {low - 1}": {"NB501"},
        f"now.{part}({zone}) == {low}": set(),
        f"now.{part}({zone}) == {high}": set(),
        f"now.{part}({zone}) == {high + 1}": {"NB501"},
        f"now.{part}({zone}) <= {high}": {"NB502"},
        f"now.{part}({zone}) != {high + 1}": {"NB502"},
    }
    for text, expected in claims.items():
        assert codes(text) == expected, text


def test_the_engine_reaches_both_ends_of_every_part_of_a_date() -> None:
    expressions = Expressions(Schema([]))
    ends = [f"now.{part}() == {end}" for part, range_ in RANGES.items() for end in range_]
    outside = [f"now.{p}() < {low} || now.{p}() > {high}" for p, (low, high) in RANGES.items()]
    conditions = [expressions.condition(source(text)) for text in (*ends, *outside)]
    engine = EngineJudge(expressions.tables, conditions, [])
    moments = [
        *(f"2024-{month:02}-{day:02}T00:00:00Z" for month in range(1, 13) for day in range(1, 30)),
        "2024-12-31T23:59:59.999Z",
        "1969-12-31T23:59:59.999Z",
    ]
    found = [engine.truths({}, parse_timestamp(moment)) for moment in moments]
    for place, text in enumerate((*ends, *outside)):
        assert {truths[place] for truths in found} == ({True, False} if text in ends else {False}), text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("customer.wait.getHours() == 24", set()),
        ("customer.wait.getSeconds() > 60", set()),
        ("customer.wait.getMilliseconds() == 1000", {"NB501"}),
        ("size(customer.tags) < 0", {"NB501"}),
        ("size(customer.tags) >= 0", {"NB502"}),
        ("customer.age * 100 > 400", {"NB501"}),
        ("customer.double_age > 8", {"NB501"}),
        ("(customer.vip ? 3 : customer.age) > 4", {"NB501"}),
        ("customer.count % 7 == 7", {"NB501"}),
        ("customer.count + 1 > 0", {"NB502"}),
        ("customer.age - customer.count > 0", set()),
        ("now.getMonth() in [10, 11, 12]", {"NB506"}),
        ("now.getMonth() in [12, 13]", {"NB501"}),
        ("customer.vip || now.getMonth() == 12", {"NB506"}),
        ("customer.vip || customer.age * 100 > 400", {"NB506"}),
        ("customer.age * 100 > 500 || now.getMonth() == 12", {"NB501"}),
    ],
)
def test_computed_values(text: str, expected: set[str]) -> None:
    assert codes(text) == expected


@pytest.mark.parametrize(
    ("text", "change"),
    [
        ("now.getMonth() == 12", "now.getMonth() == 11"),
        ("now.getMonth() == 12 || size(customer.tags) < 0", None),
    ],
)
def test_a_line_to_write_is_for_all_that_is_marked(text: str, change: str | None) -> None:
    expressions = Expressions(SCHEMA)
    written = source(text)
    expressions.condition(
        SourceText(text, written.locate, lambda changed: Fix("a.yaml", 1, 1, 1, len(text) + 1, changed))
    )
    (found,) = expressions.diagnostics
    assert (found.code, found.fix and found.fix.replacement) == ("NB501", change)


def codes(text: str) -> set[str]:
    expressions = Expressions(Schema([*ATTRIBUTES, declare("customer.wait", "duration")]))
    expressions.condition(source(text))
    return {diagnostic.code for diagnostic in expressions.diagnostics} - {"NB507"}
