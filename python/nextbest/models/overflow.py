"""Rows -> warnings about numbers that are infinite for a model, as its inputs are float32.

Sentinels of data warehouses, 1e300 for a missing value, pass every check of a double and are infinite then.
"""

from typing import Final

import numpy as np

from nextbest.models.refusal import OVERFLOW
from nextbest.models.report import Refusal
from nextbest.models.rows import InputTable, Table
from nextbest.models.signature import Element

_LARGEST: Final = float(np.finfo(np.float32).max)


def warn_of_overflow(table: Table, inputs: list[InputTable]) -> list[Refusal]:
    """Warns of each column with finite numbers that float32 does not have.

    Args:
        table: Golden rows or a background sample.
        inputs: Of the model.
    """
    columns = [
        column.names[0] for given in inputs if given.element is Element.FLOAT32 for column in given.columns
    ]
    arrays = table.arrays()
    warnings = []
    for name in dict.fromkeys(columns):
        values = arrays[name]
        beyond = np.flatnonzero(np.isfinite(values) & (np.abs(values) > _LARGEST))
        if not len(beyond):
            continue
        more = f" and {len(beyond) - 1:,} more" if len(beyond) > 1 else ""
        where = f"row {table.row(beyond[0]):,} of the {table.short}{more}"
        message = (
            f"`{name}` is {values[beyond[0]]:g} in {where}: the input takes float32, "
            f"in which numbers beyond {_LARGEST:.2g} are infinite"
        )
        remedy = "leave the value out if it represents a missing one, or bind the attribute in a larger unit"
        warnings.append(Refusal(OVERFLOW, message, remedy))
    return warnings
