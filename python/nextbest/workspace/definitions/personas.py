"""`tests/*.yaml`: invented customers, and the answers that they should get."""

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
    """Why an action should not be offered; a key that is left out matches anything."""

    stage: StageName | None = None
    """The stage that should drop it."""
    reason: Text | None = None
    """One of the reasons for which that stage should drop it."""


def _kind_of_refusals(data: object) -> str:
    return "<names>" if isinstance(data, list) else "<refusals>"


Refusals = Annotated[
    Annotated[list[Name], Tag("<names>")] | Annotated[dict[Name, RefusalDefinition], Tag("<refusals>")],
    Discriminator(_kind_of_refusals),
]


class ExpectationDefinition(Definition):
    """The expected answer: by placement, exactly these actions in this order."""

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
    """A request, and the expected answer."""

    name: Text
    """What the test shows, as a sentence."""
    persona: Name
    """The persona of the request; from any file of tests."""
    channel: Name
    """The channel of the request."""
    placements: Annotated[dict[Name, Annotated[int, Field(ge=1, le=100)]], Field(min_length=1, max_length=32)]
    """How many actions for each placement; filled in this order."""
    now: Moment | None = None
    """The moment of the decision. Without it: the time at which the tests run."""
    customer: dict[str, Any] = Field(default_factory=dict)
    """Attributes that differ from the persona's, for this test."""
    context: dict[str, Any] = Field(default_factory=dict)
    """Attributes of the moment that differ from the persona's, for this test."""
    expect: ExpectationDefinition
    """The expected answer."""


class PersonaFile(Definition):
    """A file below `tests/`: personas, and tests of the answers that they get."""

    model_config = ConfigDict(title="tests/*.yaml")

    personas: dict[Name, PersonaDefinition] = Field(default_factory=dict)
    """Invented customers by name; tests of other files may use them."""
    tests: list[PersonaTestDefinition] = Field(default_factory=list)
    """The tests."""
