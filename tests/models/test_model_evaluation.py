"""Versions on rows whose outcome is known: which rows are used, and what is refused."""

import re

import numpy as np
import polars as pl
import pytest
from registered import identity, logistic, publish
from sklearn.metrics import roc_auc_score

from nextbest.models import ModelError, evaluation
from nextbest.models.evaluation import Question, evaluate
from nextbest.registry.registry import Registry

A, B = "customer.a", "customer.b"


def rows(count=400, seed=0):
    source = np.random.default_rng(seed)
    first, second = source.normal(size=count), source.normal(size=count)
    happened = source.random(count) < 1 / (1 + np.exp(1.0 - first - second))
    return {A: first, B: second, "bought": happened.astype(int)}


def asked(root, versions, columns, label="bought", positive=""):
    series = {name: pl.Series(name, values) for name, values in columns.items()}
    return evaluate(Registry(root), Question(versions, series, label, positive), lambda *_: None)


@pytest.fixture
def versions(tmp_path):
    """The second knows more than the first."""
    one = publish(tmp_path, logistic(1.0, intercept=-1.0), [A])
    return [one, publish(tmp_path, logistic(1.0, 1.0, intercept=-1.0), [A, B])]


def test_two_versions_on_the_same_rows(tmp_path, versions):
    columns = rows()
    found = asked(tmp_path, versions, columns)
    assert (found.rows, found.file_rows, found.sampled_rows, found.unscored) == (400, 400, 400, [0, 0])
    assert found.positives == columns["bought"].sum()
    areas = [roc_auc_score(columns["bought"], scores) for scores in (columns[A], columns[A] + columns[B])]
    assert [one.auc.value for one in found.performances] == pytest.approx(areas, abs=1e-6)
    assert [one.direction for one in found.differences] == ["better"] * 3
    assert [one.calibration.overall.verdict for one in found.performances] == ["calibrated"] * 2


def test_rows_without_a_score_are_left_out_for_both(tmp_path, versions):
    columns = rows()
    columns[B][:30] = np.nan
    found = asked(tmp_path, versions, columns)
    assert (found.rows, found.unscored) == (370, [0, 30])
    assert found.positives == columns["bought"][30:].sum()
    assert found.performances[0].auc.value == pytest.approx(
        roc_auc_score(columns["bought"][30:], columns[A][30:]), abs=1e-6
    )


def test_too_many_rows_are_sampled_evenly(tmp_path, versions, monkeypatch):
    monkeypatch.setattr(evaluation, "ROWS_MAX", 101)
    columns = rows(1_001)
    found = asked(tmp_path, versions[:1], columns)
    assert (found.rows, found.file_rows, found.sampled_rows) == (101, 1_001, 101)
    assert found.performances[0].auc.value == pytest.approx(
        roc_auc_score(columns["bought"][::10], columns[A][::10]), abs=1e-6
    )


def test_a_label_that_is_a_text(tmp_path, versions):
    columns = rows()
    texts = np.where(columns["bought"] == 1, "accept", "decline")
    found = asked(tmp_path, versions[:1], columns | {"answer": texts}, "answer", "accept")
    assert found.positives == columns["bought"].sum()
    with pytest.raises(ModelError, match="give --positive"):
        asked(tmp_path, versions[:1], columns | {"answer": texts}, "answer")
    # The class that the model scores is the positive one, unless another is named.
    named = publish(tmp_path, logistic(3.0), [A], positive_label="accept")
    found = asked(tmp_path, [named], columns | {"answer": texts}, "answer")
    assert (found.positive, found.positives) == ("accept", columns["bought"].sum())
    turned = asked(tmp_path, [named], columns | {"answer": texts}, "answer", "decline")
    assert turned.performances[0].auc.value == pytest.approx(1.0 - found.performances[0].auc.value)


@pytest.mark.parametrize(
    ("change", "label", "code", "message"),
    [
        ({}, "boughtt", "NB682", "did you mean `bought`?"),
        ({}, "x", "NB682", "use `customer.a`, `customer.b` or `bought`"),
        ({"bought": [0] * 400}, "bought", "NB682", "all 400 rows are negative"),
        ({"bought": [1] * 9 + [0] * 391}, "bought", "NB683", "9 positive and 391 negative rows of 400"),
        ({A: [float("nan")] * 400}, "bought", "NB683", "0 positive and 0 negative rows of 400"),
        ({A: [1.0, 0.0] * 200}, A, "NB684", "takes `customer.a`, the label, as an input"),
        ({A: ["high"] * 400}, "bought", "NB663", "row 1 of the file, column `customer.a`: `high` is not"),
    ],
)
def test_what_is_refused(tmp_path, versions, change, label, code, message):
    with pytest.raises(ModelError, match=re.escape(message)) as caught:
        asked(tmp_path, versions[:1], rows() | change, label)
    assert caught.value.code == code
    assert caught.value.help


def test_a_column_that_is_missing_is_named(tmp_path, versions):
    columns = rows()
    del columns[B]
    with pytest.raises(ModelError, match=r"the rows of the file have no column `customer\.b`"):
        asked(tmp_path, versions, columns)


def test_scores_that_are_not_probabilities_are_counted(tmp_path):
    columns = rows()
    wild = publish(tmp_path, identity(), [A])
    outside = (columns[A] < 0) | (columns[A] > 1)
    found = asked(tmp_path, [wild], columns)
    assert found.unscored == [outside.sum()]
    assert found.rows == 400 - outside.sum()
