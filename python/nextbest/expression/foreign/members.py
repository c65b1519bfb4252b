"""Members that other languages read after a dot or in brackets -> their equivalents in CEL."""

from nextbest.expression.foreign.idiom import Idiom, bracketed, excerpt, left_operand
from nextbest.expression.tokens import Tokens

_GETTERS = {
    "year": "getFullYear()", "month": "getMonth() + 1", "day": "getDate()", "hour": "getHours()",
    "minute": "getMinutes()", "second": "getSeconds()", "hours": "getHours()", "minutes": "getMinutes()",
    "dayofweek": "getDayOfWeek()", "day_of_week": "getDayOfWeek()", "weekday": "getDayOfWeek()",
    "dayofyear": "getDayOfYear() + 1", "date": "getDate()",
}  # fmt: skip
_HELP = {
    "month": "`getMonth()` counts from 0: write `getMonth() + 1`",
    "weekday": "`getDayOfWeek()` counts from 0, which is Sunday",
}


def find_member(dot: int, type_: str, tokens: Tokens) -> Idiom | None:
    """Explains `.name` after a value that has no attributes.

    Args:
        dot: Its token.
        type_: The type of the value, in cel-cpp's spelling.
        tokens: The text.
    """
    if dot + 1 >= len(tokens) or not dot:
        return None
    name = tokens.words[dot + 1].lower()
    first = left_operand(dot, tokens)
    while first < dot and tokens.words[first] in "+-*/%!":
        first += 1
    operand, written = excerpt(first, dot - 1, tokens), tokens.words[dot + 1]
    marked, stretch = tokens.stretch(dot, dot + 1), tokens.stretch(first, dot + 1)
    message = f"`{operand}` has no `{written}`"
    if type_.endswith("Timestamp") and name in _GETTERS:
        replacement: str | None = f"{operand}.{_GETTERS[name]}"
        if replacement is not None and " " in replacement:
            replacement = bracketed(replacement, first - 1, dot + 2, tokens)
        if name == "weekday":
            replacement = None
        return Idiom(message, marked, stretch, replacement, _HELP.get(name, f"write `{_GETTERS[name]}`"))
    if name in {"length", "size", "count", "len"} and (type_ == "string" or type_.startswith("list")):
        return Idiom(message, marked, stretch, f"size({operand})", "write `size(...)`")
    return None
