"""An error that libyaml reports too late -> the earlier place that lacks quotes or a space.

libyaml reports `{title: Offer: now}` and `{title: Deal #1}` as braces that are not closed, and `label:Gold`
at the `:` of the next line.
"""

import re

import yaml

from nextbest.diagnostics import Diagnostic, Fix, Position, Remedy
from nextbest.workspace.document import Document
from nextbest.workspace.scalar import quote

_NOT_CLOSED = re.compile(r"did not find expected ',' or '[\]}]'")
_VALUE = re.compile(
    r"""(?:[{,]\s*[\w.-]+\s*:\s+|\[\s*|^\s*[\w.-]+\s*:\s+)(?P<value>[^,{}\[\]'"]+?)\s*(?=[,}\]]|$)"""
)
_HASH = re.compile(r"[ \t]+(#[^\s#].*)")
_UNSPACED = re.compile(r"(?P<lead> *(?:- +)*)(?P<key>[A-Za-z_][\w-]*):(?P<value>[^\s:/][^:]*)$")


def find_unquoted(document: Document, error: yaml.MarkedYAMLError) -> Diagnostic | None:
    """Finds the value because of which braces or brackets are not closed; None if they really are not.

    Args:
        document: What is read; only its lines are looked at.
        error: As libyaml raises it.
    """
    opened, found = error.context_mark, error.problem_mark
    if opened is None or found is None or not _NOT_CLOSED.search(error.problem or ""):
        return None
    line = document.lines[found.line] if found.line < len(document.lines) else ""
    if line[found.column : found.column + 1] == ":":
        return _second_colon(document, found.line, found.column)
    line = document.lines[opened.line]
    comment = _HASH.search(line, opened.column)
    if comment is None or found.line == opened.line or not re.search(r"[}\]]", comment[1]):
        return None
    position = Position(document.file, opened.line + 1, comment.start(1) + 1, len(comment[1]))
    message = "a comment begins here, before the closing brace of the line"
    for value in _VALUE.finditer(line):
        if value.start("value") < comment.start(1) < value.end("value"):
            return Diagnostic("NB103", message, position, _quoted(document, opened.line, value))
    return Diagnostic("NB103", message, position, "quote text that contains ` #`")


def _second_colon(document: Document, line: int, column: int) -> Diagnostic | None:
    for value in _VALUE.finditer(document.lines[line]):
        if value.start("value") <= column < value.end("value"):
            remedy = "quote text that contains `: `, or separate the entries by a comma"
            before = document.lines[line][value.start("value") : column]
            if " " not in before.strip():
                remedy = _quoted(document, line, value)
            return Diagnostic(
                "NB103", "a second `:` in one entry", Position(document.file, line + 1, column + 1), remedy
            )
    return None


def _quoted(document: Document, line: int, value: re.Match[str]) -> str:
    written = quote(value["value"])
    if written is None:
        return "quote it"
    begin, end = value.span("value")
    return Remedy("quote it: {}", Fix(document.file, line + 1, begin + 1, line + 1, end + 1, written))


def find_unspaced(document: Document, error: yaml.MarkedYAMLError) -> Diagnostic | None:
    """Finds a key on the line before the error whose value follows its colon without a space.

    Args:
        document: What is read.
        error: As libyaml raises it.
    """
    mark = error.problem_mark
    if mark is None or not 0 < mark.line < len(document.lines) or "mapping values" not in str(error.problem):
        return None
    above, line = document.lines[mark.line - 1], document.lines[mark.line]
    found = _UNSPACED.match(above)
    if found is None or len(found["lead"]) != len(line) - len(line.lstrip(" ")):
        return None
    column = found.end("key")
    written = f"{found['key']}: {found['value'].rstrip()}"
    fix = Fix(document.file, mark.line, column + 1, mark.line, column + 2, ": ")
    remedy = Remedy(f"write `{written}`", fix)
    position = Position(document.file, mark.line, column + 1)
    return Diagnostic("NB103", "a space is missing after `:`", position, remedy)
