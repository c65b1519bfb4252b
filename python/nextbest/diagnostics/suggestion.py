"""A mistyped name and the names that exist -> the nearest of them, or a short list, as a remedy in words."""

import re
from collections.abc import Collection

from nextbest.diagnostics.remedy import Remedy

# Beyond this many known names only those with the same first letter are compared: a suggestion is a courtesy,
# and must not make a workspace of 10,000 actions with many errors slow to check.
LONG_LIST = 500
COMPARED_MAX = 2_000
LISTED_AT_MOST = 5


def nearest(name: str, known: Collection[str]) -> str | None:
    """Finds the known name that was probably meant, as the engine does in requests; None: none is like it."""
    # The engine is loaded where something is misspelt, and not with every module that may suggest a name.
    from nextbest import _core  # noqa: PLC0415

    candidates = list(known)
    if len(candidates) > LONG_LIST:
        candidates = [candidate for candidate in candidates if candidate[:1] == name[:1]][:COMPARED_MAX]
    return _core.nearest(name, candidates)


def suggest(name: str, known: Collection[str], *, otherwise: str = "") -> str:
    """Words a remedy for an unknown name.

    Args:
        name: As written.
        known: What would have been right.
        otherwise: The remedy when no known name is alike and there are too many to list.
    """
    best = nearest(name, known)
    if best is not None:
        return did_you_mean(best)
    if len(known) == 1:
        return Remedy("use `{}`", _written(next(iter(known))))
    if known and len(known) <= LISTED_AT_MOST:
        return f"use {one_of(known)}"
    return otherwise


def did_you_mean(name: str) -> Remedy:
    """The remedy for a mistyped name: put the right one where the finding is."""
    return Remedy("did you mean `{}`?", _written(name))


def _written(name: str) -> str:
    """A name as a file has it: in quotes where it would be read as a number or the like."""
    is_plain = re.fullmatch(r"[A-Za-z_][\w.<>-]*", name) and name.lower() not in {"null", "true", "false"}
    return name if is_plain else f'"{name}"'


def all_of(names: Collection[str]) -> str:
    """Lists names for a sentence: "`a`, `b` and `c`"."""
    *others, last = [f"`{name}`" for name in names]
    return f"{', '.join(others)} and {last}" if others else last


def one_of(names: Collection[str]) -> str:
    """Lists names for a sentence, at most five, in the order given (of a set: sorted): "`a`, `b` or `c`"."""
    quoted = [f"`{name}`" for name in (sorted(names) if isinstance(names, set | frozenset) else names)]
    if len(quoted) > LISTED_AT_MOST:
        return f"{', '.join(quoted[:LISTED_AT_MOST])} or {len(quoted) - LISTED_AT_MOST} others"
    if len(quoted) <= 1:
        return "".join(quoted)
    return f"{', '.join(quoted[:-1])} or {quoted[-1]}"
