"""Rows that two versions can both score, and their scores of them."""

import re

import numpy as np
import polars as pl
import pytest
from registered import logistic, publish

from nextbest.models import Element, ModelError
from nextbest.models.comparison import compare
from nextbest.models.labels import Labels
from nextbest.models.samples import shared_sample
from nextbest.models.version_scores import score_rows
from nextbest.registry.registry import Registry

A, B = "customer.a", "customer.b"
ONE, TWO = logistic(1.0), logistic(1.0, 0.5)


def frame(rows, *names):
    return {name: [float(row) for row in range(rows)] for name in names}


def found(root, *versions):
    registry = Registry(root)
    return shared_sample(registry, versions, [registry.manifest(version) for version in versions])


def silent(*_):
    """Takes no notice of progress."""


@pytest.mark.parametrize("is_turned", [False, True])
def test_the_sample_that_has_the_columns_of_both_is_taken(tmp_path, is_turned):
    one = publish(tmp_path, ONE, [A], background=frame(9, A))
    two = publish(tmp_path, TWO, [A, B], background=frame(5, A, B))
    sample = found(tmp_path, *((two, one) if is_turned else (one, two)))
    assert (sample.what, sample.rows, sample.filled) == (f"background sample of {two}", 5, ())
    assert sorted(len(columns) for columns in sample.columns) == [1, 2]


def test_more_rows_come_first_then_the_later_push(tmp_path):
    first = publish(tmp_path, ONE, [A], background=frame(9, A))
    more = publish(tmp_path, logistic(2.0), [A], background=frame(10, A), pushed_at="2025-01-01")
    later = publish(tmp_path, logistic(3.0), [A], background=frame(9, A), pushed_at="2026-03-01")
    assert found(tmp_path, first, more).what == f"background sample of {more}"
    assert found(tmp_path, first, later).what == f"background sample of {later}"


def test_golden_rows_serve_where_samples_do_not(tmp_path):
    one = publish(tmp_path, ONE, [A], background=frame(9, A))
    two = publish(tmp_path, TWO, [A, B], golden=frame(2, A, B, "expected"))
    assert found(tmp_path, one, two).what == f"golden rows of {two}"


def test_a_replaced_value_is_better_than_none_and_is_reported(tmp_path):
    one = publish(tmp_path, ONE, [A], background=frame(9, A))
    two = publish(tmp_path, TWO, [A, (B, "3.5")])
    sample = found(tmp_path, one, two)
    assert (sample.what, sample.filled) == (f"background sample of {one}", (B,))
    comparison = compare(Registry(tmp_path), one, two, silent)
    assert comparison.filled == [B]
    # The logistic function of x against that of x + 1.75, at 0.
    assert comparison.scores.difference_max == pytest.approx(1 / (1 + np.exp(-1.75)) - 0.5, abs=1e-6)
    assert [change.after for change in comparison.changes if change.what == "binding of x"] == [
        f"{A}, {B} (missing: 3.5)"
    ]
    full = publish(tmp_path, logistic(1.0, 2.0), [A, (B, "3.5")], golden=frame(2, A, B, "expected"))
    assert found(tmp_path, one, full).what == f"golden rows of {full}"


def test_without_rows_every_reason_is_given(tmp_path):
    one = publish(tmp_path, ONE, [A], background=frame(9, A))
    two = publish(tmp_path, TWO, [A, B])
    comparison = compare(Registry(tmp_path), one, two, silent)
    assert comparison.scores is None
    assert comparison.reason == (
        f"no rows have the columns of both: background sample of {one}: no `{B}`; {two} was pushed without "
        "rows: give rows that have them: --rows FILE"
    )


def test_a_place_means_nothing_between_two_bindings(tmp_path):
    one = publish(tmp_path, ONE, [A], background=frame(9, A))
    other = publish(tmp_path, logistic(2.0), [B])
    with pytest.raises(ModelError, match=re.escape(f"background sample of {one}: no `{B}`")):
        found(tmp_path, one, other)
    turned = publish(tmp_path, TWO, [B, A], background=frame(9, B, A))
    straight = publish(tmp_path, logistic(3.0, 4.0), [A, B])
    sample = found(tmp_path, straight, turned)
    assert [list(columns) for columns in sample.columns] == [[A, B], [B, A]]
    assert sample.columns[0][A].name == A


@pytest.mark.parametrize("is_turned", [False, True])
def test_a_version_that_is_not_bound_takes_places(tmp_path, is_turned):
    bound = publish(tmp_path, ONE, [A], background=frame(9, A))
    unbound = publish(tmp_path, logistic(2.0), 1)
    versions = (unbound, bound) if is_turned else (bound, unbound)
    columns = found(tmp_path, *versions).columns
    assert [list(chosen) for chosen in columns] == ([["x[0]"], [A]] if is_turned else [[A], ["x[0]"]])
    wide = publish(tmp_path, TWO, 2, background=frame(5, "x[0]", "x[1]"))
    assert found(tmp_path, bound, wide).what == f"background sample of {wide}"


def test_a_column_of_a_file_means_the_same_for_both(tmp_path):
    versions = publish(tmp_path, ONE, [A]), publish(tmp_path, logistic(2.0), [B])
    rows = {"x[0]": pl.Series([1.0, 2.0])}
    message = f"the column `x[0]` of the rows of the file is `{A}` for one version and `{B}` for another"
    with pytest.raises(ModelError, match=re.escape(message)):
        compare(Registry(tmp_path), *versions, silent, rows)
    # To a version that is not bound, a place is all there is.
    unbound = publish(tmp_path, logistic(3.0), 1)
    assert compare(Registry(tmp_path), versions[0], unbound, silent, rows).scores.rows == 2


def test_classes_are_compared(tmp_path):
    two = Labels(("accept", "decline"), are_texts=True)
    turned = Labels(("decline", "accept"), are_texts=True)
    versions = [
        publish(tmp_path, logistic(slope), [A], labels=labels)
        for slope, labels in ((1.0, two), (2.0, turned))
    ]
    changes = compare(Registry(tmp_path), *versions, silent).changes
    assert [(change.before, change.after) for change in changes if change.what == "classes of p"] == [
        ("accept is column 0, decline is column 1", "decline is column 0, accept is column 1")
    ]


def test_values_are_cast_to_what_each_version_takes(tmp_path):
    numbers = publish(tmp_path, ONE, [A])
    scores = score_rows(Registry(tmp_path), numbers, series({A: ["1", None, "true"]}), "rows", silent)
    assert scores == pytest.approx([0.731059, np.nan, 0.731059], abs=1e-6, nan_ok=True)
    with pytest.raises(ModelError, match=r"row 2 of the rows, column `customer\.a`: `high` is not"):
        score_rows(Registry(tmp_path), numbers, series({A: ["1", "high"]}), "rows", silent)


def test_rows_that_a_server_would_not_score_have_no_score(tmp_path):
    # Whole numbers have no NaN: without a value for missing ones, a server does not score such a row.
    version = publish(tmp_path, ONE, [A], element=Element.INT64)
    assert np.isnan(score_rows(Registry(tmp_path), version, series({A: [None, None]}), "rows", silent)).all()


def series(columns):
    return {name: pl.Series(name, values) for name, values in columns.items()}
