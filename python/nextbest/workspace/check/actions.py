"""`actions/**/*.yaml` -> dangling references, and actions that can never be offered."""

import re
from collections.abc import Iterator

from nextbest.diagnostics import Diagnostic, Remedy, Severity
from nextbest.diagnostics.suggestion import suggest
from nextbest.workspace.check.content import check_content
from nextbest.workspace.check.values import Written, constant
from nextbest.workspace.definitions import (
    ActionDefinition,
    GroupFile,
    PropensityDefinition,
    TreatmentDefinition,
    end_us,
    moment_us,
)
from nextbest.workspace.document import Document
from nextbest.workspace.load import Source, Workspace

NUMBER = re.compile(r"[0-9.]+%?")


def check_actions(workspace: Workspace) -> Iterator[Diagnostic]:
    """Finds wrong references, values and windows of actions."""
    if not workspace.groups and workspace.names.actions.complete:
        remedy = "add a file below `actions/`; `nextbest init` writes an example"
        yield Diagnostic("NB217", "the workspace has no actions", None, remedy, Severity.WARNING)
    for group in workspace.groups:
        root = group.document.node
        if not group.definition.actions and workspace.is_sound(group.document, root):
            position = group.document.value("group")
            remedy = "add some under `actions:`, or remove the file"
            message = f"the group `{group.definition.group}` has no actions"
            yield Diagnostic("NB217", message, position, remedy, Severity.WARNING)
        for name, action in group.definition.actions.items():
            yield from _check_action(workspace, group, name, action)
            yield from _check_attributes(workspace, group, name, action)


def _check_action(
    workspace: Workspace, group: Source[GroupFile], name: str, action: ActionDefinition
) -> Iterator[Diagnostic]:
    document, path = group.document, ("actions", name)
    yield from _check_window(workspace, document, path, action)
    yield from _check_propensity(workspace, document, path, action)
    if action.stock is not None:
        yield from workspace.names.stock.refer(action.stock, document.value(*path, "stock"))
    node = document.node.child(*path) if document.node is not None else None
    is_sound = workspace.is_sound(document, node)
    if not action.treatments and action.enabled and is_sound:
        is_written = node is not None and "treatments" in node.keys
        position = document.name(*path, "treatments") if is_written else document.name(*path)
        remedy = "add `treatments:`, each with a channel, or `enabled: false`"
        message = f"the action `{name}` has no treatments and can never be offered"
        yield Diagnostic("NB216", message, position, remedy, Severity.WARNING)
    yield from _check_treatments(workspace, document, path, action)


def _check_window(
    workspace: Workspace, document: Document, path: tuple[str | int, ...], action: ActionDefinition
) -> Iterator[Diagnostic]:
    start, end, zone = action.active.from_, action.active.until, workspace.time_zone
    if start is not None and end is not None and moment_us(start, zone) >= end_us(end, zone):
        message = f"the window is empty: it ends at {end} and begins at {start}"
        position = document.value(*path, "active", "until")
        remedy = "make `until` later than `from`: a time ends the window, a date is its last day"
        yield Diagnostic("NB215", message, position, remedy)


def _check_propensity(
    workspace: Workspace, document: Document, path: tuple[str | int, ...], action: ActionDefinition
) -> Iterator[Diagnostic]:
    propensity = action.propensity
    node = document.node.child(*path) if document.node is not None else None
    if propensity is None:
        is_left_out = (
            node is not None and "propensity" not in node.keys and workspace.is_sound(document, node)
        )
        if not action.mandatory and uses_propensity(workspace) and is_left_out:
            remedy = "add `propensity:`, a model's name or a number from 0 to 1"
            message = f"the action `{path[-1]}` has no propensity"
            yield Diagnostic("NB220", message, document.name(*path), remedy)
        return
    if isinstance(propensity, float):
        return
    bound = isinstance(propensity, PropensityDefinition)
    name = propensity.model if isinstance(propensity, PropensityDefinition) else propensity
    position = document.value(*path, "propensity", "model") if bound else document.value(*path, "propensity")
    if NUMBER.fullmatch(name):
        yield Diagnostic(
            "NB203",
            f"`{name}` is text, but a number is expected",
            position,
            Remedy("write it without quotes: {}", name),
        )
        return
    otherwise = "add it below `models/`, or write a number from 0 to 1"
    yield from workspace.names.models.refer(name, position, otherwise=otherwise)
    if isinstance(propensity, PropensityDefinition) and propensity.prior is not None:
        return
    for model in workspace.models:
        if (
            model.definition.name == name
            and model.definition.prior is None
            and workspace.is_sound(model.document, model.document.node)
        ):
            remedy = f"add `prior:` to the model, or write {{model: {name}, prior: 0.01}} here"
            message = f"the model `{name}` has no prior, which replaces its score when it has none"
            yield Diagnostic("NB615", message, position, remedy)


def uses_propensity(workspace: Workspace) -> bool:
    """Whether the priority has propensity as a factor, or may have it in a formula."""
    if workspace.arbitration is None:
        return True
    arbitration = workspace.arbitration.definition.arbitration
    if arbitration.formula is not None:
        return "propensity" in arbitration.formula
    return arbitration.factors is None or arbitration.factors.propensity


def _check_treatments(
    workspace: Workspace, document: Document, path: tuple[str | int, ...], action: ActionDefinition
) -> Iterator[Diagnostic]:
    names: set[str] = set()
    for index, treatment in enumerate(action.treatments):
        here = (*path, "treatments", index)
        channel = document.value(*here, "channel")
        found = workspace.names.channels.refer(treatment.channel, channel)
        yield from found
        if treatment.placement is not None and not found:
            register = workspace.names.placements(treatment.channel)
            otherwise = f"add it to the channel `{treatment.channel}`, or correct the name"
            position = document.value(*here, "placement")
            yield from register.refer(treatment.placement, position, otherwise=otherwise)
        name = treatment_name(treatment)
        shadowing = _shadowing(action.treatments[:index], treatment)
        if name in names:
            position = document.value(*here, "name") if treatment.name else document.value(*here)
            remedy = "give each its own `name:`: outcomes are counted by name"
            if shadowing is not None:
                remedy = "remove one of the two, or give each its own `name:` and the earlier one conditions"
            yield Diagnostic("NB218", f"two treatments of the action are called `{name}`", position, remedy)
        elif shadowing is not None:
            message = (
                f"this treatment is never used: `{treatment_name(shadowing)}`, listed before it, fits "
                "in every case"
            )
            position = document.value(*here)
            remedy = "give the earlier one conditions, put this one before it, or remove one of the two"
            yield Diagnostic("NB703", message, position, remedy, Severity.WARNING)
        names.add(name)
        yield from check_content(document, here, treatment)


def treatment_name(treatment: TreatmentDefinition) -> str:
    """The name of a treatment; without one, its channel and placement."""
    if treatment.name is not None:
        return treatment.name
    return f"{treatment.channel}-{treatment.placement}" if treatment.placement else treatment.channel


def _shadowing(
    earlier: list[TreatmentDefinition], treatment: TreatmentDefinition
) -> TreatmentDefinition | None:
    for other in earlier:
        covers = other.placement is None or other.placement == treatment.placement
        if other.channel == treatment.channel and covers and not other.eligibility:
            return other
    return None


def _check_attributes(
    workspace: Workspace, group: Source[GroupFile], name: str, action: ActionDefinition
) -> Iterator[Diagnostic]:
    schema = workspace.schema.definition.action if workspace.schema is not None else {}
    document, path = group.document, ("actions", name, "attributes")
    node = document.node.child(*path) if document.node is not None else None
    for key, value in action.attributes.items():
        attribute = schema.get(key)
        if attribute is not None:
            _, found = constant(
                Written(document, (*path, key), value), attribute, "NB305", workspace.time_zone
            )
            yield from found
        elif node is not None and not workspace.names.attributes.knows(f"action.{key}"):
            otherwise = "declare it in `schema.yaml` under `action:`"
            remedy = suggest(key, schema, otherwise=otherwise)
            yield Diagnostic("NB304", f"actions have no attribute `{key}`", document.key(node, key), remedy)
    whole = document.node.child("actions", name) if document.node is not None else None
    for key, attribute in schema.items():
        if attribute.required and key not in action.attributes and workspace.is_sound(document, whole):
            position = document.name("actions", name)
            remedy = f"write it under `attributes:`, {{{key}: ...}}"
            yield Diagnostic("NB306", f"the action `{name}` lacks its attribute `{key}`", position, remedy)
