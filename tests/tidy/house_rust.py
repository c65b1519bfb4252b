"""Rust source text -> tokens and functions; macros are not expanded and types are not known."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""
    (?P<comment>//[^\n]*)
    | (?P<block>/\*)
    | (?P<raw>\b[bc]?r(?P<hashes>\#*)")
    | (?P<string>(?:\b[bc])?"(?:\\.|[^"\\])*")
    | (?P<char>(?:\bb)?'(?:\\.[^'\n]*|[^'\\\n])')
    | (?P<lifetime>'\w+)
    | (?P<word>(?:r\#)?\w+)
    | (?P<mark>::|\S)
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT_EDGE = re.compile(r"/\*|\*/")
_OPENING, _CLOSING = "([", ")]"


@dataclass(frozen=True)
class Token:
    """A word or a mark of the code; texts, characters and lifetimes are marks without content."""

    text: str
    line: int
    is_word: bool


@dataclass(frozen=True)
class Function:
    """A function with a body."""

    name: str
    line: int
    line_count: int


def tokens(source: str) -> list[Token]:
    """Returns the code without comments, and with empty texts."""
    return list(_scan(source))


def _scan(source: str) -> Iterator[Token]:
    position, line = 0, 1
    while match := _TOKEN.search(source, position):
        line += source.count("\n", position, match.start())
        end = _end(source, match)
        kind = match.lastgroup
        if kind in ("word", "mark"):
            yield Token(match[0], line, kind == "word")
        elif kind not in ("comment", "block"):
            yield Token("''", line, False)
        line += source.count("\n", match.start(), end)
        position = end


def _end(source: str, match: re.Match[str]) -> int:
    """Returns where a token ends; one that is not closed ends with the file."""
    if match["raw"]:
        closing = source.find('"' + match["hashes"], match.end())
        return len(source) if closing < 0 else closing + 1 + len(match["hashes"])
    if not match["block"]:
        return match.end()
    depth, position = 1, match.end()
    while depth and (edge := _COMMENT_EDGE.search(source, position)):
        depth += 1 if edge[0] == "/*" else -1
        position = edge.end()
    return len(source) if depth else position


def functions(source: str) -> list[Function]:
    """Returns the functions that have a body, from `fn` to the closing brace; those within others too."""
    code = tokens(source)
    found = []
    for index, token in enumerate(code[:-1]):
        # `fn` without a name is a type.
        if token.text == "fn" and token.is_word and code[index + 1].is_word:
            last = _body_end(code, index)
            if last is not None:
                found.append(Function(code[index + 1].text, token.line, code[last].line - token.line + 1))
    return found


def _body_end(code: list[Token], start: int) -> int | None:
    """Returns the index of the brace that closes a body, or nothing where a semicolon takes its place."""
    nested, braces = 0, 0
    for index in range(start, len(code)):
        text = code[index].text
        nested += (text in _OPENING) - (text in _CLOSING)
        if text == ";" and nested == 0 and braces == 0:
            return None
        if text == "{" and (nested == 0 or braces):
            braces += 1
        elif text == "}" and braces:
            braces -= 1
            if braces == 0:
                return index
    return None
