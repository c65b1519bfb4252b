"""Dates that are compared: what a remedy writes holds for whole days of the workspace's time zone."""

from datetime import date, timedelta

import pytest
from bank_schema import bank, source

from nextbest._core import start_of_day
from nextbest.expression import Expressions, Schema
from nextbest.expression.foreign.days import moment_of
from nextbest.expression.value import parse_timestamp


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("customer.since >= 2026-01-01", 'customer.since >= timestamp("2026-01-01T00:00:00+01:00")'),
        ("customer.since < 2026-07-01", 'customer.since < timestamp("2026-07-01T00:00:00+02:00")'),
        ("customer.since > '2026-01-01'", 'customer.since >= timestamp("2026-01-02T00:00:00+01:00")'),
        ("now <= 2026-12-24", 'now < timestamp("2026-12-25T00:00:00+01:00")'),
        ("2026-12-24 >= now", 'now < timestamp("2026-12-25T00:00:00+01:00")'),
        (
            "customer.since == DATE '2026-03-29' && customer.vip",
            (
                '(customer.since >= timestamp("2026-03-29T00:00:00+01:00") && '
                'customer.since < timestamp("2026-03-30T00:00:00+02:00")) && customer.vip'
            ),
        ),
        (
            'customer.since != timestamp("2026-01-01")',
            (
                'customer.since < timestamp("2026-01-01T00:00:00+01:00")'
                ' || customer.since >= timestamp("2026-01-02T00:00:00+01:00")'
            ),
        ),
        (
            "customer.since between 2026-01-01 and 2026-06-30",
            (
                'customer.since >= timestamp("2026-01-01T00:00:00+01:00")'
                ' && customer.since < timestamp("2026-07-01T00:00:00+02:00")'
            ),
        ),
    ],
)
def test_a_remedy_names_moments_of_the_workspace(written: str, meant: str) -> None:
    expressions = Expressions(Schema(bank(), "Europe/Berlin"))
    expressions.condition(source(written))
    (found,) = expressions.diagnostics
    assert f"`{meant}`" in found.help


def test_without_a_time_zone_days_are_those_of_utc() -> None:
    expressions = Expressions(Schema(bank()))
    expressions.condition(source("customer.since <= 2026-06-30"))
    assert '`customer.since < timestamp("2026-07-01T00:00:00Z")`' in expressions.diagnostics[0].help


def test_a_date_that_is_not_compared_gets_a_sentence() -> None:
    expressions = Expressions(Schema(bank(), "Europe/Berlin"))
    expressions.condition(source('customer.since in [timestamp("2026-01-01")]'))
    (found,) = expressions.diagnostics
    assert (found.code, found.fix) == ("NB411", None)
    assert found.help == "write a timestamp as `2026-01-31T09:00:00Z`"


# Clocks that are put forward at midnight, half hours, and seconds before there were zones.
@pytest.mark.parametrize(
    "zone", ["", "UTC", "Europe/London", "America/Havana", "Africa/Cairo", "Asia/Kolkata", "-03:30"]
)
@pytest.mark.parametrize("year", [1890, 2014, 2026])
def test_moments_are_the_first_of_their_days(zone: str, year: int) -> None:
    for ordinal in range(366):
        day = date(year, 1, 1) + timedelta(days=ordinal)
        text = moment_of(day, zone).split('"')[1]
        assert parse_timestamp(text).us == start_of_day(day.year, day.month, day.day, zone)
