"""A node of a syntax tree -> the stretch of text that it covers."""

from nextbest.expression.tokens import Tokens
from nextbest.expression.tree import Call, Const, Node, children


def cover(node: Node, tokens: Tokens) -> tuple[int, int]:
    """Finds offset and length, in characters, of a node's text, without brackets around it."""
    return tokens.stretch(*tokens.balance(*_extent(node, tokens)))


def excerpt(node: Node, tokens: Tokens) -> str:
    """The text that a node was written as."""
    start, length = cover(node, tokens)
    return tokens.text[start : start + length]


def _extent(node: Node, tokens: Tokens) -> tuple[int, int]:
    """First and last token; a node's own token need be neither."""
    firsts: list[int] = []
    lasts: list[int] = []
    pending = [node]
    while pending:
        current = pending.pop()
        if isinstance(current, Call | Const) and current.origin is not None:
            pending.append(current.origin)
            continue
        own = current.token
        word = tokens.words[own]
        firsts.append(own - (word == "." or (word == "(" and tokens.is_name(own - 1))))
        below = children(current)
        ends_after = word == "." or (word == "-" and not below)
        lasts.append(tokens.match(own) if word in "([" else own + ends_after)
        pending += below
    return min(firsts), max(lasts)
