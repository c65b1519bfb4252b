"""Dates of customers begin in the workspace's time zone, whatever file and type they come in."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nextbest.casting import CastError, cast
from nextbest.casting.column import cast_column

ZONES = ("", "UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "America/Santiago", "+05:30")


@settings(max_examples=200, deadline=None)
@given(
    zone=st.sampled_from(ZONES),
    days=st.lists(st.one_of(st.none(), st.dates(date(1901, 1, 1), date(2100, 1, 1))), min_size=1),
)
def test_a_column_means_what_its_values_mean(zone, days):
    single = [cast(day, "timestamp", zone) for day in days]
    texts = [None if day is None else str(day) for day in days]
    assert [cast(text, "timestamp", zone) for text in texts] == single
    for series in (pl.Series("since", days, pl.Date), pl.Series("since", texts, pl.String)):
        column = cast_column(series, "timestamp", zone)
        assert (column.values.to_list(), column.refusals) == (single, {})


@pytest.mark.parametrize(("zone", "hour"), [("Europe/Berlin", 22), ("", 0), ("America/New_York", 4)])
def test_a_day_begins_in_the_zone_and_a_time_stays(zone, hour):
    first = datetime(2026, 6, 1, tzinfo=ZoneInfo(zone or "UTC")).astimezone(UTC)
    assert first.hour == hour
    texts = ["2026-06-01", " 2026-06-01 ", "2026-06-01T00:00:00Z", "2026-06-01 00:00:00", None]
    midnight = datetime(2026, 6, 1, tzinfo=UTC)
    column = cast_column(pl.Series("since", texts), "timestamp", zone)
    assert column.values.to_list() == [first, first, midnight, midnight, None]


def test_a_birthday_is_the_day_that_was_written():
    for zone in ZONES[1:-1]:
        moment = cast("1990-03-01", "timestamp", zone)
        assert isinstance(moment, datetime)
        assert (moment + timedelta(hours=1)).astimezone(ZoneInfo(zone)).date() == date(1990, 3, 1)


def test_a_day_before_the_first_is_refused():
    assert cast("0001-01-01", "timestamp", "America/New_York") is not None
    with pytest.raises(CastError):
        cast("0001-01-01", "timestamp", "Asia/Tokyo")
    for series in (pl.Series("since", ["0001-01-01"]), pl.Series("since", [date(1, 1, 1)])):
        assert list(cast_column(series, "timestamp", "Asia/Tokyo").refusals) == [0]
