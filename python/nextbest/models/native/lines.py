"""A model's inputs by name -> the three lines that a native model takes: numbers, whole numbers and texts."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from nextbest.models.signature import Element

_LINES: Final = {Element.INT64: 1, Element.STRING: 2}


def flags(inputs: Iterable[tuple[str, Element]], own: Mapping[str, Sequence[bool]]) -> list[bool]:
    """Returns a flag for each column, in the order of the lines.

    Args:
        inputs: As for `lines`.
        own: For each input a flag for each of its columns.
    """
    found: list[list[bool]] = [[], [], []]
    for name, element in inputs:
        found[_LINES.get(element, 0)] += own[name]
    return [flag for line in found for flag in line]


def lines(
    inputs: Iterable[tuple[str, Element]], rows: Mapping[str, NDArray[Any]]
) -> tuple[bytes, list[int], list[str]]:
    """Returns the lines, row by row, as `_core.NativeModel` takes them.

    Args:
        inputs: Name and element type of each of the model's inputs, in the graph's order.
        rows: For each input a table of shape [rows, columns].
    """
    tables: list[list[NDArray[Any]]] = [[], [], []]
    for name, element in inputs:
        tables[_LINES.get(element, 0)].append(rows[name])
    floats, ints, texts = (np.hstack(found).reshape(-1) if found else np.zeros(0) for found in tables)
    with np.errstate(over="ignore"):
        return floats.astype("<f4").tobytes(), [int(key) for key in ints], [str(key) for key in texts]
