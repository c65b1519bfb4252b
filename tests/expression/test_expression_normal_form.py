"""Conjunctive normal form keeps the three values of a condition, and its bounds, whatever is combined."""

from itertools import product

from bank_schema import declare, source
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from table_evaluator import Decision

from nextbest.expression import Expressions, Schema, Timestamp
from nextbest.expression.normal_form import CLAUSES_MAX, LITERALS_MAX

NAMES = ("a", "b", "c", "d")
SCHEMA = Schema([declare(f"customer.{name}", "bool") for name in NAMES])
VALUES = (True, False, None)


def kleene(formula, given):
    """The meaning of a formula, from its definition."""
    match formula:
        case str():
            return given[formula]
        case ("!", part):
            value = kleene(part, given)
            return None if value is None else not value
        case ("has", name):
            return given[name] is not None
        case ("?", test, then, other):
            value = kleene(test, given)
            return None if value is None else kleene(then if value else other, given)
        case (sign, *parts):
            values = [kleene(part, given) for part in parts]
            decisive = sign == "||"
            return decisive if decisive in values else None if None in values else not decisive


def write(formula) -> str:
    match formula:
        case str():
            return f"customer.{formula}"
        case ("!", part):
            return f"!({write(part)})"
        case ("has", name):
            return f"has(customer.{name})"
        case ("?", test, then, other):
            return f"(({write(test)}) ? ({write(then)}) : ({write(other)}))"
        case (sign, *parts):
            return "(" + f" {sign} ".join(write(part) for part in parts) + ")"


def combine(parts):
    some = st.lists(parts, min_size=2, max_size=5)
    return st.one_of(
        st.tuples(st.just("!"), parts),
        some.map(lambda found: ("&&", *found)),
        some.map(lambda found: ("||", *found)),
        st.tuples(st.just("?"), parts, parts, parts),
    )


ATOMS = st.one_of(st.sampled_from(NAMES), st.tuples(st.just("has"), st.sampled_from(NAMES)))
FORMULAS = st.recursive(ATOMS, combine, max_leaves=40)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(FORMULAS)
def test_keeps_all_three_values(formula) -> None:
    expressions = Expressions(SCHEMA)
    clauses = expressions.condition(source(write(formula)))
    errors = [d for d in expressions.diagnostics if d.code.startswith("NB4")]
    if errors:
        assert {error.code for error in errors} == {"NB410"}
        return
    assert len(clauses) <= CLAUSES_MAX
    assert all(len(expressions.tables.clauses[clause].literals) <= LITERALS_MAX for clause in clauses)
    for values in product(VALUES, repeat=len(NAMES)):
        given = dict(zip(NAMES, values, strict=True))
        present = {f"customer.{name}": value for name, value in given.items() if value is not None}
        decision = Decision(expressions.tables, present, Timestamp(0))
        assert decision.clauses(clauses) is kleene(formula, given)


def clauses_of(text: str, names: int = 200) -> tuple[Expressions, list[int]]:
    schema = Schema([declare(f"customer.x{place}", "int") for place in range(names)])
    expressions = Expressions(schema)
    return expressions, expressions.condition(source(text))


def test_a_long_conjunction_becomes_64_clauses() -> None:
    text = " && ".join(f"customer.x{place} > {place}" for place in range(100))
    expressions, clauses = clauses_of(text)
    assert len(clauses) == CLAUSES_MAX
    last = expressions.tables.clauses[clauses[-1]]
    assert expressions.tables.literals[last.literals[0]].text.startswith("customer.x63 > 63 && ")
    for failing in (None, 0, 62, 63, 99):
        given = {f"customer.x{place}": place + (place != failing) for place in range(100)}
        assert Decision(expressions.tables, given, Timestamp(0)).clauses(clauses) is (failing is None)


def test_a_long_disjunction_becomes_one_literal() -> None:
    text = " || ".join(f"customer.x{place} > {place}" for place in range(17))
    expressions, clauses = clauses_of(text)
    assert [len(expressions.tables.clauses[clause].literals) for clause in clauses] == [1]


def test_a_disjunction_of_equalities_of_one_attribute_stays_one_literal() -> None:
    text = " || ".join(f"customer.x1 == {place}" for place in range(40))
    expressions, clauses = clauses_of(text)
    (clause,) = clauses
    (literal,) = expressions.tables.clauses[clause].literals
    assert expressions.tables.literals[literal].WhichOneof("test") == "one_of"
    assert len(expressions.tables.literals[literal].one_of.values) == 40


def test_distribution_stops_at_64_clauses() -> None:
    text = " || ".join(
        f"(customer.x{3 * p} > 1 && customer.x{3 * p + 1} > 2 && customer.x{3 * p + 2} > 3)" for p in range(6)
    )
    expressions, clauses = clauses_of(text)
    assert 1 < len(clauses) <= CLAUSES_MAX
    given = {f"customer.x{place}": 9 for place in range(15, 18)}
    assert Decision(expressions.tables, given, Timestamp(0)).clauses(clauses) is True


def test_absorbs_what_another_clause_asks_for() -> None:
    expressions, clauses = clauses_of("customer.x1 > 1 && (customer.x1 > 1 || customer.x2 > 2)")
    assert [expressions.tables.clauses[clause].text for clause in clauses] == ["customer.x1 > 1"]
