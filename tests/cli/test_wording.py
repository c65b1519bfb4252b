"""Values of answers as people read them."""

from datetime import UTC, datetime, timedelta

import pytest

from nextbest.client.answers import LiteralExplanation, ReadAttribute, Truth
from nextbest.wording import short_number, word_amount, word_literal, word_number, word_value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "missing"),
        ("a", '"a"'),
        (True, "true"),
        (1.5, "1.5"),
        (7.0, "7"),
        (1e300, "1e+300"),
        (["a"], '["a"]'),
        (datetime(2026, 6, 1, 12, 0, 0, 500_000, tzinfo=UTC), "2026-06-01T12:00:00.500000Z"),
        (timedelta(0), "0 seconds"),
        (timedelta(seconds=13_064_400), "151 days 5 hours"),
        (timedelta(seconds=61.5), "1 minute 1.5 seconds"),
        (timedelta(days=-1), "-1 day"),
    ],
)
def test_values(value, text):
    assert word_value(value) == text


@pytest.mark.parametrize(
    ("number", "exact", "short"),
    [
        (2.2849, "2.2849", "2.285"),
        (12_345.678, "12345.678", "12345.7"),
        (90_000.0, "90000", "90000"),
        (0.000_421_12, "0.00042112", "0.0004211"),
        (0.000_01, "0.00001", "0.00001"),
        (1e15, "1e+15", "1e+15"),
        (1.7976931348623157e308, "1.7976931348623157e+308", "1.798e+308"),
        (-4.2e-7, "-4.2e-7", "-4.2e-7"),
        (0.0, "0", "0"),
    ],
)
def test_numbers_are_as_the_engine_writes_them(number, exact, short):
    assert (word_number(number), short_number(number)) == (exact, short)


def test_amounts():
    assert [word_amount(amount) for amount in (1200.0, -0.5, 1e300)] == ["1,200.00", "-0.50", "1e+300"]
    assert word_amount(30.0, "EUR") == "30.00 EUR"


def test_an_expression_is_shown_with_what_it_reads():
    reads = (ReadAttribute("customer.a", "", 7), ReadAttribute("customer.b", "the b", None))
    text = "customer.a < customer.b"
    missing = "`customer.b` (the b) is missing"
    literal = LiteralExplanation(text, Truth.UNKNOWN, text, None, "true", "", reads, missing)
    assert word_literal(literal) == [
        "customer.a < customer.b has no result (`customer.b` (the b) is missing), required: true",
        "  customer.a is 7, customer.b (the b) is missing",
    ]
