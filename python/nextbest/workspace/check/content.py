"""`content:` of treatments -> values that JSON cannot express, or that are delivered in another form."""

import json
import math
import re
from collections.abc import Iterator
from decimal import Decimal

from nextbest.diagnostics import Diagnostic, Remedy, Severity
from nextbest.workspace.check.spelling import check_spelling
from nextbest.workspace.comma import is_continued, rejoin
from nextbest.workspace.definitions import TreatmentDefinition
from nextbest.workspace.document import Document, Node

CHARACTERS_MAX = 16_384
# A number with a single reading: without the sign, leading zero or base of a code or telephone number.
ORDINARY = re.compile(r"-?(?:0|[1-9][0-9]*)?(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?")


def check_content(
    document: Document, path: tuple[str | int, ...], treatment: TreatmentDefinition
) -> Iterator[Diagnostic]:
    """Finds content that a channel would not receive as it is written.

    Args:
        document: The file.
        path: Of the treatment.
        treatment: The treatment with the content.
    """
    position = document.value(*path, "content")
    if not _is_json(treatment.content):
        remedy = "JSON has no .inf and .nan: write text or another number"
        yield Diagnostic("NB221", "this content cannot be written as JSON", position, remedy)
        return
    for key in treatment.content:
        yield from check_spelling(key, document.name(*path, "content", key))
    length = len(json.dumps(treatment.content)) if treatment.content else 0
    if length > CHARACTERS_MAX:
        remedy = "keep large texts and images elsewhere, and write a template's name or an address"
        message = f"the content has {length:,} characters, at most {CHARACTERS_MAX:,} are allowed"
        yield Diagnostic("NB221", message, position, remedy)
    node = document.node.child(*path, "content") if document.node is not None else None
    if node is not None:
        yield from _check_values(document, treatment.content, node)


def _check_values(document: Document, value: object, node: Node) -> Iterator[Diagnostic]:
    if isinstance(value, dict | list):
        for step, item in value.items() if isinstance(value, dict) else enumerate(value):
            child = node.children.get(step)
            if child is None:
                continue
            if item is None and isinstance(step, str) and not child.style and not document.text(child):
                yield from _check_valueless(document, node, step)
            else:
                yield from _check_values(document, item, child)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield from _check_number(document, value, node)


def _check_valueless(document: Document, mapping: Node, key: str) -> Iterator[Diagnostic]:
    if is_continued(document, mapping, key):
        return
    remedy = rejoin(document, mapping, key) or "give it a value, write `null`, or remove it"
    yield Diagnostic("NB206", f"`{key}` has no value", document.key(mapping, key), remedy)


def _check_number(document: Document, value: float, node: Node) -> Iterator[Diagnostic]:
    written, delivered = document.text(node), json.dumps(value)
    if written == delivered:
        return
    is_same = ORDINARY.fullmatch(written) is not None and Decimal(written) == Decimal(delivered)
    yield Diagnostic(
        "NB227",
        f"`{written}` is delivered as the number {delivered}",
        document.whole(node),
        Remedy("quote it: {}", f'"{written}"'),
        Severity.WARNING if is_same else Severity.ERROR,
    )


def _is_json(value: object) -> bool:
    if isinstance(value, dict):
        return all(_is_json(item) for item in value.values())
    if isinstance(value, list):
        return all(_is_json(item) for item in value)
    return not isinstance(value, float) or math.isfinite(value)
