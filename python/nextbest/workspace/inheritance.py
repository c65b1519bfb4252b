"""A loaded workspace -> what each action inherits: policies and levers, from its issue and from its group.

The order is that in which policies are applied: by stage, and within a stage the issue's before the group's.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from nextbest.workspace.definitions import GroupFile, IssueDefinition
from nextbest.workspace.document import Document
from nextbest.workspace.load import Workspace
from nextbest.workspace.lower import STAGES, ordered_actions


@dataclass(frozen=True, slots=True)
class InheritedPolicy:
    """A condition that an action has to meet and that is not written with it."""

    stage: str
    when: str
    reason: str
    scope: str
    """`issue` or `group`."""
    name: str
    """Of the issue or group."""
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class InheritedLever:
    """Percentage points that an action gets from its issue or group."""

    percent: float
    scope: str
    name: str
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Inheritance:
    """What one action inherits."""

    action: str
    issue: str
    group: str
    file: str
    policies: tuple[InheritedPolicy, ...]
    levers: tuple[InheritedLever, ...]


@dataclass(frozen=True, slots=True)
class _Scope:
    """Something that actions inherit from, where it is written."""

    kind: str
    name: str
    definition: IssueDefinition | GroupFile
    document: Document
    path: tuple[str, ...]


def inherited(workspace: Workspace) -> list[Inheritance]:
    """Finds what the actions of a workspace inherit, sorted by action.

    If the workspace has errors, this is what could be read.
    """
    found: dict[str, tuple[tuple[InheritedPolicy, ...], tuple[InheritedLever, ...]]] = {}
    inheritances = []
    for name, source, _ in ordered_actions(workspace):
        document, group = source.document, source.definition
        shared = found.get(document.file)
        if shared is None:
            scopes = [*_issue(workspace, group.issue), _Scope("group", group.group, group, document, ())]
            policies = tuple(
                policy for stage in STAGES for scope in scopes for policy in _policies(scope, stage)
            )
            levers = tuple(lever for scope in scopes for lever in _levers(scope))
            shared = found[document.file] = policies, levers
        inheritances.append(Inheritance(name, group.issue, group.group, document.file, *shared))
    return inheritances


def _issue(workspace: Workspace, name: str) -> Iterator[_Scope]:
    if workspace.issues is not None and name in workspace.issues.definition.issues:
        definition = workspace.issues.definition.issues[name]
        yield _Scope("issue", name, definition, workspace.issues.document, ("issues", name))


def _policies(scope: _Scope, stage: str) -> Iterator[InheritedPolicy]:
    for index, condition in enumerate(getattr(scope.definition, stage)):
        position = scope.document.value(*scope.path, stage, index, "when")
        yield InheritedPolicy(
            stage, condition.when, condition.reason, scope.kind, scope.name, position.file, position.line
        )


def _levers(scope: _Scope) -> Iterator[InheritedLever]:
    if scope.definition.lever:
        position = scope.document.value(*scope.path, "lever")
        yield InheritedLever(scope.definition.lever, scope.kind, scope.name, position.file, position.line)
