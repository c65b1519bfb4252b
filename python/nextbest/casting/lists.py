"""Python lists -> a column of lists; polars takes eight times as long for one list at a time."""

from collections.abc import Sequence

import polars as pl


def list_column(name: str, values: Sequence[Sequence[object] | None], inner: pl.DataType) -> pl.Series:
    """Makes a column.

    Args:
        name: The name of the column.
        values: Its lists; None where one is missing.
        inner: The type of all elements.
    """
    rows = [row for row, items in enumerate(values) if items for _ in items]
    items = pl.Series([item for items in values if items for item in items], dtype=inner)
    filled = pl.DataFrame({"row": pl.Series(rows, dtype=pl.UInt32), "items": items})
    every = pl.DataFrame(
        {
            "row": pl.int_range(len(values), dtype=pl.UInt32, eager=True),
            "is_empty": pl.Series([items is not None and not items for items in values], dtype=pl.Boolean),
        }
    )
    joined = every.join(
        filled.group_by("row", maintain_order=True).agg("items"),
        on="row",
        how="left",
        maintain_order="left",
    )
    empty = pl.lit(pl.Series([[]], dtype=pl.List(inner)))
    return joined.select(pl.when("is_empty").then(empty).otherwise("items").alias(name)).to_series()
