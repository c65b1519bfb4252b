"""One value, text or not, and a declared type: what it is, or why it is refused and what to write."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from nextbest.casting import CastError, cast

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [
        # Text keeps every character; what is written for "nothing" is text there.
        ("01067", "string", "01067"),
        (" a ", "string", " a "),
        ("NA", "string", "NA"),
        ("", "string", ""),
        # Ids are text; a whole number is taken as its digits.
        ("00123", "id", "00123"),
        ("NA", "id", "NA"),
        (123, "id", "123"),
        (10**25, "id", "1" + "0" * 25),
        (Decimal(123), "id", "123"),
        # Whole numbers.
        ("42", "int", 42),
        (" +42 ", "int", 42),
        ("007", "int", 7),
        ("3.0", "int", 3),
        ("-3.", "int", -3),
        ("9007199254740993", "int", 9007199254740993),
        ("9007199254740993.0", "int", 9007199254740993),
        ("-9223372036854775808", "int", -(2**63)),
        (3.0, "int", 3),
        (Decimal("9007199254740993.0"), "int", 9007199254740993),
        # Numbers.
        ("1.5", "double", 1.5),
        ("1e3", "double", 1000.0),
        (".5", "double", 0.5),
        (2, "double", 2.0),
        (Decimal("0.1"), "double", 0.1),
        # Truth values.
        *((text, "bool", True) for text in ("true", "TRUE", "t", "yes", "Y", "1")),
        *((text, "bool", False) for text in ("false", "False", "f", "no", "N", "0")),
        (1, "bool", True),
        (0.0, "bool", False),
        # Moments, in UTC where they name no zone.
        ("2026-06-01", "timestamp", datetime(2026, 6, 1, tzinfo=UTC)),
        ("2026-06-01T12:00:00Z", "timestamp", NOON),
        ("2026-06-01 12:00:00", "timestamp", NOON),
        ("2026-06-01 12:00", "timestamp", NOON),
        ("2026-06-01T14:00+02:00", "timestamp", NOON),
        ("2026-06-01T14:00:00+02:00", "timestamp", NOON),
        ("2026-06-01 14:00:00.000000+02", "timestamp", NOON),
        ("2026-06-01T12:00:00.123456789Z", "timestamp", NOON.replace(microsecond=123456)),
        (date(2026, 6, 1), "timestamp", datetime(2026, 6, 1, tzinfo=UTC)),
        (datetime(2026, 6, 1, 12), "timestamp", NOON),
        (datetime(2026, 6, 1, 14, tzinfo=timezone(timedelta(hours=2))), "timestamp", NOON),
        # Lengths of time.
        ("720h", "duration", timedelta(days=30)),
        ("1w2d", "duration", timedelta(days=9)),
        ("1h30m", "duration", timedelta(minutes=90)),
        ("-1.5s", "duration", timedelta(seconds=-1.5)),
        ("P30D", "duration", timedelta(days=30)),
        ("PT1H30M0.5S", "duration", timedelta(minutes=90, seconds=0.5)),
        ("-P1W", "duration", timedelta(weeks=-1)),
        ("0", "duration", timedelta()),
        (timedelta(hours=1), "duration", timedelta(hours=1)),
        # Lists, of what their elements are cast to.
        ('["a", "b"]', "list<string>", ["a", "b"]),
        ("[]", "list<int>", []),
        ('[1, "2", 3.0]', "list<int>", [1, 2, 3]),
        (("a",), "list<string>", ["a"]),
        # Nothing.
        *((nothing, kind, None) for nothing in ("", " ", "NA", "n/a", "NaN", "NULL", "None")
          for kind in ("int", "double", "bool", "timestamp", "duration", "list<string>")),
        (None, "string", None),
        (float("nan"), "double", None),
    ],
)  # fmt: skip
def test_what_a_value_is(value, kind, expected):
    found = cast(value, kind)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("value", "kind", "message", "remedy"),
    [
        ("03/04/1990", "timestamp", "`03/04/1990` may be 3 April or 4 March", "1990-04-03 or 1990-03-04"),
        ("3.4.1990", "timestamp", "`3.4.1990` may be 3 April or 4 March", "1990-04-03 or 1990-03-04"),
        ("31/01/1990", "timestamp", "`31/01/1990` is not a timestamp", "write 1990-01-31"),
        ("05/05/1990", "timestamp", "`05/05/1990` is not a timestamp", "write 1990-05-05"),
        ("19900131", "timestamp", "`19900131` is not a timestamp", "write 1990-01-31"),
        ("1990-1-31", "timestamp", "`1990-1-31` is not a timestamp", "write 1990-01-31"),
        ("2026-02-30", "timestamp", "`2026-02-30` is not in the calendar", "2026-01-31"),
        ("0001-01-01T00:00:00+01:00", "timestamp", "is not in the calendar", "2026-01-31"),
        ("1780315200", "timestamp", "has neither a unit nor a starting point", "2026-01-31"),
        (1780315200, "timestamp", "has neither a unit nor a starting point", "2026-06-01"),
        ("٤٢", "int", "`٤٢` is not a whole number", "such as 42"),
        ("4.56E+15", "int", "digits may be lost", "write all of its digits"),
        ("3.5", "int", "`3.5` is not a whole number", "such as 42"),
        (3.5, "int", "`3.5` is not a whole number", "such as 42"),
        (Decimal("1.250"), "int", "`1.250` is not a whole number", "such as 42"),
        (2.0**53 + 2, "int", "too large: as a number with a fraction", "as text"),
        ("9223372036854775808", "int", "does not fit 64 bits", "from -9223372036854775808"),
        ("9" * 5_000, "int", "is not a whole number", "such as 42"),
        ("inf", "double", "`inf` is not a number", "such as 12.5"),
        (float("inf"), "double", "`inf` is not a finite number", "such as 12.5"),
        ("1e999", "double", "`1e999` is not a finite number", "such as 12.5"),
        (10**400, "double", "is not a finite number", "such as 12.5"),
        (True, "int", "`true` is not a whole number", "such as 42"),
        ("2", "bool", "`2` is not true or false", "1 or 0"),
        (2, "bool", "the number `2` is not true or false", "1 or 0"),
        ("30", "duration", "a number has no unit", "720h"),
        (30, "duration", "a number has no unit", "1h30m"),
        ("01:30", "duration", "its parts have no units", "1h30m"),
        ("P1M", "duration", "months and years differ in length", "in days"),
        ("1ns", "duration", "finer than a microsecond", "round it"),
        ("9999999999h", "duration", "longer than 10,000 years", "720h"),
        (10115, "string", "the number `10115` is not text", "loses leading zeros"),
        (1.0, "id", "the number `1.0` is not an id", "loses leading zeros"),
        (NOON, "string", "is not text", "write it as text"),
        ("", "id", "the id is empty", "an id for each"),
        ("c1 ", "id", "begins or ends with a blank", "write c1"),
        ("\ud800", "string", "half a character", "decode"),
        ("['a']", "list<string>", "is not a list of texts", '["a", "b"]'),
        ("a,b", "list<string>", "is not a list of texts", '["a", "b"]'),
        ('["a", 1]', "list<string>", "element 2: the number `1` is not text", "as text"),
        ("[1, null]", "list<int>", "element 2 of the list is missing", "leave it out"),
        ({"a": 1}, "string", "a JSON object is not text", "write text"),
    ],
)
def test_what_a_value_is_not(value, kind, message, remedy):
    with pytest.raises(CastError) as caught:
        cast(value, kind)
    assert message in caught.value.message
    assert remedy in caught.value.help


@pytest.mark.parametrize(
    ("value", "kind", "message", "remedy"),
    [
        ("1,5", "double", "`1,5` is not a number: it has a decimal comma", "write 1.5"),
        (
            "1,5",
            "int",
            "`1,5` is not a whole number: it has a decimal comma",
            "write a whole number, such as 42",
        ),
        ("0,125", "double", "`0,125` is not a number: it has a decimal comma", "write 0.125"),
        ("1.250.000", "double", "it has marks between thousands", "write 1250000"),
        ("1.250,00", "double", "it has marks between thousands", "write 1250.00"),
        ("1.250,00", "int", "it has marks between thousands", "write 1250.00"),
        ("1,250.00", "double", "it has marks between thousands", "write 1250.00"),
        ("-1.250,5", "double", "it has marks between thousands", "write -1250.5"),
        ("1.250,5", "int", "it has marks between thousands", "write a whole number, such as 42"),
        ("1.250,000", "double", "it has marks between thousands", "write 1250.000"),
        ("12'345'678.90", "double", "it has marks between thousands", "write 12345678.90"),
        ("1 250,5", "double", "it has marks between thousands", "write 1250.5"),
        ("1,250", "double", "`1,250` may be 1250 or 1.250", "write 1250 or 1.250"),
        ("1,250", "int", "`1,250` may be 1250 or 1.250", "write 1250"),
        ("1.250", "int", "`1.250` may be 1250 or 1.250", "write 1250"),
        ("1,250,5", "double", "`1,250,5` is not a number", "write a number, such as 12.5"),
        ("1_000", "int", "`1_000` is not a whole number: it has marks between thousands", "write 1000"),
    ],
)
def test_numbers_with_marks_are_shown_as_they_may_be_meant(value, kind, message, remedy):
    with pytest.raises(CastError) as caught:
        cast(value, kind)
    assert message in caught.value.message
    assert caught.value.help == remedy
