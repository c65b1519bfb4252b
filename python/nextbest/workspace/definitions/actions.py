"""`actions/**/*.yaml` and `issues.yaml`: issue > group > action > treatment, with their policies."""

from typing import Annotated, Any

from pydantic import ConfigDict, Discriminator, Field, Tag

from nextbest.workspace.definitions.vocabulary import (
    ConditionDefinition,
    Definition,
    Expression,
    Moment,
    Name,
    Number,
    Percent,
    Policies,
    Probability,
    ScoreColumn,
    Text,
)


def _kind_of_value(data: object) -> str:
    return "<expression>" if isinstance(data, str) else "<number or expression>"


def _kind_of_propensity(data: object) -> str:
    if isinstance(data, str):
        return "<model>"
    return "<binding>" if isinstance(data, dict | PropensityDefinition) else "<model or number>"


class WindowDefinition(Definition):
    """When an action may be offered. Dates are whole days of the workspace's `time_zone`."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"from": "2026-01-01", "until": "2026-12-31"}]})

    from_: Moment | None = Field(None, alias="from")
    """First moment of the window; a date means its beginning."""
    until: Moment | None = None
    """First moment after the window; a date is in the window until its end."""


class PropensityDefinition(Definition):
    """A model, and the prior that replaces its score."""

    model: Name
    """The model's name."""
    prior: Probability | None = None
    """Replaces the score when the model has none. Without one: the model's own prior."""
    column: ScoreColumn | None = None
    """The column of the model's output that is this action's propensity, counted from 0, or its class as
    text: for one model that answers for many actions. Without it: the model's positive class."""


Value = Annotated[
    Annotated[Expression, Tag("<expression>")] | Annotated[Number, Tag("<number or expression>")],
    Discriminator(_kind_of_value),
]
Propensity = Annotated[
    Annotated[Name, Tag("<model>")]
    | Annotated[PropensityDefinition, Tag("<binding>")]
    | Annotated[Probability, Tag("<model or number>")],
    Discriminator(_kind_of_propensity),
]


class TreatmentDefinition(Definition):
    """An action's form for one channel, and one placement or any."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"channel": "web", "placement": "hero", "content": {"title": "Go gold"}}]
        }
    )

    name: Name | None = None
    """Without one: the channel, or channel-placement."""
    channel: Name
    """A channel of `channels.yaml`."""
    placement: Name | None = None
    """A placement of the channel. Without one: any placement of it."""
    content: dict[str, Any] = Field(default_factory=dict)
    """What the channel shows; the answer carries it as JSON."""
    eligibility: list[ConditionDefinition] = Field(default_factory=list)
    """Conditions of this treatment only; if they do not hold, the action's other treatments are tried."""


class ActionDefinition(Policies):
    """Something that can be offered to a customer."""

    label: Text = ""
    """What people call it. Without one: its name."""
    description: Text = ""
    """What it is, for colleagues."""
    enabled: bool = True
    """False excludes it from every decision."""
    active: WindowDefinition = Field(default_factory=lambda: WindowDefinition.model_validate({}))
    """When it may be offered. Without it: always."""
    value: Value = 1.0
    """What the business gains when it is accepted: a number, or an expression. Without one: 1."""
    lever: Percent = 0.0
    """Percentage points that the business adds; those of issue, group and action add up."""
    mandatory: bool = False
    """Placed before all actions that are not mandatory, and exempt from thresholds."""
    attributes: dict[str, Any] = Field(default_factory=dict)
    """Values of the attributes that `schema.yaml` declares under `action:`."""
    propensity: Propensity | None = None
    """How likely it is accepted: a model, or a number from 0 to 1."""
    stock: Name | None = None
    """A stock of `contact-policies.yaml` that each offer reduces."""
    treatments: Annotated[list[TreatmentDefinition], Field(max_length=1_000)] = Field(default_factory=list)
    """Its treatments. The first one that fits the placement and whose conditions hold is used."""


class GroupFile(Policies):
    """A file below `actions/`: one group of actions."""

    model_config = ConfigDict(title="actions/*.yaml")

    issue: Name
    """The issue of the group: one of `issues.yaml`, if that declares any."""
    group: Name
    """The group's name; two files must not share one."""
    lever: Percent = 0.0
    """Percentage points for each action of the group."""
    limit: Annotated[int, Field(ge=1, le=3_200)] | None = None
    """The largest number of actions of the group in one answer. Without it: no limit."""
    actions: dict[Name, ActionDefinition] = Field(default_factory=dict)
    """The actions by their names, which are unique in the workspace."""


class IssueDefinition(Policies):
    """Levers and policies that all groups of an issue share."""

    groups: Annotated[list[Name], Field(min_length=1)] | None = None
    """The groups that the issue has. Without it: those that files below `actions/` give it."""
    lever: Percent = 0.0
    """Percentage points for each action of the issue."""


class IssuesFile(Definition):
    """`issues.yaml`: the issues, with levers and policies that all of their actions inherit."""

    model_config = ConfigDict(title="issues.yaml")

    issues: dict[Name, IssueDefinition]
    """The issues by name. If there are any, each file below `actions/` belongs to one of them: `service: {}`
    declares an issue without lever and policies."""
