"""Text that cel-cpp cannot parse -> one finding with the most probable intention of the author."""

import re
from collections.abc import Sequence

from nextbest.diagnostics import Remedy
from nextbest.expression.finding import Finding, instead, whole
from nextbest.expression.foreign import find_idiom
from nextbest.expression.foreign.characters import QUOTES
from nextbest.expression.tokens import Tokens

_PARTNERS = {"(": ")", ")": "(", "[": "]", "]": "[", "{": "}", "}": "{"}
# Characters with which other languages end an expression or a line.
_ENDING = frozenset(";\\")
# Tokens of a condition, as opposed to the text that it compares.
_CONDITION = re.compile(r"&&|\|\||[()\[\]{},<>=?]|\b(customer|context|action)\s*\.|\bnow\b")
_UNREAD = re.compile(r"token recognition error at: '(.*)'", re.DOTALL)


def explain_syntax_error(reports: Sequence[tuple[int, str]], report: str, tokens: Tokens) -> Finding:
    """Words the first of cel-cpp's reports; the others are consequences.

    Args:
        reports: Offsets and messages.
        report: The whole report if cel-cpp gave up.
        tokens: The text.
    """
    text = tokens.text
    if "recursion" in report:
        help_ = "move a part of it to a derived attribute"
        return Finding("NB410", "this is nested too deeply", whole(text), help_)
    if not tokens.words:
        return Finding(
            "NB401", "the expression is empty", whole(text), "write a condition, or remove the line"
        )
    offset, message = reports[0] if reports else (0, report)
    token = max(tokens.at(offset), 0)
    found = _unclosed_text(tokens)
    if found is None:
        idiom = find_idiom(tokens)
        found = idiom.finding() if idiom is not None else _unclosed(tokens)
    return found or _unexpected(offset, token, message, tokens)


def _unexpected(offset: int, token: int, message: str, tokens: Tokens) -> Finding:
    word = tokens.words[token]
    if offset >= len(tokens.text.rstrip()):
        last = len(tokens) - 1
        return Finding(
            "NB401",
            f"something is missing after `{tokens.words[-1]}`",
            tokens.stretch(last, last),
            "complete the expression, or remove what is at its end",
        )
    stretch = tokens.stretch(token, token)
    if word in (";", ",") and token and token == len(tokens) - 1:
        message = f"an expression does not end with `{word}`"
        return Finding("NB401", message, stretch, instead("write `{}`", "", stretch), "remove it")
    if _UNREAD.search(message):
        return Finding("NB401", f"`{word}` has no meaning here", stretch, _unread_help(token, tokens))
    if token and tokens.words[token - 1] == "." and tokens.is_name(token):
        return Finding(
            "NB401",
            f"`{word}` is a word of the language and cannot name an attribute",
            stretch,
            "give the attribute another name",
        )
    return Finding("NB401", f"`{word}` is not expected here", stretch, _unexpected_help(token, tokens))


def _unread_help(token: int, tokens: Tokens) -> str | Remedy:
    word = tokens.words[token]
    if word == "#":
        # In folded text, the comment and the lines after it are one line: its end is unknown.
        return "a comment begins with `//`"
    if word in _ENDING and token == len(tokens) - 1:
        return instead("write `{}`", "", tokens.stretch(token, token))
    if word == ";":
        return "join two conditions with `&&` or `||`"
    # It may be a negation or an operator: without it, the rule could mean the opposite.
    return "write its equivalent in CEL (`!` is not, `&&` is and, `||` is or), or remove it"


def _unexpected_help(token: int, tokens: Tokens) -> str:
    word = tokens.words[token]
    if (tokens.is_name(token) or word == "(") and token:
        return "join two conditions with `&&` or `||`"
    return f"check the text before it: `{tokens.words[token - 1]}`" if token else "remove it"


def _unclosed_text(tokens: Tokens) -> Finding | None:
    """A quotation mark without its partner; the mark at the end of the text may be the wrong one."""
    for place, word in enumerate(tokens.words):
        if word not in ("'", '"'):
            continue
        start = tokens.starts[place]
        rest = (start, len(tokens.text) - start)
        written = tokens.text[start:].rstrip()
        ends_wrongly = len(written) > 2 and written[-1] in QUOTES + "'\""
        inner = written[1:-1] if ends_wrongly else written[1:]
        sentence = f"add {word} at its end"
        if _CONDITION.search(inner):
            # The rest of the condition must not become a part of the text.
            return Finding("NB401", "the text is not closed", rest, sentence)
        closed = instead("write `{}`", f"{word}{inner}{word}", rest)
        return Finding("NB401", "the text is not closed", rest, closed, sentence)
    return None


def _unclosed(tokens: Tokens) -> Finding | None:
    for place, word in enumerate(tokens.words):
        if word not in _PARTNERS or tokens.match(place) != place:
            continue
        stretch, partner = tokens.stretch(place, place), _PARTNERS[word]
        help_ = f"add the `{partner}` that belongs to it, or remove it"
        if word not in "([{":
            return Finding("NB401", f"`{word}` is not opened", stretch, help_)
        if {"&&", "||", "?"} & set(tokens.words[place:]):
            return Finding("NB401", f"`{word}` is not closed", stretch, help_)
        # It can only end at the end of the text.
        closed = instead("write `{}`", partner, (len(tokens.text.rstrip()), 0))
        return Finding("NB401", f"`{word}` is not closed", stretch, closed, help_)
    return None
