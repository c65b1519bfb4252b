"""`tests/*.yaml` -> tests whose result depends on the day on which they run.

A test without `now:` is decided at the time of its run. That is fine if nothing depends on the time.
"""

import re
from collections.abc import Iterable, Iterator

from nextbest.diagnostics import Diagnostic, Severity
from nextbest.workspace.definitions import ActionDefinition, PersonaTestDefinition, Policies
from nextbest.workspace.load import Workspace

QUOTED = re.compile(r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*\"""")
NOW = re.compile(r"(?<![\w.])now\b")
REFERENCE = re.compile(r"\b(?:customer|context)\.\w+")
STAGES = ("eligibility", "applicability", "suitability")


def check_moments(workspace: Workspace) -> Iterator[Diagnostic]:
    """Finds tests without `now:` of actions with windows, or of rules that read `now`."""
    timed: _Timed | None = None
    for source in workspace.personas:
        document = source.document
        for index, test in enumerate(source.definition.tests):
            node = document.node.child("tests", index) if document.node is not None else None
            if test.now is not None or not workspace.is_sound(document, node):
                continue
            timed = timed or _Timed(workspace)
            why = timed.why(test)
            if why is not None:
                position = document.value("tests", index, "name")
                message = f"the test has no `now:`, and its result depends on the day: {why}"
                remedy = "add the moment of the test, such as `now: 2026-06-01T12:00:00Z`"
                yield Diagnostic("NB811", message, position, remedy, Severity.WARNING)


class _Timed:
    """The parts of a workspace that depend on the time."""

    def __init__(self, workspace: Workspace) -> None:
        self._attributes = _timed_attributes(workspace)
        self._actions: dict[str, str] = {}
        self._spots: dict[tuple[str, str | None], str] = {}
        self._weights = ""
        issues = workspace.issues.definition.issues if workspace.issues is not None else {}
        for source in workspace.groups:
            group = source.definition
            scopes: list[Policies] = [group, *([issues[group.issue]] if group.issue in issues else [])]
            is_inherited = any(self._reads_now(_conditions(scope)) for scope in scopes)
            for name, action in group.actions.items():
                self._add(name, action, is_inherited=is_inherited)
        if workspace.arbitration is not None:
            weights = workspace.arbitration.definition.context_weights
            if self._reads_now(weight.when for weight in weights):
                self._weights = "a context weight reads `now`"

    def why(self, test: PersonaTestDefinition) -> str | None:
        """Why the result of a test depends on the time: the first reason."""
        expected = [
            action for actions in (test.expect.__pydantic_extra__ or {}).values() for action in actions
        ]
        for action in (*expected, *test.expect.not_):
            if action in self._actions:
                return self._actions[action]
        for placement in test.placements:
            for spot in ((test.channel, placement), (test.channel, None)):
                if spot in self._spots:
                    return self._spots[spot]
        return self._weights or None

    def _add(self, name: str, action: ActionDefinition, *, is_inherited: bool) -> None:
        if not action.enabled:
            return
        why = ""
        if action.active.from_ is not None or action.active.until is not None:
            why = f"`{name}` has a window"
        elif is_inherited or self._reads_now(_expressions(action)):
            why = f"the rules of `{name}` read `now`"
        if why:
            self._actions[name] = why
            for treatment in action.treatments:
                self._spots.setdefault((treatment.channel, treatment.placement), why)

    def _reads_now(self, texts: Iterable[str]) -> bool:
        return any(_reads(text, self._attributes) for text in texts)


def _expressions(action: ActionDefinition) -> Iterator[str]:
    yield from _conditions(action)
    if isinstance(action.value, str):
        yield action.value
    for treatment in action.treatments:
        yield from (condition.when for condition in treatment.eligibility)


def _conditions(policies: Policies) -> Iterator[str]:
    for stage in STAGES:
        yield from (condition.when for condition in getattr(policies, stage))


def _timed_attributes(workspace: Workspace) -> frozenset[str]:
    """Computed attributes that read `now`, directly or through others."""
    if workspace.schema is None:
        return frozenset()
    schema = workspace.schema.definition
    computed = {
        f"{root}.{name}": attribute.expression
        for root, attributes in (("customer", schema.customer), ("context", schema.context))
        for name, attribute in attributes.items()
        if attribute.expression is not None
    }
    timed: frozenset[str] = frozenset()
    while True:
        more = frozenset(name for name, text in computed.items() if _reads(text, timed))
        if more == timed:
            return timed
        timed = more


def _reads(text: str, timed: frozenset[str]) -> bool:
    plain = QUOTED.sub("", text)
    return NOW.search(plain) is not None or (bool(timed) and not timed.isdisjoint(REFERENCE.findall(plain)))
