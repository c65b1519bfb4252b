"""A graph and rows -> whether the score of a row is its own, or depends on the rows that are scored with it.

A server scores a customer by itself, or with as many rows as actions are candidates. A softmax or a mean over
the wrong axis, a scale taken from the whole batch, or a `squeeze` that removes the only row gives the right
scores to a trainer who scores one table, and others to every customer.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from nextbest.models.inner_values import inner_values
from nextbest.models.job import Rows
from nextbest.models.refusal import DEPENDENT, ModelError
from nextbest.models.report import DEPENDENCE_MAX, Independence
from nextbest.models.scoring import Scorer, Scores, row_count, take

ROWS_MAX: Final = 64
CROWD_ROWS: Final = 1_000
"""A graph may mix rows only where there are many, or where one of them is rare."""
# Row counts that no dimension of a graph is likely to have.
_FEW: Final = 13
_MORE: Final = 17
_NAMED_MAX: Final = 3


def examine(alone: Scorer, together: Scorer, model: Any, rows: Rows) -> Independence:
    """Scores rows one by one, all at once, in another order, and in parts.

    Args:
        alone: Scores each row by itself.
        together: Scores the rows that it is given in one run.
        model: The `onnx.ModelProto`, for the names of operators.
        rows: At least one; the first `ROWS_MAX` are compared, also among `CROWD_ROWS` of all.

    Raises:
        ModelError: NB659 or NB660: the model fails, whichever way it is run.
    """
    given, count = rows, min(row_count(rows), ROWS_MAX)
    rows = take(rows, np.arange(count))
    try:
        expected = alone.score(rows)
    except ModelError as error:
        together.score(rows)
        message = f"has no score for a row by itself, though it has for {count} rows: {error.message}"
        return Independence(count, None, [], message, is_failing_alone=True)
    try:
        found = _in_every_way(together, rows)
    except ModelError as error:
        message = f"has no scores for {count} rows at once, though it has for each by itself: {error.message}"
        return Independence(count, None, [], message)
    try:
        found.append(_in_a_crowd(together, given, count))
    except ModelError as error:
        several = f"{CROWD_ROWS:,} rows at once, though it has for each by itself"
        return Independence(count, None, [], f"has no scores for {several}: {error.message}")
    difference = max(_distance(expected, scores) for scores in found)
    nodes = _mixing(together, model, rows) if difference > DEPENDENCE_MAX else []
    return Independence(count, difference, nodes)


def refuse_dependence(found: Independence, *, row_by_row: bool) -> ModelError | None:
    """The refusal of a model whose rows depend on one another, or that cannot score one by itself."""
    if found.failure and found.is_failing_alone:
        remedy = (
            "export it with an open number of rows; a `squeeze` without an axis removes that of a single row"
        )
        return ModelError(found.failure, remedy, DEPENDENT)
    if row_by_row or found.is_independent:
        return None
    remedy = (
        "keep rows apart when you export it (a softmax or mean over columns has axis 1), or write "
        "`rows: one` in the binding: each row is then run by itself"
    )
    if found.failure:
        return ModelError(found.failure, remedy, DEPENDENT)
    message = f"the score of a row changes by up to {found.difference:.3g} with the rows beside it"
    if found.nodes:
        message += f": {', '.join(f'`{node}`' for node in found.nodes)} joins rows"
    return ModelError(message, remedy, DEPENDENT)


def _in_every_way(scorer: Scorer, rows: Rows) -> list[Scores]:
    """Scores of the rows in their order: of all at once, of all in another order, and of uneven parts."""
    count = row_count(rows)
    order = np.random.default_rng(0).permutation(count)
    shuffled = np.empty(count)
    shuffled[order] = scorer.score(take(rows, order))
    parts = np.array_split(np.arange(count), [count // 3, count // 2])
    split = [scorer.score(take(rows, part)) for part in parts if len(part)]
    return [scorer.score(rows), shuffled, np.concatenate(split)]


def _in_a_crowd(scorer: Scorer, rows: Rows, count: int) -> Scores:
    """Scores of the first rows, with all others behind them."""
    try:
        crowd = take(rows, np.resize(np.arange(row_count(rows)), CROWD_ROWS))
        return scorer.score(crowd)[:count]
    except ModelError:
        # One of the others may have no score, which the stages that follow report.
        crowd = take(rows, np.resize(np.arange(count), CROWD_ROWS))
        return scorer.score(crowd)[:count]


def _distance(expected: Scores, found: Scores) -> float:
    same = (expected == found) | (np.isnan(expected) & np.isnan(found))
    with np.errstate(invalid="ignore"):
        distances = np.where(same, 0.0, np.abs(expected - found))
    return float(np.where(np.isnan(distances), np.inf, distances).max(initial=0.0))


def _mixing(scorer: Scorer, model: Any, rows: Rows) -> list[str]:
    """The operators that join rows: of what does not depend on other rows, they make what does."""
    try:
        runs = [inner_values(model, scorer.feeds(some)) for some in _probes(rows)]
    except Exception:  # noqa: BLE001 - a graph whose inner values cannot be shown is refused all the same
        return []
    dependent: set[str] = set()
    found: list[str] = []
    for node in model.graph.node:
        own = {name for name in node.output if name in runs[0] and _depends(*(run[name] for run in runs))}
        if own and not dependent & set(node.input):
            found.append(str(node.name or node.op_type))
        dependent |= own
        if dependent & set(node.input):
            dependent |= set(node.output)
    return list(dict.fromkeys(found))[:_NAMED_MAX]


def _probes(rows: Rows) -> list[Rows]:
    """The same row at both ends of others, of the same others in another order, and of more of them."""
    others = np.arange(row_count(rows))
    few, more = np.resize(others, _FEW), np.resize(others[::-1], _MORE)
    turned = np.resize(np.roll(others[::-1], 1), _FEW)
    ends = []
    for chosen in (few, turned, more):
        chosen[0] = chosen[-1] = others[0]
        ends.append(take(rows, chosen))
    # With a first row that is another, sums from the first row on differ in the last.
    beginning = few.copy()
    beginning[0] = others[-1]
    return [*ends, take(rows, beginning)]


def _depends(few: Any, turned: Any, more: Any, beginning: Any) -> bool:
    """Whether what belongs to the row at the ends is not the same in all runs."""
    axis = _axis_of_rows(few.shape, more.shape)
    if axis is None:
        # One value for all rows: a scale, a mean. A whole number may be their number, and make a shape.
        others = [turned] if few.dtype.kind in "iu" else [turned, more]
        return any(few.shape == other.shape and not _equal(few, other) for other in others)
    pairs = [(few, turned, 0), (few, turned, -1), (few, beginning, -1)]
    if few.dtype.kind not in "iu":
        pairs += [(few, more, 0), (few, more, -1)]
    return any(not _equal(one.take(at, axis), other.take(at, axis)) for one, other, at in pairs)


def _axis_of_rows(few: tuple[int, ...], more: tuple[int, ...]) -> int | None:
    if len(few) != len(more):
        return None
    axes = [axis for axis, sizes in enumerate(zip(few, more, strict=True)) if sizes == (_FEW, _MORE)]
    return axes[0] if len(axes) == 1 else None


def _equal(one: NDArray[Any], other: NDArray[Any]) -> bool:
    if one.shape != other.shape:
        return False
    if one.dtype.kind == "f":
        return bool(np.allclose(one, other, rtol=DEPENDENCE_MAX, atol=DEPENDENCE_MAX, equal_nan=True))
    return bool((one == other).all())
