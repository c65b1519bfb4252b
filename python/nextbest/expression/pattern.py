r"""A regular expression in RE2's syntax -> one with the same meaning in RE2 and in the engine.

In the engine, `\d`, `\w`, `\s` and `\b` include all of Unicode, and some characters have a special meaning
inside brackets; in RE2, which CEL prescribes, neither is so. Differences are written out; a pattern for which
that is impossible is refused.
"""

import re

PATTERN_BYTES_MAX = 500

_CLASSES = {"d": "0-9", "w": "0-9A-Za-z_", "s": r"\t\n\f\r "}
_REFUSED = re.compile(r"\\[CQEB0-9]|\\p\{\^|\\P\{\^")
_OUTSIDE = re.compile(
    r"(?P<escape>\\(?:[pPx]\{[^}]*\}|.))|(?P<open>\[\^?\]?)|(?P<brace>\{(?!\d+(?:,\d*)?\}))|.", re.DOTALL
)
_INSIDE = re.compile(
    r"(?P<escape>\\(?:[pPx]\{[^}]*\}|.))|(?P<named>\[:\^?\w+:\])|(?P<close>\])|(?P<special>[\[&~])|.",
    re.DOTALL,
)


class PatternError(ValueError):
    """A pattern that has no equivalent; the message is the remedy."""


def carry_over(pattern: str) -> str:
    r"""Rewrites a pattern that RE2 accepts.

    Args:
        pattern: As in `matches("...")`.

    Returns:
        The same language: `\d` as `[0-9]`, `\b` as `(?-u:\b)`. At most twice as long as allowed.

    Raises:
        PatternError: It is too long, or uses a feature of RE2 alone.
    """
    if len(pattern.encode()) > PATTERN_BYTES_MAX:
        raise PatternError(f"use at most {PATTERN_BYTES_MAX} bytes")
    refused = _REFUSED.search(pattern.replace(r"\\", "  "))
    if refused is not None:
        raise PatternError(f"write it without `{refused.group()}`")
    if "--" in pattern and "[" in pattern:
        raise PatternError(r"inside brackets, write a hyphen as `\-`")
    written: list[str] = []
    place, inside = 0, False
    while place < len(pattern):
        found = (_INSIDE if inside else _OUTSIDE).match(pattern, place)
        if found is None:
            break
        kind, piece = found.lastgroup, found.group()
        written.append(_rewrite(kind, piece, inside=inside))
        inside = kind == "open" or (inside and kind != "close")
        place = found.end()
    return "".join(written)


def _rewrite(kind: str | None, piece: str, *, inside: bool) -> str:
    match kind:
        case "escape":
            return _escape(piece, inside=inside)
        case "open":
            # The first bracket inside brackets is literal.
            return piece.replace("]", r"\]")
        case "brace" | "special":
            return "\\" + piece
    return piece


def _escape(piece: str, *, inside: bool) -> str:
    letter = piece[1]
    characters = _CLASSES.get(letter.lower())
    if characters is not None:
        negated = letter.isupper()
        return characters if inside and not negated else f"[{'^' * negated}{characters}]"
    if len(piece) > 2:
        return piece
    if letter == "b" and not inside:
        return r"(?-u:\b)"
    return letter if letter in "<>" else piece
