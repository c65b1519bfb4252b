"""Dates of a column, cast to midnight UTC -> the first moments of those days in a time zone."""

from datetime import date, datetime
from typing import Final

import polars as pl

from nextbest.casting.moment import first_moment
from nextbest.casting.stored import MOMENT, Quick

_DATE: Final = r"^\s*[0-9]{4}-[0-9]{2}-[0-9]{2}\s*$"


def begin_days(series: pl.Series, found: Quick, zone: str) -> Quick:
    """Moves dates to the first moment of their day in a time zone; values with a time do not change.

    Args:
        series: The column of the file: text, dates or times.
        found: The values cast from it, in UTC.
        zone: The time zone in which days begin.

    Returns:
        The moments; days that begin before the year 0001 do not change.
    """
    values, left = found
    if series.dtype == pl.String:
        is_date = series.str.contains(_DATE).fill_null(value=False) & values.is_not_null()
    else:
        is_date = values.is_not_null() & (series.dtype == pl.Date)
    midnights = values.filter(is_date).unique().to_list()
    if not midnights:
        return found
    # Thousands of customers share a birthday, so each day is computed once.
    begins = pl.Series(values.name, [_begin(moment.date(), zone) for moment in midnights], MOMENT)
    moved = values.replace(pl.Series(midnights, dtype=MOMENT), begins)
    return moved.zip_with(is_date, values), left | (is_date & moved.is_null())


def has_dates(series: pl.Series) -> bool:
    """Whether a column has dates without a time."""
    if series.dtype == pl.String:
        return bool(series.str.contains(_DATE).any())
    return series.dtype == pl.Date


def _begin(day: date, zone: str) -> datetime | None:
    try:
        return first_moment(day, zone)
    except (ValueError, OverflowError):
        return None
