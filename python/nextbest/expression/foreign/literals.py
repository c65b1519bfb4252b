"""Numbers, dates and lists as other languages write them -> as CEL does."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from nextbest.expression.foreign.idiom import Idiom, is_adjacent
from nextbest.expression.foreign.spans import HELP, LONG_HELP, read_span
from nextbest.expression.tokens import Tokens

DATE_HELP = 'write a date as a moment: `timestamp("2026-01-31T00:00:00Z")`'
_WORDS = {"date", "timestamp", "timedelta", "interval"}
_ZEROS = {"k": 3, "m": 6}


@dataclass(frozen=True, slots=True)
class _Habit:
    """A foreign literal.

    Attributes:
        pattern: Of the whole literal.
        message: Follows the literal in the message.
        write: Its equivalent in CEL; empty if it is ambiguous.
        help: The remedy if there is no replacement.
        is_list_safe: Whether it may occur between commas.
    """

    pattern: re.Pattern[str]
    message: str
    write: Callable[[re.Match[str]], str] = lambda _: ""
    help: str | Callable[[re.Match[str]], str] = ""
    is_list_safe: bool = True


def timestamp(text: str) -> str:
    """A date or time in CEL; `whole_day` decides which moments of a date are intended."""
    return f'timestamp("{text}")'


def _days(found: re.Match[str]) -> str:
    span = read_span(found[0])
    return f'duration("{span[0]}")' if span else ""


def _units(found: re.Match[str]) -> str:
    span = read_span(f"{found['count']} {found['unit'].lower()}")
    return f'duration("{span[0]}")' if span else ""


def _digits(found: re.Match[str]) -> str:
    return re.sub("[_,]", "", found[0])


def _scaled(found: re.Match[str]) -> str:
    decimals, zeros = found[2] or "", _ZEROS[found[3].lower()]
    return str(int(found[1] + decimals.ljust(zeros, "0")[:zeros])) if len(decimals) <= zeros else ""


def _readings(found: re.Match[str]) -> str:
    whole, decimals = found[0].split(",")
    decimal = f"{whole}.{decimals.rstrip('0') or '0'}"
    return f"write {int(whole + decimals)} or {decimal}: numbers have no `,`"


_HABITS = (
    _Habit(re.compile(r"(?i:date|timestamp) ?(?:'|\")(\d{4}-\d\d-\d\d)(?:'|\")"),
           "is not a literal of the language", lambda found: timestamp(found[1]), DATE_HELP),
    _Habit(re.compile(r"timedelta\( *(?P<unit>days|hours|minutes|weeks|seconds) *= *(?P<count>\d+) *\)"),
           "is not a duration of the language", _units, HELP),
    _Habit(re.compile(r"(?i:interval) *[\"']?(?P<count>\d+)[\"']? *(?P<unit>[A-Za-z]+)[\"']?"),
           "is not a duration of the language", _units, HELP),
    _Habit(re.compile(r"\d{4}-\d\d-\d\d(T[\d:.]+(Z|[+-]\d\d:\d\d))?(?![\w-])"),
           "is a subtraction, not a date", lambda found: timestamp(found[0]), DATE_HELP),
    _Habit(re.compile(r"\d+(_\d+)+(\.\d+)?(?!\w)"), "has `_` in a number", _digits),
    _Habit(re.compile(r"\d{1,3}(\.\d{3})+,\d+(?![\w.])"), "is not a number of the language",
           lambda found: found[0].replace(".", "").replace(",", "."), is_list_safe=False),
    _Habit(re.compile(r"\d{1,3}(,\d{3})+\.\d+(?![\w.,])|\d{1,3}(,\d{3}){2,}(?![\w.,])"),
           "has `,` in a number", _digits, is_list_safe=False),
    _Habit(re.compile(r"\d{1,3},\d{3}(?![\w.,])"), "can be read in two ways",
           help=_readings, is_list_safe=False),
    _Habit(re.compile(r"\d+,\d+(?![\w.,])"), "has `,` in a number", lambda found: found[0].replace(",", "."),
           is_list_safe=False),
    _Habit(re.compile(r"(\d+(?:\.\d+)?) ?% +of(?!\w)"), "is not an operator of the language",
           lambda found: f"{float(Fraction(found[1]) / 100)} *", "multiply: `0.8 * value` is 80%"),
    _Habit(re.compile(r"\d+(\.\d+)? ?%(?! *[\w(.])"), "is not a number of the language",
           help="write a share as 0.5, and percentage points as 50"),
    _Habit(re.compile(r"(\d+)(?:\.(\d+))?([kKM])(?!\w)"), "is not a number of the language", _scaled),
    _Habit(re.compile(r"\d+(\.\d+)? ?(days?|d|hours?|h|minutes?|min|weeks?|w|seconds?|s)(?![\w(.])"),
           "is not a duration", _days, HELP),
    _Habit(re.compile(r"\d+ ?(months?|years?)(?![\w(.])"), "is not a duration", help=LONG_HELP),
    _Habit(re.compile(r"[$\u20ac\u00a3] ?(\d+(\.\d+)?)|(\d+(\.\d+)?) ?([$\u20ac\u00a3]|(EUR|USD|GBP)(?!\w))"),
           "has a currency", lambda found: found[1] or found[3]),
)  # fmt: skip


def find_literal(tokens: Tokens) -> Idiom | None:
    """Finds a literal of another language; before operators, because they contain `-`, `,` and `%`."""
    for token in range(len(tokens)):
        found = _literal(token, tokens) or _item(token, tokens)
        if found is not None:
            return found
    return None


def _literal(token: int, tokens: Tokens) -> Idiom | None:
    word = tokens.words[token]
    starts = word[0].isdigit() or word[0] in "$\u20ac\u00a3" or word.lower() in _WORDS
    if not starts or (is_adjacent(token, tokens) and tokens.is_name(token - 1)):
        return None
    text, start = tokens.text, tokens.starts[token]
    for habit in _HABITS:
        found = habit.pattern.match(text, start)
        if found is None or not (habit.is_list_safe or _stands_alone(token, tokens)):
            continue
        stretch = (start, found.end() - start)
        new = habit.write(found)
        if new.startswith("duration(") and tokens.words[max(token - 2, 0) : token] == ["duration", "("]:
            new = new[len("duration(") : -1]
        help_ = habit.help if isinstance(habit.help, str) else habit.help(found)
        message = f"`{found[0]}` {habit.message}"
        return Idiom(message, stretch, stretch, new or None, help_ or f"write {new}")
    return None


def _stands_alone(token: int, tokens: Tokens) -> bool:
    """Whether a comma after a number can only be a part of it: no call or list is open."""
    opened: list[int] = []
    for index in range(token):
        if tokens.words[index] in ("(", "["):
            opened.append(index)
        elif tokens.words[index] in (")", "]") and opened:
            opened.pop()
    return all(tokens.words[index] == "(" and not tokens.is_name(index - 1) for index in opened) and not (
        opened and tokens.words[opened[-1] - 1].lower() == "in"
    )


def _item(token: int, tokens: Tokens) -> Idiom | None:
    """Two adjacent values in a list without a comma."""
    if not (token and tokens.is_value(token - 1) and tokens.is_value(token)):
        return None
    opened = [index for index in range(token) if tokens.words[index] in "([{" and tokens.match(index) > token]
    if not opened or tokens.words[opened[-1]] != "[":
        return None
    before, word = tokens.words[token - 1], tokens.words[token]
    end = tokens.starts[token - 1] + len(before)
    message = f"a comma is missing between `{before}` and `{word}`"
    return Idiom(message, tokens.stretch(token - 1, token), (end, 0), ",", "put a comma between the two")
