"""Functions of other languages -> their equivalents in CEL and in the expression language."""

import re
from collections.abc import Callable

from nextbest.expression.foreign.choices import find_choice
from nextbest.expression.foreign.idiom import Idiom, arguments, bracketed, excerpt, foreign_word
from nextbest.expression.foreign.literals import timestamp
from nextbest.expression.foreign.spans import LONG_HELP
from nextbest.expression.tokens import Tokens

NOW = "`now` is the time of the decision"
_BEFORE_DATE = re.compile(r"""\s*(==|!=|[<>]=?)\s*(["']?)\d{4}-\d\d-\d\d\2(?![T\w])""")
_GETTERS = {
    "year": "getFullYear()", "month": "getMonth() + 1", "day": "getDate()", "hour": "getHours()",
    "minute": "getMinutes()", "second": "getSeconds()",
}  # fmt: skip
_METHODS = {
    "includes": "contains", "startswith": "startsWith", "endswith": "endsWith", "any": "exists",
    "some": "exists", "every": "all", "match": "matches", "where": "filter", "getday": "getDayOfWeek",
    "gethour": "getHours", "getminute": "getMinutes", "getyear": "getFullYear",
}  # fmt: skip
_TODAY = {"today", "now", "current_date", "current_timestamp", "getdate", "sysdate", "curdate"}
_LENGTH = {"count", "len", "length", "count_distinct", "cardinality"}
_ABSENT = {"isnull", "is_null", "isblank", "isempty", "is_empty", "isna"}
_DEFAULTED = {"coalesce", "ifnull", "nvl", "default"}
_DATES = {"date", "to_date", "todate", "datetime", "parse_date"}


def find_call(name: str, bracket: int, tokens: Tokens) -> Idiom | None:
    """Explains a call of a function that does not exist.

    Args:
        name: In cel-cpp's spelling, without the part before its dot.
        bracket: The token of its opening bracket.
        tokens: The text.
    """
    given = arguments(bracket, tokens)
    if given is None:
        return None
    first, end = _chain(bracket - 1, tokens), tokens.match(bracket)
    lower = name.lower().removeprefix("math.")
    if lower in {"if", "iif", "iff"}:
        return find_choice(tokens)
    if lower == "not" and len(given) == 1:
        here = tokens.stretch(bracket - 1, bracket - 1)
        return Idiom(foreign_word(tokens.words[bracket - 1]), here, here, "!", "write `!`")
    is_method = first < bracket - 1 and tokens.words[first].lower() != "math"
    if is_method:
        return _method(lower, first, bracket, given, tokens)
    made = _made(lower, given)
    if made is None:
        return None
    replacement, help_ = made
    if replacement is not None:
        replacement = (
            bracketed(replacement, first - 1, end + 1, tokens) if " " in replacement else replacement
        )
    message = f"there is no function `{excerpt(first, bracket - 1, tokens)}`"
    words = _today_words(end, tokens) if lower in _TODAY else "write `{}`"
    marked = tokens.stretch(first, bracket - 1)
    return Idiom(message, marked, tokens.stretch(first, end), replacement, help_, words)


def _today_words(end: int, tokens: Tokens) -> str:
    """The remedy for `TODAY()`, and for a number of days subtracted from it."""
    sign, *days = tokens.words[end + 1 : end + 3] or [""]
    if sign in ("-", "+") and days and days[0].isdigit():
        return f"{NOW}, and {days[0]} days are {24 * int(days[0])} hours: write `{{}}`"
    return f"{NOW}: write `{{}}`"


def _made(name: str, given: list[str]) -> tuple[str | None, str] | None:
    """The replacement of a call, and the remedy in words."""
    for names, make, help_ in _FUNCTIONS:
        if name in names:
            return make(name, given), help_
    if name in _GETTERS and len(given) == 1:
        return f"{given[0]}.{_GETTERS[name]}", f"write `timestamp.{_GETTERS[name]}`"
    return None


def _today(_: str, given: list[str]) -> str | None:
    return "now" if not given else None


def _length(_: str, given: list[str]) -> str | None:
    return f"size({given[0]})" if len(given) == 1 else None


def _best(name: str, given: list[str]) -> str | None:
    if len(given) != 2 or any(" " in item for item in given):
        return None
    sign = ">" if name in {"max", "greatest"} else "<"
    return f"{given[0]} {sign} {given[1]} ? {given[0]} : {given[1]}"


def _date(_: str, given: list[str]) -> str | None:
    if len(given) == 3 and all(item.isdigit() for item in given):
        year, month, day = (int(item) for item in given)
        return timestamp(f"{year:04}-{month:02}-{day:02}")
    found = re.fullmatch(r"""["'](\d{4}-\d\d-\d\d(?:T\S+)?)["']""", given[0]) if len(given) == 1 else None
    return timestamp(found[1]) if found else None


def _absent(_: str, given: list[str]) -> str | None:
    return f"!has({given[0]})" if len(given) == 1 and re.fullmatch(r"\w+\.\w+", given[0]) else None


def _defaulted(_: str, given: list[str]) -> str | None:
    is_reference = len(given) == 2 and re.fullmatch(r"\w+\.\w+", given[0])
    return f"has({given[0]}) ? {given[0]} : {given[1]}" if is_reference else None


def _between(_: str, given: list[str]) -> str | None:
    return f"{given[0]} >= {given[1]} && {given[0]} <= {given[2]}" if len(given) == 3 else None


def _absolute(_: str, given: list[str]) -> str | None:
    return f"{given[0]} < 0 ? -{given[0]} : {given[0]}" if len(given) == 1 and " " not in given[0] else None


def _all(_: str, given: list[str]) -> str | None:
    return " && ".join(f"({item})" if "||" in item or "?" in item else item for item in given) or None


def _any(_: str, given: list[str]) -> str | None:
    return f"({' || '.join(given)})" if given else None


def _in_words(_: str, __: list[str]) -> None:
    return None


_SENTENCES: tuple[tuple[set[str], str], ...] = (
    ({"getdays", "days", "getweeks", "total_days", "total_seconds", "inseconds", "indays"},
     'compare a duration with a duration: `now - customer.since > duration("720h")` is more than 30 days'),
    ({"getmonths", "getyears", "months", "years"}, LONG_HELP),
    ({"substring", "substr", "slice", "left", "right", "mid", "indexof", "charat"},
     'look for a part of a text: `text.startsWith("AB")`, `endsWith`, `contains` or `matches`'),
    ({"split", "replace", "trim", "concat", "join", "format"}, "compute it in the data source"),
)  # fmt: skip
_Make = Callable[[str, list[str]], str | None]
_FUNCTIONS: tuple[tuple[set[str], _Make, str], ...] = (
    (_TODAY, _today, f"{NOW}: write `now`"),
    (_LENGTH, _length, "write `size(...)`"),
    ({"max", "min", "greatest", "least"}, _best, "choose with `a > b ? a : b`"),
    (_DATES, _date, 'write `timestamp("2026-01-31T00:00:00Z")`'),
    (_ABSENT, _absent, "test for presence with `has(customer.attribute)`"),
    (_DEFAULTED, _defaulted, "write `has(customer.attribute) ? customer.attribute : 0`"),
    ({"between"}, _between, "write two comparisons: `value >= lowest && value <= highest`"),
    ({"abs"}, _absolute, "choose with `a < 0 ? -a : a`"),
    ({"datediff", "date_diff", "days_between", "days"}, _in_words,
     'subtract, and compare with a duration: `now - customer.since > duration("720h")`'),
    ({"round", "floor", "ceil", "trunc", "sqrt", "pow", "log"}, _in_words,
     "there is none; `int(...)` leaves out the decimals"),
    ({"and"}, _all, "join conditions with `&&`"),
    ({"or"}, _any, "join conditions with `||`"),
    (_SENTENCES[2][0], _in_words, _SENTENCES[2][1]),
    (_SENTENCES[3][0], _in_words, _SENTENCES[3][1]),
    ({"sum", "avg"}, _in_words, "compute it in the data source"),
)  # fmt: skip


def _method(  # noqa: PLR0911 - one line for each kind
    name: str, first: int, bracket: int, given: list[str], tokens: Tokens
) -> Idiom | None:
    end = tokens.match(bracket)
    stretch, marked = tokens.stretch(first, end), tokens.stretch(bracket - 1, bracket - 1)
    operand = excerpt(first, bracket - 3, tokens)
    message = f"there is no function `{tokens.words[bracket - 1]}`"
    if name in {"length", "count", "len", "size"} and not given:
        return Idiom(message, marked, stretch, f"size({operand})", "write `size(...)`")
    if name in {"equals", "eq"} and len(given) == 1:
        replacement = bracketed(f"{operand} == {given[0]}", first - 1, end + 1, tokens)
        return Idiom(message, marked, stretch, replacement, "write `==`")
    if name == "between" and len(given) == 2:
        replacement = f"{operand} >= {given[0]} && {operand} <= {given[1]}"
        replacement = bracketed(replacement, first - 1, end + 1, tokens)
        return Idiom(message, marked, stretch, replacement, "write two comparisons")
    if name == "count" and len(given) == 1:
        replacement = f"size({operand}.filter(item, item == {given[0]}))"
        return Idiom(
            message, marked, stretch, replacement, "count with `size(list.filter(item, item == ...))`"
        )
    if name == "date" and not given:
        # The remedy for the date that it is compared with follows later.
        rest = tokens.text[tokens.starts[end] + 1 :]
        help_ = 'compare with moments: `now >= timestamp("2026-01-31T00:00:00Z")`'
        return Idiom(message, marked, stretch, operand if _BEFORE_DATE.match(rest) else None, help_)
    for names, help_ in _SENTENCES:
        if name in names:
            return Idiom(message, marked, stretch, None, help_)
    meant = _METHODS.get(name)
    return Idiom(message, marked, marked, meant, f"write `{meant}`") if meant else None


def _chain(token: int, tokens: Tokens) -> int:
    """The first token of the value on which a method is called, with all its dots."""
    first = token
    while first > 1 and tokens.words[first - 1] == ".":
        first -= 2
        if tokens.words[first] in (")", "]"):
            first = tokens.match(first)
            first -= tokens.words[first] == "(" and tokens.is_name(first - 1)
    return first
