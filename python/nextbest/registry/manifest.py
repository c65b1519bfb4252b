"""The manifest of a version: what was pushed, by whom, and what was found out about it. Written once."""

import json
from dataclasses import dataclass, field
from typing import Final

from nextbest.models.report import Report
from nextbest.registry.card import Card
from nextbest.registry.records import encode, parse

FORMAT: Final = 2
CHECKED_FORMAT: Final = 2
"""From this one on, the digest of a manifest is kept beside it."""
MODEL_CARD: Final = "model card"
"""What `sources` calls the file of the card."""


@dataclass(frozen=True, slots=True)
class BoundColumn:
    """A column of an input.

    Attributes:
        attribute: Where it comes from.
        missing: What takes the place of an absent attribute, as JSON; empty where nothing does.
        is_by_name: Bound automatically, because it has the name of the attribute.
    """

    attribute: str
    missing: str = ""
    is_by_name: bool = False

    @property
    def described(self) -> str:
        """The attribute, and the value if it is missing."""
        return f"{self.attribute} (missing: {self.missing})" if self.missing else self.attribute


@dataclass(frozen=True, slots=True)
class Binding:
    """Where the columns of a model come from, and which output is the score.

    Attributes:
        inputs: For each input the attribute of each column; empty for a model that was pushed without.
        output: Holds the scores.
        positive_column: Of the output, from 0.
        prior: Replaces the score if the model has none; None if each action has one.
        positive_label: The class of that column; empty where the model has no names for its classes.
        row_by_row: Each row is scored by itself.
    """

    inputs: dict[str, list[BoundColumn]]
    output: str
    positive_column: int
    prior: float | None = None
    positive_label: str = ""
    row_by_row: bool = False

    @property
    def score(self) -> str:
        """The output, column and class that the score is: `probabilities[1]: decline`."""
        label = f": {self.positive_label}" if self.positive_label else ""
        return f"{self.output}[{self.positive_column}]{label}"


@dataclass(frozen=True, slots=True)
class Manifest:
    """All that a version is, besides its bytes.

    Attributes:
        name: Of the model.
        version: SHA-256 of the ONNX bytes, in hexadecimal.
        pushed_at: RFC 3339, UTC.
        pushed_by: User name.
        files: SHA-256 of every other file of the version, by name.
        sources: SHA-256 of the files that were given with the model, by what they hold: a version has one of
            each, for ever.
        report: What validation found.
        binding: As it was bound.
        card: None when it was pushed without one.
        any_operator: Pushed with permission for operators outside the allow-list.
        budget_us: Most that scoring one row may have taken; None without a budget.
        format: Of this record.
    """

    name: str
    version: str
    pushed_at: str
    pushed_by: str
    files: dict[str, str]
    report: Report
    binding: Binding
    sources: dict[str, str] = field(default_factory=dict)
    card: Card | None = None
    any_operator: bool = False
    budget_us: float | None = None
    format: int = FORMAT


def render_manifest(manifest: Manifest) -> bytes:
    """Renders a manifest as JSON, for people who look into the folder too."""
    return json.dumps(encode(manifest), indent=2, ensure_ascii=False, sort_keys=True).encode() + b"\n"


def parse_manifest(data: bytes) -> Manifest:
    """Parses a manifest.

    Raises:
        ValueError: It is not one.
    """
    return parse(Manifest, data)
