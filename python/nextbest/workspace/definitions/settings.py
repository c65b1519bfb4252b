"""`workspace.yaml` and `schema.yaml`."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from nextbest.expression import is_time_zone
from nextbest.workspace.definitions.vocabulary import (
    AttributeName,
    Definition,
    Expression,
    Name,
    Number,
    Text,
)


def _currency(text: str) -> str:
    if not re.fullmatch(r"[A-Z]{3}", text):
        raise PydanticCustomError("NB203", "is not a currency of ISO 4217, such as `EUR`")
    return text


def _time_zone(text: str) -> str:
    if not is_time_zone(text):
        raise PydanticCustomError("NB409", "is not a time zone")
    return text


TimeZone = Annotated[
    str,
    AfterValidator(_time_zone),
    WithJsonSchema({"type": "string", "examples": ["Europe/Berlin", "UTC", "+01:00"]}),
]
Currency = Annotated[
    str,
    AfterValidator(_currency),
    WithJsonSchema({"type": "string", "pattern": "^[A-Z]{3}$", "examples": ["EUR", "USD"]}),
]
TypeName = Literal["bool", "int", "double", "string", "timestamp", "duration", "list<string>", "list<int>"]
Purposes = Annotated[list[Text], Field(max_length=16)]


class WorkspaceFile(Definition):
    """`workspace.yaml`: the workspace itself."""

    model_config = ConfigDict(
        title="workspace.yaml", json_schema_extra={"examples": [{"name": "retail-bank"}]}
    )

    name: Name
    """The workspace's name; its bundles have it too."""
    currency: Currency | None = None
    """The currency of values and priorities, ISO 4217. Only shown; nothing is converted."""
    time_zone: TimeZone = ""
    """The time zone in which dates begin and end, and which `now.getHours()` uses. Without one: UTC."""
    description: Text = ""
    """What this workspace is for."""


class AttributeDefinition(Definition):
    """The declaration of one attribute."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"type": "int", "minimum": 0, "maximum": 130, "label": "Age"}]}
    )

    type: TypeName
    """The type of its values."""
    label: Text = ""
    """What people call it. Without one: its name."""
    description: Text = ""
    """What it means and where it comes from."""
    required: bool = False
    """Whether it is expected to be present. Conditions on attributes that may be absent get extra
    warnings."""
    enum: Annotated[list[str | int], Field(min_length=1, max_length=10_000)] | None = None
    """All values it can have: of a string or int, or of the elements of a list."""
    minimum: Number | int | None = None
    """Smallest value of an int or double."""
    maximum: Number | int | None = None
    """Largest value of an int or double."""
    purposes: Purposes = Field(default_factory=list)
    """Purposes of use that need the customer's consent."""
    expression: Expression | None = None
    """Computes the attribute from others, once for each request; then it is not sent or stored."""


Attributes = dict[AttributeName, AttributeDefinition]


class SchemaFile(Definition):
    """`schema.yaml`: every attribute that expressions may name."""

    model_config = ConfigDict(title="schema.yaml")

    customer: Attributes = Field(default_factory=dict)
    """What is known of the customer: `customer.age`."""
    context: Attributes = Field(default_factory=dict)
    """What is known of the moment, sent with each request: `context.device`."""
    action: Attributes = Field(default_factory=dict)
    """What is known of the action, written with it under `attributes:`: `action.apr`."""
