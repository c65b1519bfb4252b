"""The analysis is right: checked against every value that could make a difference."""

from itertools import product

import pytest
from bank_schema import declare, source
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from table_evaluator import Decision

from nextbest.expression import Expressions, Schema, Timestamp
from nextbest.expression.exclusion import Exclusion, find_exclusions

ATTRIBUTES = [
    declare("customer.age", "int", minimum=0, maximum=9, required=True),
    declare("customer.rate", "double", minimum=-1, maximum=2.5),
    declare("customer.free", "int"),
    declare("customer.segment", "string", allowed=("a", "b", "c"), required=True),
    declare("customer.name", "string"),
    declare("customer.vip", "bool"),
    declare("customer.tags", "list<string>", allowed=("x", "y")),
    declare("customer.ratio", "double", expression=source("customer.rate / customer.rate")),
]
SCHEMA = Schema(ATTRIBUTES)
# All that matters of each attribute: its bounds, the constants below, and what lies between them.
VALUES = {
    "customer.age": range(10),
    "customer.rate": [-1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0, 2.25, 2.5],
    "customer.free": range(-2, 13),
    "customer.segment": ["a", "b", "c"],
    "customer.name": ["", "A", "B", "a", "aa", "b", "bb", "c", "cc", "d", "z"],
    "customer.vip": [True, False],
    "customer.tags": [(), ("x",), ("y",), ("x", "y")],
}
NUMBERS = ("-1", "0", "1", "5", "9", "10", "0.5", "1.0", "2.5", "4.5")
TEXTS = ("'a'", "'b'", "'c'", "'d'", "'A'")


def literals(reference: str):
    if reference in ("customer.segment", "customer.name"):
        constant = st.sampled_from(TEXTS)
    else:
        constant = st.sampled_from(NUMBERS)
    compared = st.tuples(st.sampled_from(("==", "!=", "<", "<=", ">", ">=")), constant).map(
        lambda found: f"{reference} {found[0]} {found[1]}"
    )
    listed = st.lists(constant, min_size=int(reference == "customer.rate"), max_size=3).map(
        lambda found: f"{reference} in [{', '.join(found)}]"
    )
    presence = st.just(f"has({reference})")
    plain = compared if reference == "customer.ratio" else st.one_of(compared, listed, presence)
    if reference == "customer.vip":
        plain = st.sampled_from(["customer.vip", "has(customer.vip)"])
    if reference == "customer.tags":
        plain = st.sampled_from(
            ["'x' in customer.tags", "'y' in customer.tags", "'z' in customer.tags", "has(customer.tags)"]
        )
    return st.one_of(plain, plain.map(lambda text: f"!({text})"))


# Mostly one attribute, so that there is something to find.
CLAUSES = st.sampled_from([a.reference for a in ATTRIBUTES]).flatmap(
    lambda reference: st.lists(literals(reference), min_size=1, max_size=3).map(
        lambda found: f"({' || '.join(found)})"
    )
)
CONDITIONS = st.lists(CLAUSES, min_size=1, max_size=3)


def customers(text: str):
    """Every customer that the schema allows and that could make a difference, including missing
    attributes."""
    named = customers_named(text.replace("customer.ratio", "customer.rate"))
    for values in product(*([*VALUES[reference], None] for reference in named)):
        yield {name: value for name, value in zip(named, values, strict=True) if value is not None}


def truths(expressions: Expressions, clauses: list[int], text: str) -> set[bool | None]:
    return {Decision(expressions.tables, given, Timestamp(0)).clauses(clauses) for given in customers(text)}


@pytest.mark.slow
@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
@given(CONDITIONS)
def test_what_never_holds_never_does(parts: list[str]) -> None:
    text = " && ".join(parts)
    expressions = Expressions(SCHEMA)
    clauses = expressions.condition(source(text))
    if len(customers_named(text)) <= 3 and any(d.code == "NB501" for d in expressions.diagnostics):
        assert True not in truths(expressions, clauses, text)


@pytest.mark.slow
@example("(customer.name >= 'd' || !(customer.name > 'c'))")
@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
@given(CLAUSES)
def test_one_clause_is_judged_exactly(text: str) -> None:
    """On a single attribute nothing is overlooked either."""
    expressions = Expressions(SCHEMA)
    clauses = expressions.condition(source(text))
    codes = {d.code for d in expressions.diagnostics}
    if codes & {"NB504", "NB505", "NB506"} or "customer.ratio" in text:
        return
    found = truths(expressions, clauses, text)
    assert ("NB501" in codes) == (True not in found)
    known = {
        Decision(expressions.tables, given, Timestamp(0)).clauses(clauses)
        for given in customers(text)
        if given
    }
    if "NB502" in codes:
        assert known == {True}
    elif len(clauses) == 1 and "has(" not in text and "customer.tags" not in text:
        assert known != {True}


@pytest.mark.slow
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(CLAUSES, min_size=2, max_size=4))
def test_conditions_that_exclude_each_other_do(texts: list[str]) -> None:
    expressions = Expressions(SCHEMA)
    clauses = [expressions.condition(source(text, line)) for line, text in enumerate(texts, 1)]
    together = [clause for each in clauses for clause in each]
    text = " ".join(texts)
    if exclusions(expressions, together) and len(customers_named(text)) <= 3:
        assert True not in truths(expressions, together, text)


def exclusions(expressions: Expressions, clauses: list[int]) -> list[Exclusion]:
    """Those of clauses that each can hold."""
    places = [expressions.place(clause) for clause in clauses]
    return [found for found in find_exclusions(places, expressions.analysis) if len(found.places) > 1]


def customers_named(text: str) -> list[str]:
    return [reference for reference in VALUES if reference in text]


@pytest.mark.parametrize(
    ("first", "second", "excluded"),
    [
        ("customer.age < 5", "customer.age >= 5", True),
        ("customer.age < 5", "customer.age <= 5", False),
        ("customer.age < 5", "customer.age > 3", False),
        ("customer.age < 5", "customer.age > 4", True),
        ("customer.rate < 0.5", "customer.rate > 0.4", False),
        ("customer.segment == 'a'", "customer.segment in ['b', 'c']", True),
        ("customer.segment != 'a'", "customer.segment in ['a', 'b']", False),
        ("'x' in customer.tags", "!('x' in customer.tags)", True),
        ("'x' in customer.tags", "'y' in customer.tags", False),
        ("!has(customer.free)", "customer.free != 3", True),
        ("customer.vip", "!customer.vip", True),
        ("customer.age < 5", "customer.free > 5", False),
        ("customer.age < 5 || customer.vip", "customer.age > 5", False),
    ],
)
def test_pairs(first: str, second: str, excluded: bool) -> None:
    expressions = Expressions(SCHEMA)
    clauses = [*expressions.condition(source(first, 1)), *expressions.condition(source(second, 2))]
    assert bool(exclusions(expressions, clauses)) is excluded


def test_three_conditions_may_exclude_the_last() -> None:
    expressions = Expressions(SCHEMA)
    texts = ("customer.age != 3", "customer.age in [3, 4]", "customer.age < 4")
    clauses = [
        clause for line, text in enumerate(texts, 1) for clause in expressions.condition(source(text, line))
    ]
    (found,) = exclusions(expressions, clauses)
    assert found.last.position.line == 3
