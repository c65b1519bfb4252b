"""A graph without rows -> rows that it may be tried with, the same each time.

They have the form of customers and not their sense: numbers around 0, or around those of the few rows that
are there, small whole numbers, and texts that the graph itself names. What is asked of them must not depend
on whether such a customer exists.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from nextbest.models.job import Rows
from nextbest.models.scoring import row_count, take
from nextbest.models.signature import Element, Tensor

_SEED: Final = 20_260_101
_TEXTS_MAX: Final = 1_000
# Ids of embeddings, codes of categories: what is looked up at a place that is not there fails.
_WHOLE_MAX: Final = 1
_DTYPES: Final = {Element.FLOAT32: np.float32, Element.FLOAT64: np.float64}


def draw_rows(
    model: Any, inputs: Sequence[Tensor], columns: Mapping[str, Sequence[str]], base: Rows | None, count: int
) -> Rows | None:
    """Draws rows.

    Args:
        model: The `onnx.ModelProto`.
        inputs: Of the model.
        columns: For each input the names of its columns, where its width is open.
        base: Rows that occur, which are varied; None without any.
        count: How many are wanted.

    Returns:
        The rows; None where the width of an input is not known, or it takes what no rows are drawn of.
    """
    rng = np.random.default_rng(_SEED)
    if base is not None and row_count(base):
        chosen = take(base, np.resize(np.arange(row_count(base)), count))
        return {name: _varied(array, rng) for name, array in chosen.items()}
    texts = sorted(set(_texts(model)))[:_TEXTS_MAX] or [""]
    drawn: dict[str, NDArray[Any]] = {}
    for tensor in inputs:
        width = tensor.width or len(columns.get(tensor.name, ()))
        if not width or tensor.element is Element.OTHER:
            return None
        drawn[tensor.name] = _drawn(tensor.element, (count, width), texts, rng)
    return drawn or None


def _varied(array: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
    if array.dtype.kind != "f":
        return array
    noise = rng.normal(size=array.shape)
    with np.errstate(over="ignore", invalid="ignore"):
        return (array * (1.0 + noise / 4) + noise / 4).astype(array.dtype)


def _drawn(
    element: Element, shape: tuple[int, int], texts: Sequence[str], rng: np.random.Generator
) -> NDArray[Any]:
    match element:
        case Element.INT64:
            return rng.integers(0, _WHOLE_MAX, shape, endpoint=True)
        case Element.BOOLEAN:
            return rng.random(shape) < 0.5
        case Element.STRING:
            return rng.choice(np.array(texts, dtype=object), shape)
    return rng.normal(size=shape).astype(_DTYPES[element])


def _texts(model: Any) -> Iterator[str]:
    """The categories and keys that operators name."""
    for node in model.graph.node:
        for attribute in node.attribute:
            if attribute.name in {"cats_strings", "keys_strings"}:
                yield from (text.decode(errors="replace") for text in attribute.strings[:_TEXTS_MAX])
