"""A model that fails on some rows -> the first of them, the value that it fails on, and what to do."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from nextbest.models.job import Job, Rows
from nextbest.models.refusal import RUNTIME, ModelError
from nextbest.models.scoring import BATCH_ROWS, RunError, Scorer, row_count, take

_GOOD_ROWS_TRIED: Final = 50
_COLUMNS_TRIED: Final = 200
_VALUES_SHOWN: Final = 5
_VALUE_LENGTH_MAX: Final = 60
# Where operators keep the values that they know.
_KNOWN: Final = ("cats_strings", "cats_int64s", "keys_strings", "keys_int64s", "classes_strings")


@dataclass(frozen=True, slots=True)
class _Place:
    """A column of an input, and what a row has there."""

    input: str
    column: int
    name: str
    value: Any

    @property
    def words(self) -> str:
        """The column and its value for a sentence."""
        return f"{self.name} is `{_shown(self.value)}`"


def name_failing_row(scorer: Scorer, job: Job, graph: Any) -> ModelError | None:
    """Looks for the first row that a model fails on when it is scored by itself.

    Args:
        scorer: The model, open.
        job: Has golden rows, a background sample, or both.
        graph: Of the model, for the values that its operators know.

    Returns:
        NB659 with the row; None where no row fails by itself.
    """
    for words, rows in (("golden row {}", job.golden), ("row {} of the background sample", job.background)):
        found = _first(scorer, rows) if rows is not None else None
        if rows is None or found is None:
            continue
        index, error = found
        places = list(_places(job, rows, index))
        cause = _cause(scorer, rows, index, places)
        shown = [cause] if cause is not None else _texts(places)
        where = f", where {' and '.join(place.words for place in shown)}" if shown else ""
        at = f"{error.read.where} reports" if error.read.where else "ONNX Runtime reports"
        place = job.background_places[index] if rows is job.background and job.background_places else index
        message = f"fails on {words.format(f'{place + 1:,}')}{where}: {at}: {error.read.sentence}"
        return ModelError(message, _remedy(cause, graph, error), RUNTIME)
    return None


def _first(scorer: Scorer, rows: Rows) -> tuple[int, RunError] | None:
    count = row_count(rows)
    for start in range(0, count, BATCH_ROWS):
        low, high = start, min(start + BATCH_ROWS, count)
        if _failure(scorer, rows, low, high) is None:
            continue
        while high - low > 1:
            middle = (low + high) // 2
            if _failure(scorer, rows, low, middle) is not None:
                high = middle
            else:
                low = middle
        failure = _failure(scorer, rows, low, high)
        return (low, failure) if failure is not None else None
    return None


def _failure(scorer: Scorer, rows: Rows, low: int, high: int) -> RunError | None:
    try:
        scorer.score(take(rows, np.arange(low, high)))
    except RunError as error:
        return error
    except ModelError:
        return None
    return None


def _places(job: Job, rows: Rows, index: int) -> Iterator[_Place]:
    """What a row has in each column; texts first, as they fail most often."""
    places = []
    for name, table in rows.items():
        cells = table[index].reshape(-1)
        names = job.columns.get(name, ())
        for column, value in enumerate(cells[:_COLUMNS_TRIED]):
            known = names[column] if column < len(names) else f"{name}[{column}]"
            places.append(_Place(name, column, known, value))
    yield from sorted(places, key=lambda place: not isinstance(place.value, str))


def _cause(scorer: Scorer, rows: Rows, index: int, places: list[_Place]) -> _Place | None:
    """The column whose value alone makes the row fail: with that of a good row, it has a score."""
    count = min(row_count(rows), _GOOD_ROWS_TRIED)
    good = next((row for row in range(count) if _failure(scorer, rows, row, row + 1) is None), None)
    if good is None:
        return places[0] if len(places) == 1 else None
    for place in places[:_COLUMNS_TRIED]:
        changed = {name: table[index : index + 1].copy() for name, table in rows.items()}
        changed[place.input].reshape(-1)[place.column] = rows[place.input][good].reshape(-1)[place.column]
        if _failure(scorer, changed, 0, 1) is None:
            return place
    return None


def _texts(places: list[_Place]) -> list[_Place]:
    return [place for place in places if isinstance(place.value, str)][:_VALUES_SHOWN]


def _remedy(cause: _Place | None, graph: Any, error: RunError) -> str:
    if cause is None:
        return error.help
    value = _shown(cause.value)
    known = _known(graph, cause.value)
    if known:
        return (
            f"`{value}` is not one of the categories that it knows ({_some(known)}): train the encoder with "
            '`handle_unknown="ignore"`, or write a category that it knows in the data and as `missing:`'
        )
    if isinstance(cause.value, str):
        return f"see which texts the model takes for {cause.name}; `missing:` has to be one of them too"
    return f"see which numbers the model takes for {cause.name}, and in which units it is bound"


def _known(graph: Any, value: Any) -> list[str]:
    """The values of an operator that knows values of this kind, and not this one."""
    if not isinstance(value, str | int | np.integer):
        return []
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.name not in _KNOWN:
                continue
            values = [text.decode(errors="replace") for text in attribute.strings] or list(attribute.ints)
            if values and isinstance(values[0], str) == isinstance(value, str) and value not in values:
                return [_shown(known) for known in values]
    return []


def _some(values: list[str]) -> str:
    more = f" and {len(values) - _VALUES_SHOWN:,} others" if len(values) > _VALUES_SHOWN else ""
    return ", ".join(f"`{value}`" for value in values[:_VALUES_SHOWN]) + more


def _shown(value: Any) -> str:
    text = " ".join(str(value).split()) if isinstance(value, str) else f"{value:g}"
    return text if len(text) <= _VALUE_LENGTH_MAX else f"{text[:_VALUE_LENGTH_MAX]}..."
