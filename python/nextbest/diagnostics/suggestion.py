"""A mistyped name and the existing names -> the nearest of them, or a short list, as a remedy in words."""

import re
from collections.abc import Collection

from nextbest.diagnostics.remedy import Remedy

# Above this number, only names with the same first letter are compared, so that a workspace of 10,000 actions
# with many errors is checked quickly.
LONG_LIST = 500
COMPARED_MAX = 2_000
LISTED_AT_MOST = 5


def nearest(name: str, known: Collection[str]) -> str | None:
    """Finds the name that is probably intended, as the engine does for requests; None if none is similar."""
    # The engine is loaded only when a name is misspelt, not with every module that may suggest a name.
    from nextbest import _core  # noqa: PLC0415

    candidates = list(known)
    if len(candidates) > LONG_LIST:
        candidates = [candidate for candidate in candidates if candidate[:1] == name[:1]][:COMPARED_MAX]
    return _core.nearest(name, candidates)


def suggest(name: str, known: Collection[str], *, otherwise: str = "") -> str:
    """Words a remedy for an unknown name.

    Args:
        name: As written.
        known: The existing names.
        otherwise: The remedy if no name is similar and there are too many to list.
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
    """The remedy for a mistyped name: replace it by the right one."""
    return Remedy("did you mean `{}`?", _written(name))


def _written(name: str) -> str:
    """A name in YAML: in quotes if it would be read as a number or another type."""
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
