"""Operators in words, and signs of other languages -> those of CEL, with their operands."""

import re

from nextbest.expression.foreign.idiom import (
    COMPARISONS,
    Idiom,
    bracketed,
    excerpt,
    foreign_word,
    is_adjacent,
    left_operand,
    right_operand,
)
from nextbest.expression.tokens import Tokens

# Operators that only need another sign.
_SIGNS = {
    "and": "&&", "or": "||", "&": "&&", "|": "||", "=": "==", "<>": "!=", "===": "==", "!==": "!=",
    "=>": ">=",
    "=<": "<=", "is": "==", "equals": "==", "eq": "==", "ne": "!=", "gt": ">", "lt": "<",
    "gte": ">=",
    "lte": "<=", "not": "!", "==>": ">=", "->": ".", "::": ".",
    "~=": "!=", "! =": "!=", "=!": "!=", "= !": "!=",
}  # fmt: skip
# Operators that become a call on the left operand.
_CALLS = {
    "contains": "contains", "includes": "contains", "has": "contains", "matches": "matches", "~": "matches",
    "=~": "matches", "startswith": "startsWith", "endswith": "endsWith", "starts with": "startsWith",
    "ends with": "endsWith", "regexp": "matches", "rlike": "matches",
}  # fmt: skip
# Operators without a single equivalent, and their remedy.
_ABSENT = {
    "^": "write `a != b` for one of two conditions but not both, and `a * a` for a square",
    "!~": 'write `!text.matches("...")`',
}
_LONG = ("??", "===", "!==", "==>", "<>", "=>", "=<", "=~", "->", "::", "~=", "!~", "=!")
_MACROS = {"exists": "exists", "any": "exists", "some": "exists", "all": "all", "every": "all",
           "filter": "filter", "map": "map"}  # fmt: skip
_NEGATABLE = frozenset({"in", "between", "like", "contains", "starts", "ends", "matches"})


def find_operator(tokens: Tokens) -> Idiom | None:
    """Finds the first operator that CEL does not have."""
    for token in range(len(tokens)):
        word, last = _operator(token, tokens)
        found = _explain(word, token, last, tokens)
        if found is not None:
            return found
    return None


def _operator(token: int, tokens: Tokens) -> tuple[str, int]:
    """The operator that begins at a token, in lower case, and its last token."""
    words = tokens.words
    for sign in _LONG:
        last, text = token, words[token]
        while (
            text != sign and sign.startswith(text) and last + 1 < len(words) and is_adjacent(last + 1, tokens)
        ):
            last += 1
            text += words[last]
        if text == sign:
            return sign, last
    pair = " ".join(words[token : token + 2]).lower()
    if pair in {"starts with", "ends with", "is not", "is null", "is empty", "is in", "= =", "! =", "= !"}:
        if pair == "is not" and words[token + 2 : token + 3] and words[token + 2].lower() == "null":
            return "is not null", token + 2
        return pair, token + 1
    return words[token].lower(), token


def _explain(word: str, token: int, last: int, tokens: Tokens) -> Idiom | None:
    if token and tokens.words[token - 1] == "." and word not in _LONG:
        return None
    if word in {"=>", "->"}:
        found = _lambda(token, last, tokens)
        return found or _sign(word, token, last, tokens)
    if word == "in":
        return _listed(token, tokens) or _capital_in(token, tokens)
    span = (left_operand(token, tokens), right_operand(last, tokens))
    found = _of_left(word, (token, last), span, tokens) if span[0] < token else None
    if found is None and word == "not":
        found = _not(token, tokens)
    return found or _sign(word, token, last, tokens)


def _of_left(  # noqa: PLR0911 - one line for each kind
    word: str, sign: tuple[int, int], span: tuple[int, int], tokens: Tokens
) -> Idiom | None:
    """Operators that need their left operand, if there is one."""
    (token, last), (before, after) = sign, span
    following = tokens.words[last + 1].lower() if last + 1 < len(tokens) else ""
    if word == "not" and following in _NEGATABLE:
        return _negated(before, token, tokens)
    if word == "between":
        return _between(before, token, tokens)
    if word in {"is null", "is not null", "is empty"}:
        return _presence(word, before, sign, tokens)
    if last == after:
        return None
    if word == "like":
        return _like(before, token, after, tokens)
    left, right = excerpt(before, token - 1, tokens), excerpt(last + 1, after, tokens)
    if word == "??" and re.fullmatch(r"\w+\.\w+", left):
        text = bracketed(f"has({left}) ? {left} : {right}", before - 1, after + 1, tokens)
        return _idiom(sign, span, text, tokens, "write `has(a) ? a : b`")
    if word in _CALLS and following != "(":
        return _idiom(
            sign, span, f"{left}.{_CALLS[word]}({right})", tokens, f'write `text.{_CALLS[word]}("...")`'
        )
    return None


def _sign(word: str, token: int, last: int, tokens: Tokens) -> Idiom | None:
    if word == "!~" and left_operand(token, tokens) == token:
        # Two negations.
        return None
    if word in _ABSENT:
        return _idiom((token, last), (token, last), None, tokens, _ABSENT[word])
    signs = {"is not": "!=", "is in": "in", "= =": "==", **_SIGNS}
    if word == "~" and left_operand(token, tokens) == token and last + 1 < len(tokens):
        # Between two operands it is a pattern match; before one, it is a negation.
        signs["~"] = "!"
    if word not in signs or (tokens.is_name(token) and (token == 0 or last + 1 == len(tokens))):
        return None
    meant = signs[word]
    spaced = f" {meant} " if tokens.is_name(token) and is_adjacent(token, tokens) else meant
    return _idiom((token, last), (token, last), spaced, tokens, f"write `{meant}`")


def _idiom(
    sign: tuple[int, int], replaced: tuple[int, int], replacement: str | None, tokens: Tokens, help_: str
) -> Idiom:
    message = foreign_word(excerpt(*sign, tokens))
    return Idiom(message, tokens.stretch(*sign), tokens.stretch(*replaced), replacement, help_)


def _lambda(token: int, last: int, tokens: Tokens) -> Idiom | None:
    """`list.any(item => ...)` -> `list.exists(item, ...)`."""
    words = tokens.words
    if token < 4 or words[token - 2] != "(" or not tokens.is_name(token - 1):
        return None
    macro = _MACROS.get(words[token - 3].lower())
    if macro is None or words[token - 4] != ".":
        return None
    replacement = f"{macro}({words[token - 1]}, "
    stretch = (token - 3, last)
    end = tokens.starts[last + 1] if last + 1 < len(tokens) else len(tokens.text)
    start = tokens.starts[stretch[0]]
    message = f"`{excerpt(token, last, tokens)}` is not an operator of the language"
    help_ = f"write `list.{macro}(item, ...)`"
    return Idiom(message, tokens.stretch(token, last), (start, end - start), replacement, help_)


def _negated(before: int, token: int, tokens: Tokens) -> Idiom:
    """`a not in b` -> `!(a in b)`; `in` and others are handled by the next pass."""
    last = token + 1
    if tokens.words[last].lower() == "between":
        last = _between_end(last, tokens)
    else:
        last = right_operand(last + (tokens.words[last].lower() in {"starts", "ends"}), tokens)
    operand = excerpt(before, token - 1, tokens)
    replacement = f"!({operand} {excerpt(token + 1, last, tokens)})" if last > token + 1 else None
    return _idiom((token, token + 1), (before, last), replacement, tokens, "write `!(...)`")


def _not(token: int, tokens: Tokens) -> Idiom | None:
    """`not a == b` negates the comparison, in SQL as in Python."""
    if token + 1 >= len(tokens):
        return None
    end, is_compared = token, False
    while end + 1 < len(tokens):
        word = tokens.words[end + 1]
        if word in {"&&", "||", "&", "|", ",", ")", "]", "?", ":"} or word.lower() in {
            "and",
            "or",
            "then",
            "else",
        }:
            break
        is_compared = is_compared or word in COMPARISONS or word.lower() in {"in", "is", "like", "contains"}
        if word.lower() == "between":
            is_compared, end = True, _between_end(end + 1, tokens)
            continue
        end = max(tokens.match(end + 1), end + 1)
    if end == token:
        return None
    operand = excerpt(token + 1, end, tokens)
    replacement = f"!({operand})" if is_compared else f"!{operand}"
    return _idiom((token, token), (token, end), replacement, tokens, "write `!`")


def _between_end(token: int, tokens: Tokens) -> int:
    middle = right_operand(token, tokens)
    return right_operand(middle + 1, tokens) if middle + 1 < len(tokens) else middle


def _between(before: int, token: int, tokens: Tokens) -> Idiom:
    middle = right_operand(token, tokens)
    end = _between_end(token, tokens)
    joint = tokens.words[middle + 1].lower() if middle + 1 < len(tokens) else ""
    replacement = None
    if middle > token and end > middle + 1 and joint in {"and", "&&"}:
        value = excerpt(before, token - 1, tokens)
        low, high = excerpt(token + 1, middle, tokens), excerpt(middle + 2, end, tokens)
        replacement = f"{value} >= {low} && {value} <= {high}"
        replacement = bracketed(replacement, before - 1, end + 1, tokens)
    help_ = "write two comparisons: `value >= lowest && value <= highest`"
    return _idiom((token, token), (before, end), replacement, tokens, help_)


def _presence(word: str, before: int, sign: tuple[int, int], tokens: Tokens) -> Idiom:
    negation = "" if word == "is not null" else "!"
    operand = excerpt(before, sign[0] - 1, tokens)
    is_reference = re.fullmatch(r"\w+\.\w+", operand) is not None
    replacement = f"{negation}has({operand})" if is_reference else None
    if word == "is empty":
        replacement = f"size({operand}) == 0"
    help_ = "test for presence with `has(customer.attribute)`"
    return _idiom(sign, (before, sign[1]), replacement, tokens, help_)


def _like(before: int, token: int, after: int, tokens: Tokens) -> Idiom:
    operand, pattern = excerpt(before, token - 1, tokens), excerpt(token + 1, after, tokens)
    found = re.fullmatch(r"""(["'])(%?)([^%_"'\\]*)(%?)\1""", pattern)
    replacement = None
    if found is not None:
        quote, leading, text, trailing = found.groups()
        function = {("%", "%"): "contains", ("", "%"): "startsWith", ("%", ""): "endsWith"}.get(
            (leading, trailing)
        )
        text = f"{quote}{text}{quote}"
        replacement = f"{operand}.{function}({text})" if function else f"{operand} == {text}"
    help_ = 'write `contains`, `startsWith`, `endsWith` or `matches`: `text.startsWith("...")`'
    return _idiom((token, token), (before, after), replacement, tokens, help_)


def _capital_in(token: int, tokens: Tokens) -> Idiom | None:
    if tokens.words[token] == "in" or not 0 < token < len(tokens) - 1:
        return None
    return _idiom((token, token), (token, token), "in", tokens, "write `in`")


def _listed(token: int, tokens: Tokens) -> Idiom | None:
    """`in (1, 2)` and `in 1, 2` -> `in [1, 2]`."""
    first = token + 1
    if first >= len(tokens):
        return None
    end = tokens.match(first)
    is_bracketed = tokens.words[first] == "(" and end > first + 1
    if not is_bracketed and tokens.is_value(first) and tokens.words[first + 1 : first + 2] == [","]:
        end = first
        while end + 2 < len(tokens) and tokens.words[end + 1] == "," and tokens.is_value(end + 2):
            end += 2
        if any(tokens.words[index] in "([" and tokens.match(index) > end for index in range(token)):
            return None
        inner = excerpt(first, end, tokens)
    elif is_bracketed and (tokens.words[first + 2] == "," or end == first + 2):
        inner = excerpt(first + 1, end - 1, tokens)
    else:
        return None
    message = "a list is written in square brackets"
    stretch = tokens.stretch(first, end)
    return Idiom(message, stretch, stretch, f"[{inner}]", "write `value in [first, second]`")
