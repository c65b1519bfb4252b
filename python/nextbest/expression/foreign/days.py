"""A comparison with a date -> the moments at which its day begins and ends, in the workspace's time zone."""

import re
from datetime import UTC, date, datetime, timedelta

from nextbest._core import start_of_day
from nextbest.diagnostics import Remedy
from nextbest.expression.finding import instead
from nextbest.expression.foreign.idiom import (
    COMPARISONS,
    excerpt,
    left_operand,
    right_operand,
)
from nextbest.expression.tokens import Tokens

_CALL = re.compile(r"""timestamp\(\s*["'](\d{4}-\d\d-\d\d)["']\s*\)""")
_FLIPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


def whole_day(text: str, start: int, tokens: Tokens, zone: str) -> Remedy | None:
    """The remedy for a timestamp without a time of day.

    Args:
        text: Of the call: `timestamp("2026-01-31")`.
        start: Where it begins.
        tokens: All of the text.
        zone: The time zone of the day; empty: UTC.

    Returns:
        None if it is not a date, and if its moments are ambiguous.
    """
    found = _CALL.fullmatch(text)
    try:
        day = date.fromisoformat(found[1]) if found else date.max
    except ValueError:
        return None
    if not date(1, 1, 3) < day < date(9999, 12, 29):
        return None
    first = tokens.at(start)
    last = tokens.match(first + 1)
    begin, end = moment_of(day, zone), moment_of(day + timedelta(days=1), zone)
    where = f"in {zone}" if zone else "in UTC"
    before = tokens.words[first - 1] if first else ""
    after = tokens.words[last + 1] if last + 1 < len(tokens) else ""
    if before in COMPARISONS and right_operand(first - 1, tokens) == last:
        left = left_operand(first - 1, tokens)
        operand, sign, whole = excerpt(left, first - 2, tokens), before, (left, last)
    elif after in COMPARISONS and left_operand(last + 1, tokens) == first:
        right = right_operand(last + 1, tokens)
        operand, sign, whole = excerpt(last + 2, right, tokens), _FLIPPED.get(after, after), (first, right)
    elif before in ("-", "+"):
        return instead(f"give it a time of day, here the day's first moment {where}: `{{}}`", begin,
                       tokens.stretch(first, last))  # fmt: skip
    else:
        return None
    compared = _within(sign, operand, begin, end)
    is_alone = (whole[0] == 0 and whole[1] == len(tokens) - 1) or (
        tokens.words[whole[0] - 1] == "("
        and tokens.match(whole[0] - 1) == whole[1] + 1
        and not tokens.is_name(whole[0] - 2)
    )
    if sign in ("==", "!=") and not is_alone:
        compared = f"({compared})"
    return instead(
        f"a day begins and ends at a moment, here {where}: `{{}}`", compared, tokens.stretch(*whole)
    )


def _within(sign: str, operand: str, begin: str, end: str) -> str:
    """A comparison with a day as one with its moments."""
    return {
        "<": f"{operand} < {begin}",
        ">=": f"{operand} >= {begin}",
        "<=": f"{operand} < {end}",
        ">": f"{operand} >= {end}",
        "==": f"{operand} >= {begin} && {operand} < {end}",
        "!=": f"{operand} < {begin} || {operand} >= {end}",
    }[sign]


def moment_of(day: date, zone: str) -> str:
    """The first moment of a day in CEL, with the offset of the zone."""
    since = timedelta(microseconds=start_of_day(day.year, day.month, day.day, zone))
    moment = datetime(1970, 1, 1, tzinfo=UTC) + since
    offset = datetime(day.year, day.month, day.day, tzinfo=UTC) - moment
    minutes, rest = divmod(offset, timedelta(minutes=1))
    if rest or not minutes:
        return f'timestamp("{moment.replace(tzinfo=None).isoformat()}Z")'
    sign = "-" if minutes < 0 else "+"
    return f'timestamp("{day.isoformat()}T00:00:00{sign}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}")'
