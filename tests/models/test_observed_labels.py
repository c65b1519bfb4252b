"""Columns of labels, and what of them cannot be used."""

import re
from datetime import date

import polars as pl
import pytest

from nextbest.models import ModelError
from nextbest.models.observed import read_labels


@pytest.mark.parametrize(
    "values",
    [[1, 0, 1], [1.0, 0.0, 1.0], [True, False, True], ["1", "0", "1"], ["true", "False", "TRUE"],
     ["1.0", "0.0", "1"], ["true", "0", "1"]],
)  # fmt: skip
def test_ones_and_truths(values):
    assert read_labels(pl.Series("y", values)).tolist() == [True, False, True]


@pytest.mark.parametrize(
    ("values", "positive"),
    [(["yes", "no", "yes"], "yes"), ([2, 1, 2], "2"), ([2.0, 1.0, 2.0], "2"), (["a", "b", "a"], "a"),
     ([2, 1, 2], "2.0"), ([0, 1, 0], "0"), ([True, False, True], "True"), (["gold", "loan", "gold"], "gold")],
)  # fmt: skip
def test_a_positive_value(values, positive):
    assert read_labels(pl.Series("y", values), positive).tolist() == [True, False, True]
    if isinstance(values[0], str):
        assert read_labels(pl.Series("y", values, pl.Categorical), positive).tolist() == [True, False, True]


def test_all_other_values_are_negative():
    assert read_labels(pl.Series("y", ["gold", "loan", "none"]), "gold").tolist() == [True, False, False]


@pytest.mark.parametrize(
    ("values", "positive", "message"),
    [
        ([1, None], "", "row 2 has no `y`"),
        ([1.0, 0.0, float("nan")], "", "row 3 has no `y`"),
        (["yes", None], "yes", "row 2 has no `y`"),
        ([None, None], "", "row 1 has no `y`"),
        ([1, 2], "", "give --positive with the value of positive rows; there are `1`, `2`"),
        ([0.5, 1.0], "", "`y` does not say which rows are positive"),
        (["yes", "no"], "", "there are `no`, `yes`"),
        ([*"abcdefg"], "", "`e` and 2 more values"),
        (["yes", "no"], "yess", "did you mean `yes`?"),
        (["yes", "no"], "1", "use `no` or `yes`"),
        ([1, 1], "", "all 2 rows are positive by `y`"),
        ([0, 0], "", "all 2 rows are negative by `y`"),
        (["yes", "yes"], "yes", "all 2 rows are positive by `y`"),
        ([[1], [0]], "", "`y` holds List(Int64)"),
        ([date(2026, 1, 1), date(2026, 1, 2)], "", "`y` does not say which rows are positive"),
        ([], "", "the table is empty"),
    ],
)
def test_what_cannot_be_used(values, positive, message):
    with pytest.raises(ModelError, match=re.escape(message)) as caught:
        read_labels(pl.Series("y", values), positive)
    assert caught.value.code == "NB682"
    assert caught.value.help
