"""A foreign construct in a text, and the operands around it."""

import re
from dataclasses import dataclass

from nextbest.diagnostics.remedy import Stretch
from nextbest.expression.finding import Finding, instead
from nextbest.expression.tokens import Tokens

# Words that end an operand, in whatever language.
WORDS = frozenset(
    {"and", "or", "not", "in", "is", "between", "like", "then", "else", "when", "end", "if", "contains"}
)  # fmt: skip
COMPARISONS = frozenset({"==", "!=", "<", "<=", ">", ">=", "="})
_ENDS = frozenset({"&&", "||", ",", "?", ":", "!", "&", "|", ";"}) | COMPARISONS
_OPENING, _CLOSING = frozenset("([{"), frozenset(")]}")


@dataclass(frozen=True, slots=True)
class Idiom:
    """A foreign construct.

    Attributes:
        message: As in a finding.
        marked: Where it is.
        stretch: The part to replace, with its operands.
        replacement: Its equivalent in CEL; None if there is none.
        help: The remedy if there is no replacement, or if that has errors itself.
        words: The remedy around the text.
    """

    message: str
    marked: Stretch
    stretch: Stretch
    replacement: str | None
    help: str
    words: str = "write `{}`"

    def finding(self, code: str = "NB401") -> Finding:
        """The finding about it."""
        if self.replacement is None:
            return Finding(code, self.message, self.marked, self.help)
        remedy = instead(self.words, self.replacement, self.stretch)
        return Finding(code, self.message, self.marked, remedy, self.help)


def foreign_word(word: str) -> str:
    """The message about a word that CEL does not have."""
    return f"`{word}` is not a word of the language"


def excerpt(first: int, last: int, tokens: Tokens) -> str:
    """The text of tokens."""
    start, length = tokens.stretch(first, last)
    return tokens.text[start : start + length]


def is_adjacent(token: int, tokens: Tokens) -> bool:
    """Whether a token follows the one before it without space."""
    return token > 0 and tokens.starts[token - 1] + len(tokens.words[token - 1]) == tokens.starts[token]


def left_operand(token: int, tokens: Tokens) -> int:
    """The first token of the operand that ends right before a token; the token itself when there is none."""
    first = token
    while first > 0:
        word = tokens.words[first - 1]
        if word in _ENDS or word in _OPENING or word.lower() in WORDS:
            break
        first = tokens.match(first - 1) if word in _CLOSING else first - 1
    return first


def right_operand(token: int, tokens: Tokens) -> int:
    """The last token of the operand that begins right after a token; the token itself when there is none."""
    last = token
    while last + 1 < len(tokens):
        word = tokens.words[last + 1]
        if word in _ENDS or word in _CLOSING or word.lower() in WORDS:
            break
        last = tokens.match(last + 1) if word in _OPENING else last + 1
    return last


def arguments(bracket: int, tokens: Tokens) -> list[str] | None:
    """The arguments of a call, by its opening bracket; None when the bracket is not closed."""
    end = tokens.match(bracket)
    if end == bracket:
        return None
    found, first, token = [], bracket + 1, bracket + 1
    separator = ";" if separators(bracket, tokens) else ","
    while token < end:
        if tokens.words[token] == separator:
            if token == first:
                return None
            found.append(excerpt(first, token - 1, tokens))
            first = token + 1
        token = max(tokens.match(token), token) + 1
    if first < end:
        found.append(excerpt(first, end - 1, tokens))
    return found


def separators(bracket: int, tokens: Tokens) -> list[int]:
    """The semicolons directly inside a bracket: some spreadsheets separate arguments with them."""
    found, token = [], bracket + 1
    while token < tokens.match(bracket):
        if tokens.words[token] == ";":
            found.append(token)
        token = max(tokens.match(token), token) + 1
    return found


def bracketed(text: str, before: int, after: int, tokens: Tokens) -> str:
    """Puts brackets around a text unless the neighbouring operators bind less tightly than those in it."""
    left = tokens.words[before].lower() if before >= 0 else "("
    right = tokens.words[after].lower() if after < len(tokens) else ")"
    opening, closing = {"(", ",", "["}, {")", ",", "]"}
    if " ? " not in text:
        opening |= {"&&", "&", "||", "|", "?", ":", "and", "or", "then", "else", "if", "when"}
        closing |= {"&&", "&", "||", "|", "?", ":"} | WORDS
        if not re.search("[<>=&]", text):
            opening |= COMPARISONS
            closing |= COMPARISONS
    return text if left in opening and right in closing else f"({text})"
