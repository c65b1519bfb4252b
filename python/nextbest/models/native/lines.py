"""A model's inputs by name -> the three lines that a native model takes: numbers, whole numbers and texts."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

_LINES: Final = {"tensor(int64)": 1, "tensor(string)": 2}


def lines(arguments: Any, rows: Mapping[str, NDArray[Any]]) -> tuple[bytes, list[int], list[str]]:
    """Returns the lines, row by row, as `_core.NativeModel` takes them.

    Args:
        arguments: Of an ONNX Runtime session: the graph's inputs, in its order.
        rows: For each input a table of shape [rows, columns].
    """
    tables: list[list[NDArray[Any]]] = [[], [], []]
    for argument in arguments:
        tables[_LINES.get(argument.type, 0)].append(rows[argument.name])
    floats, ints, texts = (np.hstack(found).reshape(-1) if found else np.zeros(0) for found in tables)
    with np.errstate(over="ignore"):
        return floats.astype("<f4").tobytes(), [int(key) for key in ints], [str(key) for key in texts]
