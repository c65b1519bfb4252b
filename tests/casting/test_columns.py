"""Columns mean what their values mean, whichever way they are cast."""

from datetime import date, datetime, timedelta
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nextbest.casting import IDENTIFIER, CastError, cast
from nextbest.casting.column import TARGETS, Column, cast_column

# Texts near the borders of what is read at once, beside any other.
DIGITS = st.text("0123456789", min_size=1, max_size=22)
ODD = (
    "", " ", "NA", "nan", "1.0", "1.", ".5", "+1", "-0", "-", "1e5", "1e400", "1E-5", "0x1", "\u0661", "inf",
    "true", "T", "No", "2", "1990-01-31", "0000-01-01", "9999-12-31", "2026-02-30", "2026-06-01T23:59:60Z",
    "2026-06-01T24:00:00Z", "2026-06-01 12:00:00.5", "2026-06-01t12:00:00z", "2026-06-01T12:00:00+02:00",
    "2026-06-01T", "03/04/1990", "7d", "P7D", "[]", '["a"]', "[1]", "[1.5]", "a\tb",
)  # fmt: skip
NUMBERS = st.builds(
    "{}{}{}".format, st.sampled_from(["", "-", "+"]), DIGITS, st.sampled_from(["", ".0", ".25"])
)
TEXTS = st.one_of(
    st.sampled_from(ODD),
    NUMBERS,
    st.floats(allow_nan=True).map(repr),
    st.datetimes(datetime(1, 1, 1)).map(datetime.isoformat),
    st.dates().map(date.isoformat),
    st.text(st.characters(codec="utf-8"), max_size=12),
    st.none(),
)


def one_by_one(values, kind):
    found, refused = [], {}
    for row, value in enumerate(values):
        try:
            found.append(cast(value, kind))
        except CastError as error:
            found.append(None)
            refused[row] = error.message
    return found, refused


@given(st.lists(TEXTS, max_size=12), st.sampled_from(sorted(TARGETS.keys() - {IDENTIFIER})))
@settings(max_examples=400)
def test_a_column_of_text_means_what_its_values_mean(texts, kind):
    column = cast_column(pl.Series("x", texts, dtype=pl.String), kind)
    found, refused = one_by_one(texts, kind)
    assert column.values.dtype == TARGETS[kind]
    assert column.values.to_list() == found
    assert {row: error.message for row, error in column.refusals.items()} == refused


FINITE = st.floats(width=32)
ARROW = {
    pl.Int64(): st.integers(-(2**63), 2**63 - 1),
    pl.UInt64(): st.integers(0, 2**64 - 1),
    pl.UInt8(): st.integers(0, 255),
    pl.Float64(): st.floats() | st.integers(-5, 5).map(float),
    pl.Float32(): FINITE,
    pl.Boolean(): st.booleans(),
    pl.Decimal(20, 2): st.decimals(-1_000, 1_000, places=2),
    pl.Date(): st.dates(),
    pl.Datetime("us"): st.datetimes(datetime(1, 1, 1)),
    pl.Duration("us"): st.timedeltas(timedelta(-5_000_000), timedelta(5_000_000)),
    pl.List(pl.Int16()): st.lists(st.integers(-5, 5) | st.none(), max_size=3),
    pl.List(pl.String()): st.lists(st.text("ab", max_size=2) | st.none(), max_size=3),
    pl.List(pl.Float64()): st.lists(st.floats(-3, 3), max_size=3),
}


@given(st.data(), st.sampled_from(list(ARROW)), st.sampled_from(sorted(TARGETS.keys() - {IDENTIFIER})))
@settings(max_examples=400)
def test_a_column_of_arrow_means_what_its_values_mean(data, dtype, kind):
    drawn = data.draw(st.lists(ARROW[dtype] | st.none(), max_size=8))
    series = pl.Series("x", drawn, dtype=dtype)
    values = series.to_list()
    found, refused = one_by_one(values, kind)
    try:
        column = cast_column(series, kind)
    except CastError as error:
        # The column as a whole, for the reason of its first value.
        column = Column(pl.Series([None] * len(values)), dict.fromkeys(refused, error))
        refused = dict.fromkeys(refused, refused[min(refused)])
        found = [None] * len(values)
    assert column.values.to_list() == found
    assert {row: error.message for row, error in column.refusals.items()} == refused


def test_a_column_of_an_impossible_type_is_refused_at_once():
    with pytest.raises(CastError, match="the number `10115` is not text"):
        cast_column(pl.Series("zip", [None, 10115]), "string")
    with pytest.raises(CastError, match="is not a number"):
        cast_column(pl.Series("x", [{"a": 1}]), "double")


def test_categories_are_text():
    series = pl.Series(["gold", None], dtype=pl.Categorical)
    assert cast_column(series, "string").values.to_list() == ["gold", None]


def test_a_column_in_which_all_are_missing_is_of_any_type():
    for kind, dtype in TARGETS.items():
        for series in (pl.Series([None, None]), pl.Series([None, None], dtype=pl.String)):
            column = cast_column(series, kind)
            assert column.values.dtype == dtype
            assert column.values.null_count() == 2
            assert set(column.refusals) == ({0, 1} if kind == IDENTIFIER else set())


@pytest.mark.parametrize(
    ("values", "dtype", "expected", "refused"),
    [
        (["00123", "123", None, "a "], pl.String, ["00123", "123", None, None], [2, 3]),
        ([123, None], pl.Int32, ["123", None], [1]),
        ([2**64 - 1], pl.UInt64, ["18446744073709551615"], []),
        ([Decimal(123)], pl.Decimal(38, 0), ["123"], []),
        (["123", 124, 1.5], pl.Object, ["123", "124", None], [2]),
    ],
)
def test_ids_are_text(values, dtype, expected, refused):
    column = cast_column(pl.Series(values, dtype=dtype), IDENTIFIER)
    assert column.values.to_list() == expected
    assert sorted(column.refusals) == refused


def test_moments_that_python_does_not_have_are_refused():
    beyond = pl.Series([253_402_300_800_000_000, None]).cast(pl.Datetime("us"))
    column = cast_column(beyond, "timestamp")
    assert column.values.null_count() == 2
    assert list(column.refusals) == [0]
