"""Which tests of attributes that may be missing are warned of, and that both remedies mean what they say."""

import random
import re
from itertools import product

import pytest
from bank_schema import declare, source
from table_evaluator import Decision

from nextbest.expression import Expressions, Schema, Timestamp

ATTRIBUTES = [
    declare("customer.optout", "bool"),
    declare("customer.vip", "bool", required=True),
    declare("customer.products", "list<string>"),
    declare("customer.text", "string"),
    declare("customer.count", "int", minimum=0),
    declare("customer.rate", "double"),
    declare("customer.notified", "bool", expression=source("!customer.optout")),
    declare("customer.owned", "int", expression=source("size(customer.products)")),
    declare("customer.known", "int", expression=source("has(customer.count) ? customer.count : 0")),
]
VALUES = {
    "customer.optout": [None, True, False],
    "customer.vip": [True, False],
    "customer.products": [None, (), ("x",), ("x", "y")],
    "customer.text": [None, "", "a"],
    "customer.count": [None, 0, 1, 5],
    "customer.rate": [None, -1.0, 0.0, 2.0],
}
NOTHING = {
    "customer.optout": False,
    "customer.products": (),
    "customer.text": "",
    "customer.count": 0,
    "customer.rate": 0.0,
}
WARNED = """\
!customer.optout
!!!customer.optout
customer.optout == false
false == customer.optout
customer.optout != true
!(customer.optout == true)
customer.optout == true ? false : true
customer.optout ? false : customer.vip
customer.optout ? customer.vip : !customer.vip
(customer.optout ? true : false) == false
customer.vip && (customer.optout ? false : true)
customer.vip && customer.optout == false
customer.vip || customer.optout == false
!(customer.vip || customer.optout)
!(customer.vip && customer.optout)
!customer.vip && !(customer.optout || customer.vip)
size(customer.products) == 0
size(customer.products) < 2
size(customer.products) != 2
2 > size(customer.products)
customer.products.all(p, p != "x")
!customer.products.exists(p, p == "x")
!("x" in customer.products)
("x" in customer.products) == false
!(customer.products.exists(p, p == "x") && customer.vip)
customer.products.filter(p, p == "x").all(p, p != "y")
size(customer.products.filter(p, p == "x")) == 0
customer.text == ""
customer.text in ["", "a"]
customer.text != "a"
size(customer.text) < 3
!customer.text.startsWith("a")
customer.text.matches("^$")
customer.count == 0
customer.count <= 0
customer.count < 1
customer.count * 2 == 0
customer.count != 5
!(customer.count >= 5)
!(customer.count < 5)
!(customer.text < "a")
customer.rate == 0.0
customer.notified
customer.owned == 0
customer.owned < 2
customer.owned != 2"""
SILENT = """\
customer.optout
customer.optout == true
customer.optout != false
!!customer.optout
!(customer.optout == false)
customer.optout ? true : false
customer.optout ? customer.vip : false
customer.vip ? false : true
customer.vip == false
has(customer.optout) && !customer.optout
!has(customer.optout) || customer.optout == false
has(customer.products) && size(customer.products) == 0
!has(customer.optout)
"x" in customer.products
customer.products.exists(p, p != "x")
!customer.products.all(p, p == "x")
size(customer.products) > 0 && customer.products.all(p, p != "x")
size(customer.products) >= 1
size(customer.products) == 2
customer.text == "a"
customer.text in ["a", "b"]
customer.text.startsWith("a")
customer.count >= 1
customer.count < 5
customer.count == 5
customer.count > 1 && customer.count != 5
customer.rate <= 0.0
customer.rate < 1.0
!customer.notified
customer.owned > 0
customer.known == 0
customer.known != 3
customer.text != ""
customer.text < "a"
customer.count != 0
size(customer.products) != 0
!(size(customer.products) < 2)
!(customer.text == "" || customer.vip)"""


@pytest.mark.parametrize("text", SILENT.splitlines())
def test_what_is_plain_or_asked_for_is_left_alone(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize("text", WARNED.splitlines())
def test_what_leaves_out_the_unknown_is_found_and_both_remedies_are_true(text: str) -> None:
    (warning,) = found(text)
    reference = warning.message.split("`")[1]
    position = warning.position
    start, end = position.column - 1, position.column - 1 + position.length
    assert warning.message.split("`")[3] == text[start:end]
    included, left_out = re.findall(r"`([^`]*)`", warning.help)
    texts = (text, *(text[:start] + remedy + text[end:] for remedy in (included, left_out)))
    assert [found(remedied) for remedied in texts[1:]] == [[], []]
    expressions = Expressions(Schema(ATTRIBUTES))
    conditions = [expressions.condition(source(each), f"{place}") for place, each in enumerate(texts)]
    assert not [d for d in expressions.diagnostics if d.code.startswith("NB4")]
    missing = {"customer.notified": "customer.optout", "customer.owned": "customer.products"}.get(
        reference, reference
    )
    for values in product(*VALUES.values()):
        given = {name: value for name, value in zip(VALUES, values, strict=True) if value is not None}
        decision = Decision(expressions.tables, given, Timestamp(0))
        before, with_unknown, without = (decision.clauses(clauses) for clauses in conditions)
        assert (without is True) == (before is True), given
        if missing in given:
            assert with_unknown == before, given
        elif text not in ("!(customer.count < 5)", '!(customer.text < "a")'):
            as_nothing = Decision(expressions.tables, given | {missing: NOTHING[missing]}, Timestamp(0))
            assert with_unknown == as_nothing.clauses(conditions[0]), given
        else:
            assert with_unknown is True


NEGATIONS = (
    "!({})", "({}) == false", "false == ({})", "({}) != true", "({}) == true", "({}) ? false : true",
    "({}) ? true : false", "({}) ? false : customer.vip", "({}) ? customer.vip : true",
)  # fmt: skip
BESIDE = ("{}", "({}) && customer.vip", "customer.vip || ({})")


def nested(inner: str, random_: random.Random) -> str:
    """A test in up to three negations, choices and others."""
    for _ in range(random_.randrange(4)):
        inner = random_.choice(NEGATIONS).format(inner)
    return random_.choice(BESIDE).format(inner)


def test_remedies_of_derived_attributes_are_true_however_often_they_are_negated() -> None:
    random_ = random.Random(7)
    warned = 0
    for _ in range(250):
        tested = random_.choice(["customer.optout", 'customer.text == ""'])
        derived = declare("customer.derived", "bool", expression=source(nested(tested, random_)))
        outer = declare("customer.outer", "bool", expression=source(nested("customer.derived", random_)))
        attributes = [*ATTRIBUTES, derived, outer]
        text = nested(random_.choice(["customer.derived", "customer.outer"]), random_)
        for warning in found(text, attributes):
            warned += 1
            start = warning.position.column - 1
            end = start + warning.position.length
            remedies = re.findall(r"`([^`]*)`", warning.help)
            texts = (text, *(text[:start] + remedy + text[end:] for remedy in remedies))
            check_remedied(texts, attributes)
    assert warned > 40


def check_remedied(texts: tuple[str, ...], attributes: list) -> None:
    """One includes customers without the attribute, the other is the condition, and the remedy describes
    both."""
    expressions = Expressions(Schema(attributes))
    conditions = [expressions.condition(source(each), f"{place}") for place, each in enumerate(texts)]
    assert [d for d in expressions.diagnostics if d.code.startswith("NB4")] == [], texts
    names = ["customer.optout", "customer.vip", "customer.text"]
    for values in product(*(VALUES[name] for name in names)):
        given = {name: value for name, value in zip(names, values, strict=True) if value is not None}
        decision = Decision(expressions.tables, given, Timestamp(0))
        before, included, left_out = (decision.clauses(clauses) is True for clauses in conditions)
        assert left_out == before, (texts, given)
        assert included >= before, (texts, given)
        if len(given) == len(names):
            assert included == before, (texts, given)


def found(text: str, attributes=ATTRIBUTES):
    expressions = Expressions(Schema(attributes))
    assert expressions.condition(source(text)) or not expressions.diagnostics
    assert not [d for d in expressions.diagnostics if d.code.startswith("NB4")]
    return [diagnostic for diagnostic in expressions.diagnostics if diagnostic.code == "NB507"]
