"""Values of answers as people read them."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from nextbest.client.explanations import LiteralExplanation, ReadAttribute, Truth
from nextbest.wording import (
    short_number,
    word_amount,
    word_amounts,
    word_bytes,
    word_literal,
    word_moment,
    word_number,
    word_percent,
    word_percents,
    word_value,
    zone_named,
)


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
        (datetime(2026, 6, 1, 12, 0, 0, 500_000, tzinfo=UTC), "2026-06-01 12:00:00.5 UTC"),
        (timedelta(0), "0 seconds"),
        (timedelta(seconds=13_064_400), "151 days 5 hours"),
        (timedelta(seconds=61.5), "1 minute 1.5 seconds"),
        (timedelta(days=-1), "-1 day"),
    ],
)
def test_values(value, text):
    assert word_value(value, UTC) == text


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
    assert [word_amount(amount) for amount in (1200.0, -0.5, 1e300)] == ["1,200", "-0.50", "1e+300"]
    assert word_amount(30.0, "EUR") == "30 EUR"
    assert word_amounts([1200.0, 85.5, 0.0]) == ["1,200.00", "85.50", "0.00"]
    assert word_amounts([1200.0, 85.0]) == ["1,200", "85"]


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.0, "0.0 %"),
        (1.0, "100.0 %"),
        (0.0312, "3.1 %"),
        (0.000_421, "0.042 %"),
        (1e-12, "1.0e-10 %"),
        (-0.5, "-50.0 %"),
    ],
)
def test_shares(share, text):
    assert word_percent(share) == text


@pytest.mark.parametrize(
    ("shares", "texts"),
    [
        ([], []),
        ([0.184, 0.025, 0.0088], ["18.40 %", "2.50 %", "0.88 %"]),
        ([0.5, 0.0], ["50.0 %", "0.0 %"]),
        ([0.5, 0.000_000_42], ["50.000 %", "0.000042 %"]),
    ],
)
def test_shares_below_each_other(shares, texts):
    assert word_percents(shares) == texts


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (999, "999 bytes"),
        (4_154, "4.2 kB"),
        (999_600, "1.0 MB"),
        (1_500_000_000, "1.5 GB"),
        (5 * 10**16, "50,000 TB"),
    ],
)
def test_sizes(size, text):
    assert word_bytes(size) == text


@pytest.mark.parametrize(
    ("zone", "text"),
    [
        ("Europe/Berlin", "2026-06-01 14:00:00 Europe/Berlin"),
        ("", "2026-06-01 12:00:00 UTC"),
        ("Atlantis/Capital", "2026-06-01 12:00:00 UTC"),
    ],
)
def test_times_name_their_zone(zone, text):
    assert word_moment(datetime(2026, 6, 1, 12, tzinfo=UTC), zone_named(zone)) == text


def test_the_last_day_of_the_calendar_is_shown_in_utc_where_it_has_no_other():
    last = datetime(9999, 12, 31, 23, 30, tzinfo=UTC)
    assert word_moment(last, zone_named("Asia/Tokyo")) == "9999-12-31 23:30:00 UTC"


def test_times_are_those_of_the_reader(monkeypatch):
    moment = datetime(2026, 6, 1, 12, tzinfo=UTC)
    try:
        for zone, text in (("Europe/Berlin", "14:00:00 CEST"), ("America/Sao_Paulo", "09:00:00 UTC-03")):
            monkeypatch.setenv("TZ", zone)
            time.tzset()
            assert word_moment(moment) == f"2026-06-01 {text}"
    finally:
        monkeypatch.undo()
        time.tzset()


def test_the_value_of_an_expression_has_the_digits_that_people_read():
    reads = (ReadAttribute("customer.a", "", 5),)
    third = LiteralExplanation("", Truth.FALSE, "customer.a / 9.0", 5 / 9, ">= 3", "", reads)
    assert word_literal(third)[0] == "customer.a / 9.0 is 0.5556, required: >= 3"
    close = LiteralExplanation("", Truth.FALSE, "customer.a / 9.0", 2.999_999, ">= 3", "", reads)
    assert word_literal(close)[0] == "customer.a / 9.0 is 2.999999, required: >= 3"


def test_an_expression_is_shown_with_what_it_reads():
    reads = (ReadAttribute("customer.a", "", 7), ReadAttribute("customer.b", "the b", None))
    text = "customer.a < customer.b"
    missing = "`customer.b` (the b) is missing"
    literal = LiteralExplanation(text, Truth.UNKNOWN, text, None, "true", "", reads, missing)
    assert word_literal(literal) == [
        "customer.a < customer.b has no result (`customer.b` (the b) is missing), required: true",
        "  customer.a is 7, customer.b (the b) is missing",
    ]
