"""Texts that are not compared as they look: versions and numbers by order, and normal forms."""

import re

import pytest
from bank_schema import declare, source

from nextbest.expression import Expressions, Schema

ATTRIBUTES = [
    declare("customer.app", "string", required=True),
    declare("customer.apps", "list<string>", required=True),
    declare("customer.os_version", "string", required=True),
    declare("customer.level", "string", required=True, allowed=("1", "2", "10")),
    declare("customer.other_level", "string", required=True),
    declare("customer.name", "string", required=True),
    declare("customer.town", "string", required=True, allowed=("Koeln", "Mu\u0308nchen")),
]


def found(text: str, code: str):
    expressions = Expressions(Schema(ATTRIBUTES))
    expressions.condition(source(text))
    assert not [d for d in expressions.diagnostics if d.code.startswith("NB4")]
    return [diagnostic for diagnostic in expressions.diagnostics if diagnostic.code == code]


@pytest.mark.parametrize(
    ("text", "example"),
    [
        ('customer.app >= "10.2.0"', '"9.2.0" comes after "10.2.0"'),
        ('"10.2.0" <= customer.app', '"9.2.0" comes after "10.2.0"'),
        ('customer.app < "9.1"', '"10.1" comes before "9.1"'),
        ('customer.app > "v2.0.0-beta.1"', '"v10.0.0-beta.1" comes before "v2.0.0-beta.1"'),
        ('customer.app >= "1.9"', '"1.10" comes before "1.9"'),
        ('customer.app >= "18"', '"9" comes after "18"'),
        ('customer.apps.exists(a, a > "9")', '"10" comes before "9"'),
        ("customer.os_version < customer.app", '"10.2.0" comes before "9.0.0"'),
        ("customer.level > customer.other_level", '"10.2.0" comes before "9.0.0"'),
    ],
)
def test_versions_and_numbers_by_order(text: str, example: str) -> None:
    (warning,) = found(text, "NB513")
    assert warning.message.endswith(f"compares letter by letter: {example}")
    other = re.findall(r'"([^"]*)"', example)
    assert (other[0] < other[1]) == ("before" in example)
    if "write `" in warning.help:
        start = warning.position.column - 1
        end = start + warning.position.length
        assert found(text[:start] + warning.help.split("`")[1] + text[end:], "NB513") == []


@pytest.mark.parametrize(
    ("text", "is_followed"),
    [
        # double("10.10") is 10.1, int("10.5") has no result.
        ('customer.app >= "10.2"', False),
        ('customer.app < "11"', False),
        ('customer.os_version > "10"', False),
        ('customer.level >= "2"', True),
        ('customer.level >= "2.5"', False),
    ],
)
def test_a_conversion_is_offered_where_every_value_is_a_whole_number(text: str, is_followed: bool) -> None:
    (warning,) = found(text, "NB513")
    assert ("int(" in warning.help) == is_followed
    assert "double(" not in warning.help
    assert ("in separate attributes" in warning.help) != is_followed


@pytest.mark.parametrize(
    "text",
    [
        'customer.app == "10.2.0"',
        'customer.app in ["10.2.0", "9"]',
        'customer.name < "m"',
        'customer.name >= "2026-01-31"',
        'customer.name >= "09:00"',
        'customer.name >= "10000" && customer.name < "20000"',
        'customer.name >= "01"',
        "customer.name < customer.app",
        'customer.app.startsWith("10.")',
    ],
)
def test_other_texts_by_order(text: str) -> None:
    assert found(text, "NB513") == []


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        ('customer.name == "Zoe\u0308"', '"Zoe\u0308"'),
        ('customer.name == "Zoe\\u0308"', '"Zoe\\u0308"'),
        ('customer.name.startsWith("\u212b")', '"\u212b"'),
        ('customer.name in ["Ana", "Zoe\u0308"]', '"Zoe\u0308"'),
        ('customer.town == "M\u00fcnchen"', '"M\u00fcnchen"'),
    ],
)
def test_texts_that_only_look_equal(text: str, marked: str) -> None:
    (warning,) = found(text, "NB514")
    start = warning.position.column - 1
    assert text[start : start + warning.position.length] == marked


@pytest.mark.parametrize("text", ['customer.name == "Zo\u00eb"', 'customer.name == "\u6771\u4eac \\" \\\\"'])
def test_usual_texts(text: str) -> None:
    assert found(text, "NB514") == []
