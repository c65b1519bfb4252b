"""A value that an expression never has -> its range, the first value of a part of a date, and the remedy."""

from nextbest.diagnostics.remedy import Remedy
from nextbest.expression import literal as lit
from nextbest.expression.analysis import Analysis
from nextbest.expression.literal import Test
from nextbest.expression.rendering import render, render_value
from nextbest.expression.tree import NUMBERS, TIMESTAMP, Call

_COUNTS = {
    "GET_MONTH": "months count from 0: January is 0, December is 11",
    "GET_DATE": "`getDate()` counts the days of a month from 1",
    "GET_DAY_OF_MONTH": "`getDayOfMonth()` counts from 0, `getDate()` from 1",
    "GET_DAY_OF_WEEK": "days of the week count from 0: Sunday is 0, Saturday is 6",
    "GET_DAY_OF_YEAR": "days of the year count from 0: 1 January is 0, 31 December is 364 or 365",
    "GET_HOURS": "hours count from 0 to 23",
    "GET_MINUTES": "minutes count from 0 to 59",
    "GET_SECONDS": "seconds count from 0 to 59",
    "GET_MILLISECONDS": "milliseconds count from 0 to 999",
}
# The intended part of the date for a value that is one too large.
_MEANT = {
    ("GET_MONTH", 12): 11,
    ("GET_DATE", 0): 1,
    ("GET_DAY_OF_WEEK", 7): 0,
    ("GET_DAY_OF_YEAR", 366): 365,
    ("GET_HOURS", 24): 0,
    ("GET_MINUTES", 60): 0,
    ("GET_SECONDS", 60): 0,
    ("GET_MILLISECONDS", 1000): 0,
}


def where_counting_begins(test: Test) -> str:
    """Words the range of a part of a date, and the remedy; empty for other tests."""
    part = test.feature
    if not isinstance(part, Call) or part.operation not in _COUNTS or part.args[0].type != TIMESTAMP:
        return ""
    counts = _COUNTS[part.operation]
    if test.kind != lit.COMPARISON or test.operator != "EQ":
        return counts
    sign = "!=" if test.negated else "=="
    if part.operation == "GET_DAY_OF_MONTH" and test.value == 31:
        date = Call(part.type, part.token, "GET_DATE", part.args, part.parameter)
        return Remedy(f"{counts}; write `{{}}`", f"{render(date)} {sign} 31")
    meant = _MEANT.get((part.operation, test.value)) if isinstance(test.value, int) else None
    return counts if meant is None else Remedy(f"{counts}; write `{{}}`", f"{render(part)} {sign} {meant}")


def why_never(test: Test, analysis: Analysis) -> str:
    """The range that a test is outside of, and the remedy."""
    counting = where_counting_begins(test)
    if counting or test.kind != lit.COMPARISON or test.feature.type not in NUMBERS:
        return counting or "correct it"
    low, high = analysis.ranges.bounds(test.feature)
    bounds = [f"at least {render_value(low)}"] if low is not None else []
    bounds += [f"at most {render_value(high)}"] if high is not None else []
    return f"`{render(test.feature)}` is {' and '.join(bounds)}" if bounds else "correct it"
