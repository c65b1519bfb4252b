"""`issues.yaml` and files below `actions/` -> issues and groups that only one of both has.

A group inherits the policies of its issue by the issue's name: with a misspelt name it would lose all of
them.
"""

from collections.abc import Iterator

from nextbest.diagnostics import Diagnostic, Position, Remedy, Severity
from nextbest.diagnostics.suggestion import nearest, one_of
from nextbest.workspace.load import Workspace
from nextbest.workspace.names import Register

FILE = "issues.yaml"
LISTED_MAX = 5


def check_scopes(workspace: Workspace) -> Iterator[Diagnostic]:
    """Finds undeclared issues and groups, whose actions lose policies, and unused declarations."""
    names = workspace.names
    used_groups: dict[str, dict[str, Position]] = {}
    used_issues: dict[str, Position] = {}
    for source in workspace.groups:
        node = source.document.node
        # A placeholder is in force here, because the name is missing or is not valid.
        if node is None or node.child("issue") is None:
            continue
        issue = source.definition.issue
        used_issues.setdefault(issue, source.document.value("issue"))
        if node.child("group") is not None:
            position = source.document.value("group")
            used_groups.setdefault(issue, {}).setdefault(source.definition.group, position)
    remedy = "remove it, or give a file below `actions/` this `issue:`"
    declared = names.declared_issues
    yield from _compare(declared, used_issues, remedy, issue="", complete=names.issues.complete)
    for issue, register in names.declared_groups.items():
        groups = used_groups.get(issue, {})
        if groups or issue in used_issues:
            remedy = f"remove it, or give a file below `actions/` this `group:`, with `issue: {issue}`"
            yield from _compare(register, groups, remedy, issue=issue, complete=names.groups.complete)


def _compare(
    declared: Register, used: dict[str, Position], remedy: str, *, issue: str, complete: bool
) -> Iterator[Diagnostic]:
    """Compares declared names with used names; a misspelt name is reported where it is used only."""
    if not declared.places:
        return
    taken: set[str] = set()
    for name, position in used.items():
        if not declared.knows(name):
            best = nearest(name, declared.places)
            taken |= {best} if best is not None else set()
            yield _undeclared(declared, name, position, best, issue)
    for name, position in declared.places.items():
        if complete and name not in used and name not in taken:
            message = f"no action is in the {declared.noun} `{name}`"
            yield Diagnostic(declared.unknown, message, position, remedy, Severity.WARNING)


def _undeclared(
    declared: Register, name: str, position: Position, best: str | None, issue: str
) -> Diagnostic:
    noun = f"the issue `{name}`" if not issue else f"the group `{name}` for the issue `{issue}`"
    declare = f"`{name}: {{}}` below `issues:`" if not issue else f"`{name}` in the list `groups:`"
    if best is not None:
        place = declared.places[best]
        words = f"did you mean `{{}}`, {place.file}:{place.line}? Otherwise declare it there: {declare}"
        remedy: str = Remedy(words, best)
    elif len(declared.places) <= LISTED_MAX:
        remedy = f"use {one_of(declared.places)}, or declare it: {declare}"
    else:
        remedy = f"declare it in `{FILE}`: {declare}"
    return Diagnostic(declared.unknown, f"`{FILE}` does not declare {noun}", position, remedy)
