"""`channels.yaml` and `arbitration.yaml` -> dangling references, and settings without effect."""

from collections.abc import Container, Iterator

from nextbest.diagnostics import Diagnostic, Severity
from nextbest.workspace.definitions import (
    ActionDefinition,
    ContextWeightDefinition,
    TreatmentDefinition,
)
from nextbest.workspace.load import Workspace

# Tests use this key next to the names of placements.
RESERVED = "not"


def check_delivery(workspace: Workspace) -> Iterator[Diagnostic]:
    """Finds wrong fallbacks, placements that stay empty, and contradictions in arbitration."""
    yield from _check_channels(workspace)
    yield from _check_arbitration(workspace)
    yield from _check_context_weights(workspace)


def _check_channels(workspace: Workspace) -> Iterator[Diagnostic]:
    if workspace.channels is None:
        return
    document = workspace.channels.document
    actions = {
        name: action for group in workspace.groups for name, action in group.definition.actions.items()
    }
    filled = _filled(actions)
    is_complete = workspace.has_sound_actions and not any(
        _is_unknown(workspace, treatment) for action in actions.values() for treatment in action.treatments
    )
    for channel, definition in workspace.channels.definition.channels.items():
        node = document.node.child("channels", channel) if document.node is not None else None
        if not workspace.names.placements(channel).places and workspace.is_sound(document, node):
            remedy = "add `placements:`, such as {body: {count: 1}}: requests name them"
            message = f"the channel `{channel}` has no placements, so no request can ask for it"
            position = document.name("channels", channel)
            yield Diagnostic("NB708", message, position, remedy, Severity.WARNING)
        for placement, slot in definition.placements.items():
            path = ("channels", channel, "placements", placement)
            if placement == RESERVED:
                remedy = "choose another name: tests use `not` for actions that must not be offered"
                yield Diagnostic("NB209", "`not` cannot be a placement", document.name(*path), remedy)
            if slot.fallback is not None:
                yield from workspace.names.actions.refer(slot.fallback, document.value(*path, "fallback"))
                yield from _check_fallback(workspace, path, slot.fallback)
            elif is_complete and actions and not filled & {(channel, None), (channel, placement)}:
                remedy = f"add a treatment {{channel: {channel}, placement: {placement}}} to an action"
                message = f"no action has a treatment for `{placement}` of `{channel}`"
                yield Diagnostic("NB709", message, document.name(*path), remedy, Severity.WARNING)


def _filled(actions: dict[str, ActionDefinition]) -> set[tuple[str, str | None]]:
    return {
        (treatment.channel, treatment.placement)
        for action in actions.values()
        for treatment in action.treatments
    }


def _is_unknown(workspace: Workspace, treatment: TreatmentDefinition) -> bool:
    """Whether the channel or placement of a treatment does not exist, so that its use is unclear."""
    names = workspace.names
    return not names.channels.knows(treatment.channel) or (
        treatment.placement is not None and not names.placements(treatment.channel).knows(treatment.placement)
    )


def _check_fallback(workspace: Workspace, path: tuple[str, ...], name: str) -> Iterator[Diagnostic]:
    _, channel, _, placement = path
    source = next((source for source in workspace.groups if name in source.definition.actions), None)
    if source is None or workspace.channels is None:
        return
    action, node = source.definition.actions[name], source.document.node
    position = workspace.channels.document.value(*path, "fallback")
    if not action.enabled:
        remedy = "enable the action, or name another one"
        message = f"the fallback `{name}` is disabled and can never fill this placement"
        yield Diagnostic("NB715", message, position, remedy)
    is_sound = workspace.is_sound(source.document, node.child("actions", name) if node is not None else None)
    if is_sound and not any(
        (treatment.channel == channel and treatment.placement in {None, placement})
        or _is_unknown(workspace, treatment)
        for treatment in action.treatments
    ):
        remedy = f"add a treatment {{channel: {channel}, placement: {placement}}} to it"
        yield Diagnostic(
            "NB704", f"the fallback `{name}` has no treatment for this placement", position, remedy
        )


def _check_arbitration(workspace: Workspace) -> Iterator[Diagnostic]:
    if workspace.arbitration is None:
        return
    document, arbitration = workspace.arbitration.document, workspace.arbitration.definition.arbitration
    factors = arbitration.factors
    if factors is None:
        return
    position = document.value("arbitration", "factors")
    if arbitration.formula is not None:
        remedy = "leave the factors out of the formula instead, and remove `factors:`"
        message = "`factors:` has no effect: the formula replaces the product of factors"
        yield Diagnostic("NB711", message, position, remedy, Severity.WARNING)
    elif not (factors.propensity or factors.context_weight or factors.value or factors.lever):
        remedy = "leave at least one of them on"
        message = "with all factors off, every action has the same priority"
        yield Diagnostic("NB710", message, position, remedy, Severity.WARNING)


def _check_context_weights(workspace: Workspace) -> Iterator[Diagnostic]:
    if workspace.arbitration is None:
        return
    document = workspace.arbitration.document
    names = workspace.names
    registers = {"issue": names.issues, "group": names.groups, "action": names.actions}
    # What is declared and not used is reported where it is declared.
    declared: dict[str, Container[str]] = {
        "issue": names.declared_issues.places,
        "group": {group for register in names.declared_groups.values() for group in register.places},
        "action": (),
    }
    for index, weight in enumerate(workspace.arbitration.definition.context_weights):
        scopes = context_weight_scopes(weight)
        for scope, name in scopes.items():
            position = document.value("context_weights", index, scope)
            if name not in declared[scope]:
                yield from registers[scope].refer(name, position)
        if len(scopes) > 1:
            position = document.value("context_weights", index, list(scopes)[1])
            remedy = "keep one, or write one context weight for each"
            message = f"a context weight applies to one of {', '.join(scopes)}, but several are given"
            yield Diagnostic("NB712", message, position, remedy)


def context_weight_scopes(weight: ContextWeightDefinition) -> dict[str, str]:
    """The scope of a context weight: which of `issue`, `group` and `action` are given, with the name."""
    scopes = {"issue": weight.issue, "group": weight.group, "action": weight.action}
    return {scope: name for scope, name in scopes.items() if name is not None}
