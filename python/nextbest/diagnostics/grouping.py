"""Findings -> groups of findings with the same wording, for people who read them one by one.

One rule that a thousand actions inherit may cause a thousand warnings. Errors are never grouped: each has to
be corrected.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from nextbest.diagnostics.diagnostic import Diagnostic, Severity

GROUPED_FROM = 4
LISTED_MAX = 5
QUOTED = re.compile(r"`([^`]*)`")
# Quoted parts that are not expressions: names, attributes, files.
NAME = re.compile(r"\A[\w./@-]+\Z")
# Positions and numbers differ between findings with the same wording.
PLACE = re.compile(r"[\w./-]+\.yaml:\d+(?::\d+)?|\d[\d,.]*")


@dataclass(frozen=True, slots=True)
class Group:
    """Findings with the same wording.

    Attributes:
        first: Shown completely.
        others: In their order; empty for a single finding.
    """

    first: Diagnostic
    others: tuple[Diagnostic, ...] = ()

    def named(self) -> list[str]:
        """The subjects of the others: names if the messages differ in one name, else positions."""
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
    """Groups warnings of one code and wording, at the position of the first; a few are not grouped."""
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
    """The common wording of findings; an expression is part of the wording."""
    parts = QUOTED.split(diagnostic.message)
    said = [PLACE.sub("", part) if index % 2 == 0 else NAME.sub("", part) for index, part in enumerate(parts)]
    return diagnostic.code, "`".join(said)
