"""Text that cel-cpp cannot read -> one finding that says what a rule author most likely meant."""

import re
from collections.abc import Sequence

from nextbest.expression.finding import Finding, whole
from nextbest.expression.tokens import Tokens

# What people write who know another language, and what CEL has for it.
_FOREIGN = {
    "and": "&&", "or": "||", "not": "!", "=": "==", "&": "&&", "|": "||", "<>": "!=", "===": "==",
    "is": "==", "equals": "==", "=>": ">=", "=<": "<=",
}  # fmt: skip
_PARTNERS = {"(": ")", ")": "(", "[": "]", "]": "[", "{": "}", "}": "{"}
# What word processors make of quotation marks.
_QUOTES = "\u2018\u2019\u201c\u201d\u201e\u00ab\u00bb\u00b4`"
_UNREAD = re.compile(r"token recognition error at: '(.*)'", re.DOTALL)


def explain_syntax_error(reports: Sequence[tuple[int, str]], said: str, tokens: Tokens) -> Finding:
    """Words the first of cel-cpp's reports; the others follow from it.

    Args:
        reports: Offsets and messages.
        said: All that was said, for a text that was given up on.
        tokens: The text.
    """
    text = tokens.text
    if "recursion" in said:
        help_ = "move a part of it to a derived attribute"
        return Finding("NB410", "this is nested too deeply", whole(text), help_)
    if not tokens.words:
        return Finding(
            "NB401", "the expression is empty", whole(text), "write a condition, or remove the line"
        )
    offset, message = reports[0] if reports else (0, said)
    token = max(tokens.at(offset), 0)
    found = _unclosed(tokens) or _foreign(token, tokens) or _foreign(token - 1, tokens)
    return found or _unexpected(offset, token, message, tokens)


def _unexpected(offset: int, token: int, message: str, tokens: Tokens) -> Finding:
    word = tokens.words[token]
    if offset >= len(tokens.text.rstrip()):
        last = len(tokens) - 1
        return Finding(
            "NB401",
            f"something is missing after `{tokens.words[-1]}`",
            tokens.stretch(last, last),
            "complete the expression, or remove what stands at its end",
        )
    stretch = tokens.stretch(token, token)
    if _UNREAD.search(message):
        return Finding("NB401", f"`{word}` means nothing here", stretch, "remove it")
    if token and tokens.words[token - 1] == "." and tokens.is_name(token):
        return Finding(
            "NB401",
            f"`{word}` is a word of the language and cannot name an attribute",
            stretch,
            "give the attribute another name",
        )
    return Finding("NB401", f"`{word}` is not expected here", stretch, _unexpected_help(token, tokens))


def _unexpected_help(token: int, tokens: Tokens) -> str:
    word = tokens.words[token]
    if word == "," and re.fullmatch(r"\d,\d", tokens.text[max(tokens.starts[token] - 1, 0) :][:3]):
        return "decimals have a point: `1.5`"
    if word == "if":
        return "leave it out: a condition is all there is"
    if (tokens.is_name(token) or word == "(") and token:
        return "join two conditions with `&&` or `||`"
    return "look at what stands before it"


def _unclosed(tokens: Tokens) -> Finding | None:
    for place, word in enumerate(tokens.words):
        stretch = tokens.stretch(place, place)
        if word in ("'", '"'):
            start = tokens.starts[place]
            rest = (start, len(tokens.text) - start)
            return Finding("NB401", "the text is not closed", rest, f"add {word} at its end")
        if word in _PARTNERS and tokens.match(place) == place:
            message = f"`{word}` is not {'closed' if word in '([{' else 'opened'}"
            return Finding(
                "NB401", message, stretch, f"add the `{_PARTNERS[word]}` that belongs to it, or remove it"
            )
        if word in _QUOTES:
            message = f"`{word}` is not a quotation mark of the language"
            return Finding("NB401", message, stretch, "write text in straight quotes: \"text\" or 'text'")
    return None


def _foreign(token: int, tokens: Tokens) -> Finding | None:
    if not 0 <= token < len(tokens):
        return None
    word, last = tokens.words[token], token
    following = tokens.words[token + 1] if token + 1 < len(tokens) else ""
    if word == "=" and token and tokens.words[token - 1] == "==":
        word, token = "===", token - 1
    help_ = ""
    if word == "is" and following in ("null", "not"):
        help_ = "ask for presence with `has(customer.attribute)`"
    elif word == "not" and following == "in":
        word, last, help_ = "not in", token + 1, "write `!(value in list)`"
    elif (
        following
        and tokens.starts[token + 1] == tokens.starts[token] + len(word)
        and word + following in _FOREIGN
    ):
        word, last = word + following, token + 1
    meant = _FOREIGN.get(word.lower())
    if not help_ and meant is None:
        return None
    message = f"`{word}` is not a word of the language"
    return Finding("NB401", message, tokens.stretch(token, last), help_ or f"write `{meant}`")
