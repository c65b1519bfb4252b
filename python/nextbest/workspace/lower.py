"""A checked workspace -> the message of a bundle: names are indices, expressions tables and programs.

Also lowers a workspace with errors, so that all errors in its expressions are found; that bundle is
discarded. Everything is in the order of names, so the same workspace gives the same bytes.
"""

import json
from collections.abc import Mapping

from nextbest.expression import Constant, Root, encode
from nextbest.models.engine import engine_of
from nextbest.v1 import bundle_pb2, customer_pb2
from nextbest.workspace.baseline import lower_baseline
from nextbest.workspace.binding import Binding
from nextbest.workspace.check.actions import treatment_name
from nextbest.workspace.check.delivery import context_weight_scopes
from nextbest.workspace.check.values import Written, constant
from nextbest.workspace.conditions import UNCLEAR, Conditions
from nextbest.workspace.definitions import (
    ActionDefinition,
    GroupFile,
    IssuesFile,
    PropensityDefinition,
    TreatmentDefinition,
    end_us,
    moment_us,
)
from nextbest.workspace.elements import ELEMENT_NUMBERS
from nextbest.workspace.load import Progress, Source, Workspace

STAGES = ("eligibility", "applicability", "suitability")
ISSUES = "issues"

Stages = dict[str, list[int]]


def lower(
    workspace: Workspace, conditions: Conditions, bindings: list[Binding], progress: Progress
) -> bundle_pb2.Bundle:
    """Builds the bundle of a workspace.

    Args:
        workspace: As loaded.
        conditions: Compiles its expressions, and collects their findings.
        bindings: Its models.
        progress: Called every few actions.
    """
    return _Lowering(workspace, conditions, bindings).run(progress)


class _Lowering:
    def __init__(self, workspace: Workspace, conditions: Conditions, bindings: list[Binding]) -> None:
        self._workspace = workspace
        self._conditions = conditions
        self._bindings = bindings
        self._bundle = bundle_pb2.Bundle()
        self._action_attributes = [a for a in conditions.attributes.values() if a.root is Root.ACTION]
        self._groups = sorted(workspace.groups, key=lambda source: source.definition.group)
        self._actions = ordered_actions(workspace)
        self._group_indices = {source.definition.group: i for i, source in enumerate(self._groups)}
        self._action_indices = {name: index for index, (name, _, _) in enumerate(self._actions)}
        self._model_indices = {b.source.definition.name: i for i, b in enumerate(bindings)}
        self._issue_indices: dict[str, int] = {}
        self._placement_indices: dict[str, tuple[int, dict[str, int]]] = {}

    def run(self, progress: Progress) -> bundle_pb2.Bundle:
        bundle, workspace = self._bundle, self._workspace
        if workspace.settings is not None:
            bundle.workspace = workspace.settings.definition.name
            bundle.currency = workspace.settings.definition.currency or ""
            bundle.time_zone = workspace.time_zone
        self._add_issues_and_groups()
        self._add_channels()
        for done, (name, group, action) in enumerate(self._actions):
            if done % 64 == 0:
                progress("lower", done, len(self._actions))
            self._add_action(name, group, action)
        self._add_models()
        self._add_arbitration()
        self._conditions.fill(bundle)
        progress("lower", len(self._actions), len(self._actions))
        return bundle

    def _add_issues_and_groups(self) -> None:
        levers = dict.fromkeys((source.definition.issue for source in self._groups), 0.0)
        if self._workspace.issues is not None:
            levers |= {name: issue.lever for name, issue in self._workspace.issues.definition.issues.items()}
        for index, (name, lever) in enumerate(sorted(levers.items())):
            self._issue_indices[name] = index
            self._bundle.issues.add(name=name, lever_percent=lever)
        for source in self._groups:
            group = source.definition
            self._bundle.groups.add(
                name=group.group,
                issue=self._issue_indices[group.issue],
                lever_percent=group.lever,
                limit=group.limit or 0,
            )

    def _add_channels(self) -> None:
        if self._workspace.channels is None:
            return
        channels = self._workspace.channels.definition.channels
        for index, (name, channel) in enumerate(sorted(channels.items())):
            entry = self._bundle.channels.add(name=name)
            indices = {placement: position for position, placement in enumerate(channel.placements)}
            self._placement_indices[name] = index, indices
            for placement in indices:
                slot = channel.placements[placement]
                entry.placements.add(
                    name=placement,
                    count=slot.count,
                    fallback=self._action_indices.get(slot.fallback) if slot.fallback is not None else None,
                )

    def _add_action(self, name: str, group: Source[GroupFile], action: ActionDefinition) -> None:
        attributes = self._attributes(name, group, action)
        stages = self._stages(name, group, action, attributes)
        entry = self._bundle.actions.add(
            name=name,
            group=self._group_indices[group.definition.group],
            enabled=action.enabled,
            eligibility=stages["eligibility"],
            applicability=stages["applicability"],
            suitability=stages["suitability"],
            lever_percent=action.lever,
            prior=self._prior(action),
            model=self._model_indices.get(_model(action) or ""),
            model_column=self._column(action),
            mandatory=action.mandatory,
            label=action.label,
        )
        if action.active.from_ is not None:
            entry.active_from_us = moment_us(action.active.from_, self._workspace.time_zone)
        if action.active.until is not None:
            entry.active_until_us = end_us(action.active.until, self._workspace.time_zone)
        self._set_value(entry, name, group, action, attributes)
        for attribute in self._action_attributes:
            value = attributes.get(attribute.name)
            entry.attributes.append(customer_pb2.Value() if value is None else encode(value, attribute.type))
        for index, treatment in enumerate(action.treatments):
            path = ("actions", name, "treatments", index, "eligibility")
            clauses = self._conditions.clauses(group.document, path, treatment.eligibility, attributes)
            self._add_treatment(entry, treatment, clauses)

    def _attributes(
        self, name: str, group: Source[GroupFile], action: ActionDefinition
    ) -> Mapping[str, Constant]:
        if self._workspace.schema is None:
            return {}
        schema = self._workspace.schema.definition.action
        node = group.document.node
        is_sound = self._workspace.is_sound(group.document, node.child("actions", name) if node else None)
        if not is_sound or any(a.required and key not in action.attributes for key, a in schema.items()):
            return UNCLEAR
        values = {}
        for key, value in action.attributes.items():
            if key in schema:
                written = Written(group.document, ("actions", name, "attributes", key), value)
                found, errors = constant(written, schema[key], "NB305", self._workspace.time_zone)
                if errors:
                    return UNCLEAR
                if found is not None:
                    values[key] = found
        return values

    def _stages(
        self,
        name: str,
        group: Source[GroupFile],
        action: ActionDefinition,
        attributes: Mapping[str, Constant],
    ) -> Stages:
        """The clauses of each stage: first those of the issue, then of the group, then of the action."""
        stages: Stages = {}
        issues: Source[IssuesFile] | None = self._workspace.issues
        for stage in STAGES:
            clauses: list[int] = []
            if issues is not None and group.definition.issue in issues.definition.issues:
                issue = group.definition.issue
                inherited = getattr(issues.definition.issues[issue], stage)
                path = (ISSUES, issue, stage)
                clauses += self._conditions.clauses(issues.document, path, inherited, attributes)
            inherited = getattr(group.definition, stage)
            clauses += self._conditions.clauses(group.document, (stage,), inherited, attributes)
            path = ("actions", name, stage)
            clauses += self._conditions.clauses(group.document, path, getattr(action, stage), attributes)
            stages[stage] = list(dict.fromkeys(clauses))
        return stages

    def _prior(self, action: ActionDefinition) -> float:
        match action.propensity:
            case float() as prior:
                return prior
            case PropensityDefinition(prior=float() as prior):
                return prior
            case PropensityDefinition(model=model):
                return self._model_prior(model)
            case str() as model:
                return self._model_prior(model)
        return 1.0

    def _column(self, action: ActionDefinition) -> int | None:
        """The column that an action requests; classes that do not exist were reported before."""
        match action.propensity:
            case PropensityDefinition(model=model, column=str() as label):
                index = self._model_indices.get(model)
                labels = self._bindings[index].labels if index is not None else None
                return labels.column(label) if labels is not None else None
            case PropensityDefinition(column=int() as column):
                return column
        return None

    def _model_prior(self, model: str) -> float:
        index = self._model_indices.get(model)
        return 1.0 if index is None else self._bindings[index].source.definition.prior or 0.0

    def _set_value(
        self,
        entry: bundle_pb2.Action,
        name: str,
        group: Source[GroupFile],
        action: ActionDefinition,
        attributes: Mapping[str, Constant],
    ) -> None:
        value: object = action.value
        if isinstance(value, str):
            value = self._conditions.number(group.document, ("actions", name, "value"), value, attributes)
        if isinstance(value, bundle_pb2.Program):
            entry.value_program.CopyFrom(value)
        elif isinstance(value, int | float):
            entry.value_constant = value

    def _add_treatment(
        self, action: bundle_pb2.Action, treatment: TreatmentDefinition, clauses: list[int]
    ) -> None:
        channel, placements = self._placement_indices.get(treatment.channel, (0, {}))
        action.treatments.add(
            name=treatment_name(treatment),
            channel=channel,
            placement=placements.get(treatment.placement) if treatment.placement is not None else None,
            eligibility=clauses,
            content=json.dumps(treatment.content, ensure_ascii=False, sort_keys=True, separators=(",", ":")),
        )

    def _add_models(self) -> None:
        for binding in self._bindings:
            entry = self._bundle.models.add(
                name=binding.source.definition.name,
                onnx=binding.onnx,
                output=binding.output,
                positive_column=binding.positive_column,
                row_by_row=binding.source.definition.is_row_by_row,
            )
            columns = [binding.positive_column, *self._columns(binding.source.definition.name)]
            recorded = None if binding.baseline is None else binding.baseline.manifest.report.engine
            choice = engine_of(binding.onnx, binding.output, columns, recorded)
            if choice.native is None:
                entry.native_refusal = choice.engine.reason
            else:
                entry.native.CopyFrom(choice.native)
            for given in binding.inputs:
                tensor = entry.inputs.add(name=given.name, element_type=ELEMENT_NUMBERS.get(given.element, 0))
                for column in given.columns:
                    found = self._conditions.reference(binding.document, column.path, column.reference)
                    target = tensor.columns.add(missing=column.missing)
                    if found is not None and found.root is Root.ACTION:
                        target.action_attribute = found.index
                    elif found is not None:
                        target.feature = found.index
            if binding.baseline is not None:
                lower_baseline(binding.baseline, entry)

    def _columns(self, model: str) -> list[int]:
        """The columns of a model's output that actions request."""
        index = self._model_indices.get(model)
        return [
            action.model_column
            for action in self._bundle.actions
            if action.HasField("model_column") and action.HasField("model") and action.model == index
        ]

    def _add_arbitration(self) -> None:
        source = self._workspace.arbitration
        if source is None:
            self._bundle.arbitration.SetInParent()
            return
        arbitration, entry = source.definition.arbitration, self._bundle.arbitration
        entry.SetInParent()
        if arbitration.formula is not None:
            program = self._conditions.formula(
                source.document, ("arbitration", "formula"), arbitration.formula
            )
            entry.formula_text = arbitration.formula
            if program is not None:
                entry.formula.CopyFrom(program)
        elif arbitration.factors is not None:
            entry.propensity_off = not arbitration.factors.propensity
            entry.context_weight_off = not arbitration.factors.context_weight
            entry.value_off = not arbitration.factors.value
            entry.lever_off = not arbitration.factors.lever
        if arbitration.thresholds.propensity is not None:
            entry.propensity_threshold = arbitration.thresholds.propensity
        if arbitration.thresholds.priority is not None:
            entry.priority_threshold = arbitration.thresholds.priority
        indices = {"issue": self._issue_indices, "group": self._group_indices, "action": self._action_indices}
        for index, weight in enumerate(source.definition.context_weights):
            clauses = self._conditions.condition(
                source.document, ("context_weights", index, "when"), weight.when
            )
            scoped = {
                scope: indices[scope].get(name, 0) for scope, name in context_weight_scopes(weight).items()
            }
            self._bundle.context_weights.append(
                bundle_pb2.ContextWeight(clauses=clauses, percent=weight.percent, text=weight.when, **scoped)
            )


def ordered_actions(workspace: Workspace) -> list[tuple[str, Source[GroupFile], ActionDefinition]]:
    """The actions with their names and groups, in the order of a bundle."""
    found = [
        (name, group, action)
        for group in sorted(workspace.groups, key=lambda source: source.definition.group)
        for name, action in group.definition.actions.items()
    ]
    return sorted(found, key=lambda action: action[0])


def _model(action: ActionDefinition) -> str | None:
    match action.propensity:
        case PropensityDefinition(model=name):
            return name
        case str() as name:
            return name
    return None
