"""Whether a text names a time zone that the engine knows.

The names are those of the IANA database, stored in a file in this folder, so that a check has the same result
on every machine.
"""

import re
from functools import cache
from importlib.resources import files

_OFFSET = re.compile(r"[+-]?([01]\d|2[0-3]):[0-5]\d", re.ASCII)


def is_time_zone(text: str) -> bool:
    """Returns whether `getHours("...")` accepts it: `Europe/Berlin`, `UTC`, `+01:00`."""
    return _OFFSET.fullmatch(text) is not None or text in _names()


@cache
def _names() -> frozenset[str]:
    listed = files("nextbest.expression").joinpath("time_zones.txt").read_text(encoding="utf-8")
    return frozenset(line for line in listed.splitlines() if line and not line.startswith("#"))
