"""What each construct becomes: clauses as texts of literals, joined with `||`, one clause a line."""
# ruff: noqa: E501 - tables

import pytest
from bank_schema import bank, declare, source

from nextbest.expression import Expressions, Root, Schema, Timestamp, Type
from nextbest.v1 import bundle_pb2

ACTION = {"apr": 12.9, "minimum_age": 21, "tags": ("gold", "travel")}

CASES: list[tuple[str, list[str]]] = [
    # Comparisons with constants are tests of a feature, whichever side the constant is on.
    ("customer.age >= 18", ["customer.age >= 18"]),
    ("18 <= customer.age", ["customer.age >= 18"]),
    ("customer.age != 18", ["customer.age != 18"]),
    ("!(customer.age < 18)", ["customer.age >= 18"]),
    ("!!(customer.age < 18)", ["customer.age < 18"]),
    ("customer.segment == 'mass'", ['customer.segment == "mass"']),
    ("customer.name < \"m\"", ['customer.name < "m"']),
    ('customer.since > timestamp("2020-01-01T01:00:00+01:00")', ['customer.since > timestamp("2020-01-01T00:00:00Z")']),
    ('customer.notice <= duration("90m")', ['customer.notice <= duration("1h30m")']),
    ("now < timestamp('2030-01-01T00:00:00Z')", ['now < timestamp("2030-01-01T00:00:00Z")']),
    # Ints and doubles mix.
    ("customer.balance > 18", ["customer.balance > 18"]),
    ("customer.balance > 18.0", ["customer.balance > 18"]),
    ("customer.age > 17.5", ["customer.age > 17.5"]),
    ("customer.age >= 18.0", ["customer.age >= 18"]),
    ("customer.balance > customer.age", ["customer.balance > customer.age"]),
    ("customer.balance * 2 > 10", ["customer.balance * 2 > 10"]),
    # True and false.
    ("customer.vip", ["customer.vip"]),
    ("!customer.vip", ["!customer.vip"]),
    ("customer.vip == true", ["customer.vip"]),
    ("false == customer.vip", ["!customer.vip"]),
    ("customer.vip != true", ["!customer.vip"]),
    ("(customer.age > 3) == false", ["customer.age <= 3"]),
    ("customer.vip == customer.consent", ["customer.vip == customer.consent"]),
    # Presence.
    ("has(customer.age)", ["has(customer.age)"]),
    ("!has(customer.age)", ["!has(customer.age)"]),
    ("has(customer.age) ? customer.age > 3 : customer.vip",
     ["!has(customer.age) || customer.age > 3", "has(customer.age) || customer.vip"]),
    ("customer.vip ? customer.age > 3 : customer.age > 9",
     ["customer.vip ? customer.age > 3 : customer.age > 9"]),
    # Lists.
    ("'gold' in customer.products", ['"gold" in customer.products']),
    ("!('gold' in customer.products)", ['!("gold" in customer.products)']),
    ("customer.segment in ['private', 'affluent', 'private']", ['customer.segment in ["affluent", "private"]']),
    ("customer.segment in ['private']", ['customer.segment == "private"']),
    ("customer.segment in []", ["customer.segment in []"]),
    ("customer.age in [3, 1, 2.0, 2.5]", ["customer.age in [1, 2, 3]"]),
    ("customer.balance in [1, 2.5]", ["customer.balance == 1 || customer.balance == 2.5"]),
    ("customer.segment == 'mass' || customer.segment == 'private'", ['customer.segment in ["mass", "private"]']),
    ("customer.products.exists(p, p.startsWith('g'))", ['customer.products.exists(p, p.startsWith("g"))']),
    ("customer.products.filter(p, p != 'loan').size() > 1",
     ['size(customer.products.filter(p, p != "loan")) > 1']),
    ("customer.scores.all(s, s > 0 && customer.scores.exists(t, t > s))",
     ["customer.scores.all(s, s > 0 && customer.scores.exists(t, t > s))"]),
    ("customer.scores.map(s, s * 2).exists_one(s, s == 4)", ["customer.scores.map(s, s * 2).exists_one(s, s == 4)"]),
    ("customer.scores[0] == 7", ["customer.scores[0] == 7"]),
    ("size(customer.products) == 0", ["size(customer.products) == 0"]),
    ("customer.products == ['gold', 'loan']", ['customer.products == ["gold", "loan"]']),
    ("['a', 'b'].exists(p, p in customer.products)", ['"a" in customer.products || "b" in customer.products']),
    ("['a', 'b'].all(p, p in customer.products)", ['"a" in customer.products', '"b" in customer.products']),
    # And, or.
    ("customer.age > 3 && customer.vip", ["customer.age > 3", "customer.vip"]),
    ("!(customer.age > 3 || customer.vip)", ["customer.age <= 3", "!customer.vip"]),
    ("!(customer.age > 3 && customer.vip)", ["customer.age <= 3 || !customer.vip"]),
    ("customer.vip || customer.age > 3 && customer.consent",
     ["customer.vip || customer.age > 3", "customer.vip || customer.consent"]),
    # Text, time, arithmetic.
    ("customer.name.matches('^[A-Z]+$')", ['customer.name.matches("^[A-Z]+$")']),
    ("customer.name + '!' == 'Ada!'", ['customer.name + "!" == "Ada!"']),
    ("now - customer.since >= duration('720h')", ['now - customer.since >= duration("720h")']),
    ("now.getHours('Europe/Berlin') < 9", ['now.getHours("Europe/Berlin") < 9']),
    ("(customer.age + 1) * 2 % 3 == -1", ["(customer.age + 1) * 2 % 3 == -1"]),
    ("-customer.age < -(18)", ["-customer.age < -18"]),
    # A computed double may be NaN: its negated comparison is not turned round.
    ("!(customer.balance / customer.income < 0.5)", ["!(customer.balance / customer.income < 0.5)"]),
    # Constants are folded; attributes of the action are constants.
    ("customer.age > 2 * 9", ["customer.age > 18"]),
    ("customer.age >= action.minimum_age", ["customer.age >= 21"]),
    ("customer.balance * action.apr > 100", ["customer.balance * 12.9 > 100"]),
    ("'gold' in action.tags", []),
    ("'silver' in action.tags", ["false"]),
    ("action.tags.exists(t, t in customer.products)", ['"gold" in customer.products || "travel" in customer.products']),
    ("has(action.apr) && customer.vip", ["customer.vip"]),
    ("true || customer.vip", []),
    ("customer.vip && 1 > 2", ["false"]),
]  # fmt: skip


def lines(expressions: Expressions, clauses: list[int]) -> list[str]:
    tables = expressions.tables
    return [
        " || ".join(tables.literals[literal].text for literal in tables.clauses[clause].literals)
        for clause in clauses
    ]


@pytest.mark.parametrize(("text", "expected"), CASES, ids=[text for text, _ in CASES])
def test_becomes(text: str, expected: list[str]) -> None:
    expressions = Expressions(Schema(bank()))
    clauses = expressions.condition(source(text), "", ACTION)
    assert [d for d in expressions.diagnostics if d.code.startswith("NB4")] == []
    assert lines(expressions, clauses) == expected


@pytest.mark.parametrize("text", [text for text, _ in CASES])
def test_canonical_text_reads_back_as_itself(text: str) -> None:
    expressions = Expressions(Schema(bank()))
    for literal in lines(expressions, expressions.condition(source(text), "", ACTION)):
        again = Expressions(Schema(bank()))
        assert " && ".join(lines(again, again.condition(source(literal)))) == literal


def test_clauses_know_their_part_of_the_text() -> None:
    text = "customer.age >= 18 && (customer.vip || !(customer.balance < 5)) && !(customer.consent || customer.age == 3)"
    expressions = Expressions(Schema(bank()))
    clauses = [expressions.tables.clauses[clause] for clause in expressions.condition(source(text))]
    assert [clause.text for clause in clauses] == [
        "customer.age >= 18",
        "customer.vip || !(customer.balance < 5)",
        "!(customer.consent || customer.age == 3)",
        "!(customer.consent || customer.age == 3)",
    ]
    assert [text[clause.position.column - 1 :][: len(clause.text)] for clause in clauses] == [
        c.text for c in clauses
    ]


def test_offsets_count_characters_not_bytes() -> None:
    text = "customer.name == '日本𝒳' && customer.name != 'é'"
    expressions = Expressions(Schema(bank()))
    clauses = [expressions.tables.clauses[clause] for clause in expressions.condition(source(text))]
    assert [clause.text for clause in clauses] == text.split(" && ")
    assert clauses[1].position.column == text.index("customer.name !=") + 1


def test_equal_features_and_literals_are_entered_once() -> None:
    expressions = Expressions(Schema(bank()))
    texts = (
        "customer.age > 18 && customer.vip",
        "18 < customer.age",
        "!( customer.age<=18 )",
        "customer.balance / 2.0 > 1",
        "customer.balance/2.0>1.0  // with a comment",
    )
    for line, text in enumerate(texts, 1):
        expressions.condition(source(text, line))
    assert [literal.text for literal in expressions.tables.literals] == [
        "customer.age > 18", "customer.vip", "customer.balance / 2.0 > 1",
    ]  # fmt: skip
    assert [f.name for f in expressions.tables.features] == [
        "customer.age", "customer.vip", "customer.balance", "customer.balance / 2.0",
    ]  # fmt: skip


def test_an_inherited_condition_is_entered_once() -> None:
    expressions = Expressions(Schema(bank()))
    first = expressions.condition(
        source("customer.age > action.minimum_age"), "too young", {"minimum_age": 18}
    )
    again = expressions.condition(
        source("customer.age > action.minimum_age"), "too young", {"minimum_age": 18, "apr": 1.0}
    )
    other = expressions.condition(
        source("customer.age > action.minimum_age"), "too young", {"minimum_age": 21}
    )
    assert first == again != other
    assert len(expressions.tables.conditions) == 1
    assert len(expressions.tables.clauses) == 2


def test_derived_attributes_are_features_after_what_they_read() -> None:
    attributes = [
        *bank(),
        declare("customer.ratio", "double", expression=source("customer.balance / customer.wealth")),
        declare("customer.wealth", "double", expression=source("customer.balance + customer.income")),
        declare("customer.count", "double", expression=source("customer.age")),
    ]
    expressions = Expressions(Schema(attributes))
    expressions.condition(source("customer.ratio > 0.5 && has(customer.wealth) && customer.count > 1"))
    features = expressions.tables.features
    names = [feature.name for feature in features]
    assert names == [
        "customer.balance",
        "customer.income",
        "customer.wealth",
        "customer.ratio",
        "customer.age",
        "customer.count",
    ]
    assert {a.name for a in expressions.tables.attributes} == {a.name for a in bank()}
    for place, feature in enumerate(features):
        reads = [i.index for i in feature.derived.instructions if i.operation == bundle_pb2.FEATURE]
        assert all(read < place for read in reads)


def test_numbers_are_constants_or_programs() -> None:
    expressions = Expressions(Schema(bank()))
    assert expressions.number(source("120")) == 120.0
    assert expressions.number(source("action.apr * 2"), ACTION) == 25.8
    program = expressions.number(source("customer.income * 0.01 + action.apr"), ACTION)
    assert isinstance(program, bundle_pb2.Program)
    assert [bundle_pb2.Operation.Name(i.operation) for i in program.instructions] == [
        "FEATURE",
        "CONSTANT",
        "MUL",
        "CONSTANT",
        "ADD",
    ]
    assert expressions.diagnostics == []


def test_a_formula_reads_inputs() -> None:
    expressions = Expressions(Schema(bank()))
    program = expressions.formula(source("propensity * value * (lever > 2 ? 2.0 : lever) + context_weight"))
    assert program is not None
    inputs = [i.index for i in program.instructions if i.operation == bundle_pb2.INPUT]
    assert inputs == [0, 2, 3, 1]
    constant = expressions.formula(source("1"))
    assert constant is not None
    assert constant.instructions[0].constant.double == 1.0
    assert expressions.diagnostics == []


def test_references_of_model_inputs() -> None:
    expressions = Expressions(Schema(bank()))
    age, page, apr, now = (
        expressions.reference(source(text)) for text in ("customer.age", "context.page", "action.tags", "now")
    )
    assert (age.root, age.index, age.type) == (Root.CUSTOMER, 0, Type.INT)
    assert (page.root, page.index, page.type) == (Root.CONTEXT, 1, Type.STRING)
    assert (apr.root, apr.index, apr.type) == (Root.ACTION, 2, Type.STRING_LIST)
    assert (now.root, now.index, now.type) == (None, 2, Type.TIMESTAMP)
    assert expressions.diagnostics == []


def test_shapes_share_trees_but_not_values() -> None:
    """Texts that differ in literals only are type-checked once; what they become must not show it."""
    texts = [
        "customer.age > {} && customer.name != '{}'", "customer.balance in [{}.5, 1.0] || customer.name == \"{}\"",
        "customer.age - -{} > 3 ? customer.name.startsWith('{}') : false",
    ]  # fmt: skip
    shared = Expressions(Schema(bank()))
    for shape in texts:
        for number, word in ((1, "a"), (22, "bb"), (333, "")):
            text = shape.format(number, word)
            alone = Expressions(Schema(bank()))
            expected = [
                (c.text, c.position.column)
                for c in (alone.tables.clauses[i] for i in alone.condition(source(text)))
            ]
            found = [shared.tables.clauses[i] for i in shared.condition(source(text))]
            assert [(c.text, c.position.column) for c in found] == expected
            assert lines(
                shared, list(range(len(shared.tables.clauses) - len(found), len(shared.tables.clauses)))
            ) == lines(alone, list(range(len(found))))


def test_timestamps_render_as_people_write_them() -> None:
    assert str(Timestamp(0)) == "1970-01-01T00:00:00Z"
    assert str(Timestamp(-1)) == "1969-12-31T23:59:59.999999Z"
