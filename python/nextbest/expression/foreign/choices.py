"""`IF(a, b, c)`, `if a then b else c`, `b if a else c`, `CASE WHEN a THEN b ELSE c END` -> `a ? b : c`."""

from itertools import pairwise

from nextbest.expression.foreign.idiom import Idiom, arguments, bracketed, excerpt
from nextbest.expression.tokens import Tokens

_HELP = "write `condition ? value : other value`"
_SAID = "a choice is written with `?` and `:`"


def find_choice(tokens: Tokens) -> Idiom | None:
    """Finds a choice of another language."""
    words = [word.lower() for word in tokens.words]
    for token, word in enumerate(words):
        if word in {"if", "iif", "iff"} and words[token + 1 : token + 2] == ["("]:
            found = _called(token, words, tokens)
        elif word == "if":
            found = _worded(token, words, tokens)
        elif word == "case":
            found = _cases(token, words, tokens)
        else:
            continue
        if found is not None:
            return found
    return None


def _called(token: int, words: list[str], tokens: Tokens) -> Idiom | None:
    end = tokens.match(token + 1)
    given = arguments(token + 1, tokens)
    if given is None or len(given) == 1:
        return _worded(token, words, tokens)
    stretch, marked = tokens.stretch(token, end), tokens.stretch(token, token)
    message = f"there is no `{tokens.words[token]}()`: {_SAID}"
    if len(given) != 3:
        return Idiom(message, marked, stretch, None, _HELP)
    return Idiom(message, marked, stretch, bracketed(_choice(*given), token - 1, end + 1, tokens), _HELP)


def _worded(token: int, words: list[str], tokens: Tokens) -> Idiom | None:
    marked = tokens.stretch(token, token)
    message = f"`{tokens.words[token]}` is not a word of the language"
    if "else" not in words[token:]:
        if token or "then" in words:
            return Idiom(message, marked, marked, None, _HELP)
        start = tokens.starts[1] if len(tokens) > 1 else len(tokens.text)
        return Idiom(
            message, marked, (0, start), "", "leave it out; a choice is `condition ? value : other value`"
        )
    other = words.index("else", token)
    last = len(words) - 1
    if "then" in words[token:other] and token == 0:
        then = words.index("then")
        parts = ((1, then - 1), (then + 1, other - 1), (other + 1, last))
    else:
        parts = ((token + 1, other - 1), (0, token - 1), (other + 1, last))
    if any(first > end for first, end in parts):
        return Idiom(f"{message}: {_SAID}", marked, marked, None, _HELP)
    texts = [excerpt(*part, tokens) for part in parts]
    return Idiom(f"{message}: {_SAID}", marked, tokens.stretch(0, last), _choice(*texts), _HELP)


def _cases(token: int, words: list[str], tokens: Tokens) -> Idiom | None:
    """Chains of `WHEN condition THEN value` with an `ELSE`; without one, the remedy is a sentence."""
    marked = tokens.stretch(token, token)
    message = f"`{tokens.words[token]}` is not a word of the language: {_SAID}"
    advice = Idiom(message, marked, marked, None, _HELP)
    if "end" not in words[token:] or words[token + 1 : token + 2] != ["when"]:
        return advice
    end = words.index("end", token)
    parts: list[tuple[str, str]] = []
    starts = [i for i in range(token + 1, end + 1) if words[i] in {"when", "then", "else", "end"}]
    for start, following in pairwise(starts):
        if start + 1 > following - 1:
            return advice
        parts.append((words[start], excerpt(start + 1, following - 1, tokens)))
    kinds = [kind for kind, _ in parts]
    if kinds[-1:] != ["else"] or kinds[:-1] != ["when", "then"] * (len(kinds) // 2) or len(kinds) < 3:
        return advice
    chosen = parts[-1][1]
    for index in range(len(parts) - 3, -1, -2):
        nested = f"({chosen})" if index < len(parts) - 3 else chosen
        chosen = _choice(parts[index][1], parts[index + 1][1], nested)
    stretch = tokens.stretch(token, end)
    return Idiom(message, marked, stretch, bracketed(chosen, token - 1, end + 1, tokens), _HELP)


def _choice(condition: str, value: str, other: str) -> str:
    return f"{condition} ? {value} : {other}"
