"""`tests/*.yaml`: invented customers, and what they are to be offered."""

from typing import Annotated, Any

from pydantic import ConfigDict, Discriminator, Field, Tag

from nextbest.workspace.definitions.vocabulary import Definition, Moment, Name, StageName, Text


class PersonaDefinition(Definition):
    """An invented customer at some moment."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"customer": {"age": 20, "products": []}, "context": {"device": "web"}}]
        }
    )

    customer: dict[str, Any] = Field(default_factory=dict)
    """Attributes of the customer; those left out are absent."""
    context: dict[str, Any] = Field(default_factory=dict)
    """Attributes of the moment; those left out are absent."""


class RefusalDefinition(Definition):
    """Why an action is not to be offered; what is left out may be anything."""

    stage: StageName | None = None
    """The stage at which it has to be dropped."""
    reason: Text | None = None
    """The reason that has to be among those it is dropped for."""


def _kind_of_refusals(data: object) -> str:
    return "<names>" if isinstance(data, list) else "<refusals>"


Refusals = Annotated[
    Annotated[list[Name], Tag("<names>")] | Annotated[dict[Name, RefusalDefinition], Tag("<refusals>")],
    Discriminator(_kind_of_refusals),
]


class ExpectationDefinition(Definition):
    """What the answer has to hold: by placement, exactly these actions in this order."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "examples": [{"hero": ["student-card"], "not": {"gold-card": {"stage": "eligibility"}}}],
        },
    )
    __pydantic_extra__: dict[str, list[Name]] = Field(init=False)

    not_: Refusals = Field({}, alias="not")
    """Actions that must not be in the answer, and why."""


class PersonaTestDefinition(Definition):
    """A question, and what the answer has to hold."""

    name: Text
    """What is shown to be so, as a sentence."""
    persona: Name
    """Who asks; a persona of any file of tests."""
    channel: Name
    """Through which channel."""
    placements: Annotated[dict[Name, Annotated[int, Field(ge=1, le=100)]], Field(min_length=1, max_length=32)]
    """How many actions for which placement; filled in this order."""
    now: Moment | None = None
    """When. Without it: the time at which the tests run."""
    customer: dict[str, Any] = Field(default_factory=dict)
    """Attributes that differ from the persona's, for this test."""
    context: dict[str, Any] = Field(default_factory=dict)
    """Attributes of the moment that differ from the persona's, for this test."""
    expect: ExpectationDefinition
    """What the answer has to hold."""


class PersonaFile(Definition):
    """A file below `tests/`: personas and what they are to be offered."""

    model_config = ConfigDict(title="tests/*.yaml")

    personas: dict[Name, PersonaDefinition] = Field(default_factory=dict)
    """Invented customers by name; tests of other files may use them."""
    tests: list[PersonaTestDefinition] = Field(default_factory=list)
    """The tests."""
