"""A document and its kind of file -> its definition, and findings in the author's words.

Invalid parts are removed and the rest is kept, so that one mistake does not hide others, in the same file or
in files that refer to it.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from nextbest.diagnostics import Diagnostic
from nextbest.diagnostics.suggestion import nearest
from nextbest.workspace.comma import is_continued, rejoin
from nextbest.workspace.definitions import FILES, Definition, Kind
from nextbest.workspace.document import MERGE, Document, Node
from nextbest.workspace.wording import Fault, word

# Removing a part may leave its parent incomplete; no definition is nested deeper than this.
ROUNDS_MAX = 12
KEY = "[key]"
# A placeholder for a missing name at the top of a file, so that the rest of the file is still checked.
STAND_INS: dict[Kind, tuple[str, ...]] = {Kind.ACTIONS: ("issue", "group"), Kind.WORKSPACE: ("name",)}


@dataclass(frozen=True, slots=True)
class _Place:
    """The location of an error: steps that exist in the document, and the last one that does not, if any."""

    path: tuple[str | int, ...]
    missing: str | None
    is_key: bool


def validate(document: Document, kind: Kind) -> tuple[Definition | None, list[Diagnostic]]:
    """Checks a document against the definition of its kind.

    Args:
        document: As parsed. Invalid parts are removed from its data and nodes.
        kind: What kind of file it is.

    Returns:
        The definition of the valid parts, None if nothing usable is left; and the findings.
    """
    if document.node is None:
        return None, _valueless(document, ())
    diagnostics: list[Diagnostic] = []
    reported = False
    for _ in range(ROUNDS_MAX):
        try:
            definition = FILES[kind].model_validate(document.data)
            return definition, diagnostics if reported else _valueless(document, ())
        except ValidationError as error:
            errors = error.errors(include_url=False)
        places = [_place(document.node, details) for details in errors]
        if not reported:
            misplaced = [
                place.path
                for details, place in zip(errors, places, strict=True)
                if details["type"] == "string_type" and isinstance(details["input"], dict)
            ]
            diagnostics = _valueless(document, misplaced) + _report(document, kind, errors, places)
            reported = True
        if not _prune(document, kind, places):
            break
    return None, diagnostics


def _valueless(document: Document, misplaced: Iterable[tuple[str | int, ...]]) -> list[Diagnostic]:
    """Reports keys without value; in mappings where text is expected, they are not keys at all."""
    remedy = "give it a value, or remove the line"
    root = document.node
    elsewhere = [root.child(*path) for path in misplaced] if root is not None else []
    return [
        Diagnostic(
            "NB206",
            f"`{key}` has no value",
            document.key(mapping, key),
            rejoin(document, mapping, key) or remedy,
        )
        for mapping, key in document.valueless
        if mapping not in elsewhere and not is_continued(document, mapping, key)
    ]


def _place(root: Node, details: ErrorDetails) -> _Place:
    """Follows an error's location through the document; steps that only choose a variant are skipped."""
    node, path = root, []
    missing: str | None = None
    steps = details["loc"]
    for step in steps:
        child = node.children.get(step)
        if child is not None:
            node = child
            path.append(step)
        elif details["type"] == "missing" and step == steps[-1]:
            missing = str(step)
    return _Place(tuple(path), missing, bool(steps) and steps[-1] == KEY)


def _report(
    document: Document, kind: Kind, errors: Sequence[ErrorDetails], places: Sequence[_Place]
) -> list[Diagnostic]:
    """Words the errors; errors of several variants at one place become one."""
    merged = sorted(document.merged)
    grouped: dict[tuple[_Place, bool], list[ErrorDetails]] = {}
    unknown: dict[tuple[str | int, ...], list[str]] = {}
    for details, place in zip(errors, places, strict=True):
        if details["type"] == "extra_forbidden":
            unknown.setdefault(place.path[:-1], []).append(str(place.path[-1]))
    for details, place in zip(errors, places, strict=True):
        node = document.node.child(*place.path) if document.node is not None else None
        if place.missing is not None and (
            # Reported already: it has no value, is mistyped, or would be merged.
            (node is not None and (place.missing in node.keys or MERGE in node.keys))
            or nearest(place.missing, unknown.get(place.path, ()))
        ):
            continue
        if details["type"] == "extra_forbidden" and node is not None and _holds(node, merged):
            continue
        mistyped = details["type"].endswith("_type")
        grouped.setdefault((place, mistyped), []).append(details)
    return [_diagnostic(document, kind, place, details) for (place, _), details in grouped.items()]


def _holds(node: Node, merged: Sequence[tuple[int, int]]) -> bool:
    """Whether a mapping exists only to be merged elsewhere, which is reported already."""
    first = bisect_left(merged, (node.line, node.column))
    return first < len(merged) and merged[first] < (node.end_line, node.end_column)


def _diagnostic(document: Document, kind: Kind, place: _Place, details: list[ErrorDetails]) -> Diagnostic:
    root = document.node
    if root is None:  # Cannot happen: there would be no error.
        return Diagnostic("NB203", "the file is empty", None)
    node = root.child(*place.path) or root
    parent = root.child(*place.path[:-1]) or root
    position = document.value(*place.path)
    is_of_key = place.is_key or details[0]["type"] == "extra_forbidden" or details[0]["input"] is None
    if is_of_key and not isinstance(place.path[-1], int):
        position = document.key(parent, str(place.path[-1]))
    elif place.missing is not None and place.path and isinstance(place.path[-1], str):
        position = document.key(parent, place.path[-1])
    code, message, remedy = word(Fault(FILES[kind], details, document.text(node), place.missing))
    return Diagnostic(code, message, position, remedy)


def _prune(document: Document, kind: Kind, places: Iterable[_Place]) -> bool:
    """Removes invalid parts; an incomplete mapping is removed as a whole. False when nothing is left."""
    paths = set()
    for place in places:
        if place.missing is not None and not place.path and place.missing in STAND_INS.get(kind, ()):
            _stand_in(document, place.missing)
        elif not place.path:
            return False
        else:
            paths.add(place.path)
    # The last items of a list first, so that the indices of the others stay valid.
    for path in sorted(
        paths, key=lambda path: [(isinstance(step, str), step) for step in path], reverse=True
    ):
        _remove(document, path)
    return True


def _stand_in(document: Document, key: str) -> None:
    name = re.sub(r"[^A-Za-z0-9_.-]", "-", f"{key}.{document.file}")[:100]
    if isinstance(document.data, dict):
        document.data[key] = name


def _remove(document: Document, path: tuple[str | int, ...]) -> None:
    node: Node | None = document.node
    data: Any = document.data
    for step in path[:-1]:
        node = node.children.get(step) if node is not None else None
        try:
            data = data[step]
        except (KeyError, IndexError):
            return  # Removed already, with its parent or through an alias of it.
    last = path[-1]
    if node is None or last not in node.children:
        return
    children = dict(node.children)
    del children[last]
    del data[last]
    if isinstance(data, list):
        children = dict(enumerate(children.values()))
    node.children = children
