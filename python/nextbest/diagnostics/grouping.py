"""Findings -> groups of those that say the same of several things, for people who read them one by one.

One rule that a thousand actions inherit may be warned of a thousand times. Errors are never grouped: each has
to be corrected before anything else can be done.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from nextbest.diagnostics.diagnostic import Diagnostic, Severity

GROUPED_FROM = 4
LISTED_MAX = 5
QUOTED = re.compile(r"`([^`]*)`")
# What is quoted and no expression: names, attributes, files.
NAME = re.compile(r"\A[\w./@-]+\Z")
# Places and numbers differ between findings that say the same.
PLACE = re.compile(r"[\w./-]+\.yaml:\d+(?::\d+)?|\d[\d,.]*")


@dataclass(frozen=True, slots=True)
class Group:
    """Findings that say the same.

    Attributes:
        first: Shown whole.
        others: In their order; empty for a finding that stands alone.
    """

    first: Diagnostic
    others: tuple[Diagnostic, ...] = ()

    def named(self) -> list[str]:
        """What the others are about: names where the messages differ in one, else places."""
        parts = [QUOTED.findall(diagnostic.message) for diagnostic in (self.first, *self.others)]
        varying = [column for column in zip(*parts, strict=True) if len(set(column)) > 1]
        if len(varying) == 1 and len(set(varying[0])) == len(parts):
            return [f"`{name}`" for name in varying[0][1:]]
        places, file = [], ""
        for diagnostic in self.others:
            if diagnostic.position is not None:
                place = diagnostic.position
                places.append(f":{place.line}" if place.file == file else f"{place.file}:{place.line}")
                file = place.file
        return places


def group(diagnostics: Iterable[Diagnostic]) -> list[Group]:
    """Groups warnings of one code and wording, at the place of the first; a few are left as they are."""
    members: dict[object, list[tuple[int, Diagnostic]]] = {}
    for index, diagnostic in enumerate(diagnostics):
        is_warning = diagnostic.severity is Severity.WARNING and diagnostic.position is not None
        members.setdefault(_wording(diagnostic) if is_warning else index, []).append((index, diagnostic))
    groups: list[tuple[int, Group]] = []
    for found in members.values():
        if len(found) >= GROUPED_FROM:
            groups.append((found[0][0], Group(found[0][1], tuple(one for _, one in found[1:]))))
        else:
            groups += [(index, Group(diagnostic)) for index, diagnostic in found]
    return [one for _, one in sorted(groups, key=lambda pair: pair[0])]


def _wording(diagnostic: Diagnostic) -> tuple[str, str]:
    """What findings have in common that say the same; an expression is a part of what is said."""
    parts = QUOTED.split(diagnostic.message)
    said = [PLACE.sub("", part) if index % 2 == 0 else NAME.sub("", part) for index, part in enumerate(parts)]
    return diagnostic.code, "`".join(said)
