"""A model's binding (`models/*.yaml`) -> what the model reads, column by column, for those who train it."""

from dataclasses import dataclass
from typing import Any

from nextbest.workspace.definitions import ColumnDefinition, ModelFile


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """One model, trained and written.

    Attributes:
        name: As in its binding.
        kind: What it is, for people.
        offers: Rows it was trained on and measured with.
        accepted_share: Share of offers that worked, 0.0 to 1.0.
        auc: Area under the ROC curve on offers held back, 0.0 to 1.0; 0.5 is chance.
        size_bytes: Of the ONNX file.
    """

    name: str
    kind: str
    offers: int
    accepted_share: float
    auc: float
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a model's input: an attribute, and its value if it is missing."""

    attribute: str
    missing: Any = None

    @classmethod
    def of(cls, written: str | ColumnDefinition) -> "Column":
        """Reads a column as a binding writes it."""
        return cls(written) if isinstance(written, str) else cls(written.attribute, written.missing)


@dataclass(frozen=True, slots=True)
class Binding:
    """What a model reads: its numeric input with its columns, and text inputs of one column each."""

    numbers: str
    number_columns: tuple[Column, ...]
    texts: dict[str, Column]

    @classmethod
    def of(cls, model: ModelFile) -> "Binding":
        """Reads a binding that has one vector of numbers."""
        ((vector, columns),) = (
            (n, written) for n, written in model.inputs.items() if isinstance(written, list)
        )
        texts = {n: Column.of(w) for n, w in model.inputs.items() if not isinstance(w, list)}
        return cls(vector, tuple(Column.of(written) for written in columns), texts)
