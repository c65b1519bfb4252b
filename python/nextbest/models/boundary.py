"""Trees and some rows -> rows at the edges of the trees' comparisons, where engines and exporters differ.

For a threshold: itself, the float on either side of it, NaN, and both infinities, in the column that is
compared. The other columns are those of a row that occurs.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from nextbest.models.job import Rows
from nextbest.models.scoring import row_count, take
from nextbest.models.trees import Ensemble

THRESHOLDS_MAX: Final = 500
"""Tested of a model; of more, every n-th by feature and size, so that the same are tested each time."""
VARIANTS: Final = 6
_FINITE_VARIANTS: Final = 3


@dataclass(frozen=True, slots=True)
class BoundaryRows:
    """Rows to score, `VARIANTS` for each threshold.

    Attributes:
        rows: By input; empty when nothing can be tested.
        inputs: For each threshold the input that it is about.
        features: For each threshold the column of that input.
        values: The value of that column for each row.
        threshold_count: How many different ones the model has.
        reason: Why some are not among them; empty when all are.
    """

    rows: dict[str, NDArray[Any]]
    inputs: list[str]
    features: list[int]
    values: NDArray[np.float64]
    threshold_count: int
    reason: str

    def is_finite(self) -> NDArray[np.bool_]:
        """For each row whether its value is a finite number."""
        return np.isfinite(self.values)


def boundary_rows(ensembles: list[Ensemble], base: Rows) -> BoundaryRows:
    """Makes the rows.

    Args:
        ensembles: Of the model.
        base: Rows that occur, of every input; at least one.
    """
    count, edges, reasons = 0, [], []
    for ensemble in ensembles:
        pairs = np.unique(np.stack([ensemble.features, ensemble.thresholds], axis=1), axis=0)
        count += len(pairs)
        array = base.get(ensemble.input)
        if array is None:
            reasons.append(f"other operators come before `{ensemble.name}`")
        elif array.dtype.kind == "f":
            edges += [(ensemble.input, int(feature), threshold) for feature, threshold in pairs]
    edges = sorted(set(edges))
    if len(edges) > THRESHOLDS_MAX:
        reasons.append(f"{THRESHOLDS_MAX:,} are sampled")
        edges = [edges[index] for index in np.linspace(0, len(edges) - 1, THRESHOLDS_MAX).astype(int)]
    indices = np.arange(len(edges) * VARIANTS) % row_count(base)
    rows = {name: array.copy() for name, array in take(base, indices).items()}
    values = np.zeros(len(indices))
    for index, (name, feature, threshold) in enumerate(edges):
        span = slice(index * VARIANTS, (index + 1) * VARIANTS)
        rows[name][span, feature] = _around(rows[name].dtype.type(threshold))
        values[span] = rows[name][span, feature]
    inputs, features = [name for name, _, _ in edges], [feature for _, feature, _ in edges]
    return BoundaryRows(rows, inputs, features, values, count, "; ".join(dict.fromkeys(reasons)))


def answers_everything(model: Any, ensembles: list[Ensemble]) -> bool:
    """Whether a row with NaN or an infinity has to have a score: whether trees alone read the inputs.

    The tree may take either branch. Operators that multiply or add turn NaN into NaN, and the prior replaces
    the score.
    """
    reading = {ensemble.name for ensemble in ensembles if ensemble.input}
    names = {value.name for value in model.graph.input}
    for node in model.graph.node:
        if not names & set(node.input):
            continue
        if node.op_type in {"Identity", "Cast"}:
            names |= set(node.output)
        elif (node.name or node.op_type) not in reading:
            return False
    return True


def _around(threshold: Any) -> NDArray[Any]:
    kind = type(threshold)
    low, high = np.nextafter(threshold, kind(-np.inf)), np.nextafter(threshold, kind(np.inf))
    return np.array([threshold, low, high, np.nan, np.inf, -np.inf], dtype=kind)
