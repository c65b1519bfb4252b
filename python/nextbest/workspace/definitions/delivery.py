"""`channels.yaml`, `arbitration.yaml`, `models/*.yaml` and `contact-policies.yaml`."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Discriminator, Field, Tag

from nextbest.workspace.definitions.vocabulary import (
    Definition,
    Expression,
    Moment,
    Name,
    Number,
    Percent,
    Probability,
    ScoreColumn,
    Span,
    Text,
)


class PlacementDefinition(Definition):
    """A named slot of a channel."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"count": 1, "fallback": "newsletter"}]})

    count: Annotated[int, Field(ge=1, le=100)] = 1
    """How many actions to return if the request gives no number."""
    fallback: Name | None = None
    """The action that fills the placement when no other is left."""


class ChannelDefinition(Definition):
    """A way to reach customers, with its placements."""

    placements: Annotated[dict[Name, PlacementDefinition], Field(max_length=1_000)] = Field(
        default_factory=dict
    )
    """The placements by name."""


class ChannelsFile(Definition):
    """`channels.yaml`: channels and their placements."""

    model_config = ConfigDict(title="channels.yaml")

    channels: Annotated[dict[Name, ChannelDefinition], Field(max_length=1_000)]
    """The channels by name."""


class FactorsDefinition(Definition):
    """The factors of the priority; a factor that is off counts as 1."""

    propensity: bool = True
    """How likely the customer accepts."""
    context_weight: bool = True
    """How well it fits the moment."""
    value: bool = True
    """What it is worth."""
    lever: bool = True
    """What the business adds."""


class ThresholdsDefinition(Definition):
    """The minimum that an action has to reach to be placed; mandatory actions are exempt."""

    propensity: Probability | None = None
    """Lowest propensity, 0 to 1."""
    priority: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    """Lowest priority."""


class ArbitrationDefinition(Definition):
    """How priorities are computed: propensity x context weight x value x lever, or a formula."""

    factors: FactorsDefinition | None = None
    """Switches factors off."""
    formula: Expression | None = None
    """Replaces the product: CEL over `propensity`, `context_weight`, `value` and `lever`."""
    thresholds: ThresholdsDefinition = ThresholdsDefinition()
    """The minimum that an action has to reach."""


class ContextWeightDefinition(Definition):
    """Percentage points for some actions in some situations; the ones that match add up."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"when": 'context.page == "cards"', "percent": 40, "group": "credit-cards"}]
        }
    )

    when: Expression
    """When it applies: CEL over `customer`, `context` and `now`."""
    percent: Percent
    """Percentage points, from -100."""
    issue: Name | None = None
    """Only for actions of this issue."""
    group: Name | None = None
    """Only for actions of this group."""
    action: Name | None = None
    """Only for this action."""


class ArbitrationFile(Definition):
    """`arbitration.yaml`: how the best of the remaining actions are chosen."""

    model_config = ConfigDict(title="arbitration.yaml")

    arbitration: ArbitrationDefinition = ArbitrationDefinition()
    """Factors, formula and thresholds."""
    context_weights: Annotated[list[ContextWeightDefinition], Field(max_length=10_000)] = Field(
        default_factory=list
    )
    """Percentage points that depend on the situation."""


class ColumnDefinition(Definition):
    """One column of a model's input."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"attribute": "customer.job", "missing": "unknown"}]}
    )

    attribute: Text
    """An attribute with its root: `customer.age`, `context.device` or `action.apr`."""
    missing: bool | int | Number | str | None = None
    """Used if the attribute is absent. Without it: NaN for a number, the prior for anything else."""


def _kind_of_column(data: object) -> str:
    return "<attribute>" if isinstance(data, str) else "<column>"


def _kind_of_input(data: object) -> str:
    return "<columns>" if isinstance(data, list) else _kind_of_column(data)


Column = Annotated[
    Annotated[Text, Tag("<attribute>")] | Annotated[ColumnDefinition, Tag("<column>")],
    Discriminator(_kind_of_column),
]
Input = Annotated[
    Annotated[Text, Tag("<attribute>")]
    | Annotated[ColumnDefinition, Tag("<column>")]
    | Annotated[list[Column], Tag("<columns>"), Field(min_length=1, max_length=4_096)],
    Discriminator(_kind_of_input),
]


class BindingFile(Definition):
    """`binding.yaml`: where the inputs of a pushed model come from, and which output is the score."""

    model_config = ConfigDict(title="binding.yaml")

    inputs: Annotated[dict[str, Input], Field(min_length=1)] = Field(default_factory=dict)
    """For each input of the model its attribute, or the attributes of its columns in order. An input of one
    column whose name is that of an attribute (`age`, `customer_age`) may be left out."""
    output: Text | None = None
    """The output with the probabilities. Without it: the only output that is possible."""
    positive_class: ScoreColumn | None = None
    """The class that means "accepts", as text, or the number of its column, from 0. Without it: column 1, or
    0 when there is one column. Required if the model names its classes by texts."""
    prior: Probability | None = None
    """The score of the model when it has none; an action's own prior comes first."""
    rows: Literal["one"] | None = None
    """`one`: each row is scored alone; needed if the scores of a graph depend on the other rows of the same
    run."""

    @property
    def is_row_by_row(self) -> bool:
        """Whether each row is scored alone."""
        return self.rows == "one"


class ModelFile(BindingFile):
    """A file below `models/`: an ONNX model, or a version of a pushed one, and where its inputs come from."""

    model_config = ConfigDict(title="models/*.yaml")

    name: Name
    """What actions call it."""
    file: Text = ""
    """The ONNX file, relative to this one."""
    version: Text = ""
    """Instead of a file: a version that was pushed under this name, by alias (`champion`) or SHA-256."""
    background: Text = ""
    """A sample of real customers, Parquet or CSV, relative to this file; needed for contributions."""
    description: Text = ""
    """What it predicts, from which data."""


class TrainingDefinition(Definition):
    """The period that the training data covers."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"from": "2025-01-01", "until": "2025-12-31"}]})

    from_: Moment = Field(alias="from")
    """Its beginning."""
    until: Moment
    """Its end."""


class CardFile(Definition):
    """`card.yaml`: the model card: the purpose of a pushed model, and who is responsible for it."""

    model_config = ConfigDict(title="card.yaml")

    owner: Text
    """Who is responsible for the model: a team or a person, with an address."""
    description: Text = ""
    """What it predicts, from which data."""
    training: TrainingDefinition | None = None
    """The period that the training data covers."""
    population: Text = ""
    """The customers that it was trained on and may be used for."""
    metrics: dict[Name, Number] = Field(default_factory=dict)
    """Its measured quality, by name: `auc`, `log_loss`."""
    limits: list[Text] = Field(default_factory=list)
    """What it must not be used for, and its known errors."""
    expires: Moment | None = None
    """From this time on, `check` warns that the card has expired; a date means the beginning of that day in
    UTC."""


class ContactPolicyDefinition(Definition):
    """A limit on interactions within a window, and the suppression that follows."""

    name: Name
    """What explanations call it."""
    outcome: Literal["impression", "click", "accept", "reject", "conversion"]
    """What is counted."""
    scope: Literal["action", "group", "issue", "all"]
    """The scope of the count and of the suppression."""
    count: Annotated[int, Field(ge=1, le=10_000)]
    """The number allowed within the window."""
    window: Span
    """The length of the sliding window."""
    suppress: Span
    """How long nothing more is shown after the last one."""
    channel: Name | None = None
    """Counts only this channel. Without it: all channels."""


class StockDefinition(Definition):
    """Something with a limited quantity."""

    count: Annotated[int, Field(ge=0, le=2**53)]
    """The quantity."""


class ContactFile(Definition):
    """`contact-policies.yaml`: contact policies and stock."""

    model_config = ConfigDict(title="contact-policies.yaml")

    contact_policies: list[ContactPolicyDefinition] = Field(default_factory=list)
    """The contact policies."""
    stock: dict[Name, StockDefinition] = Field(default_factory=dict)
    """Stock by name; actions refer to it by this name."""
