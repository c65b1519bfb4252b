"""Areas under ROC curves: beside scikit-learn, and beside DeLong's definition over every pair."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from nextbest.models.auc import measure_areas


def by_definition(scores, happened):
    """DeLong, DeLong and Clarke-Pearson (1988), equations 3 to 5: every positive row beside every other."""
    values, of_positive, of_negative = [], [], []
    for found in scores:
        difference = found[happened][:, None] - found[~happened][None, :]
        wins = (difference > 0) + 0.5 * (difference == 0)
        values.append(wins.mean())
        of_positive.append(wins.mean(axis=1))
        of_negative.append(wins.mean(axis=0))
    covariance = np.cov(of_positive) / happened.sum() + np.cov(of_negative) / (~happened).sum()
    return np.array(values), np.atleast_2d(covariance)


def drawn(seed, rows=300, digits=2):
    source = np.random.default_rng(seed)
    truth = source.normal(size=rows)
    happened = source.random(rows) < 1 / (1 + np.exp(1.5 - truth))
    # Rounded, so that there are ties.
    scores = [np.round(truth + noise * source.normal(size=rows), digits) for noise in (0.5, 1.5)]
    return scores, happened


@pytest.mark.parametrize("digits", [0, 1, 12])
def test_areas_and_covariance_are_those_of_the_definition(digits):
    scores, happened = drawn(0, digits=digits)
    found = measure_areas(scores, happened)
    values, covariance = by_definition(scores, happened)
    assert found.values == pytest.approx(values, rel=1e-12)
    assert found.covariance == pytest.approx(covariance, rel=1e-9)
    assert found.values == pytest.approx([roc_auc_score(happened, one) for one in scores], rel=1e-12)


ROWS = st.lists(
    st.tuples(st.integers(-3, 3), st.floats(0, 1), st.booleans()), min_size=4, max_size=40
).filter(lambda rows: 2 <= sum(row[2] for row in rows) <= len(rows) - 2)


@given(ROWS)
def test_any_scores(rows):
    first, second, happened = (np.array(column) for column in zip(*rows, strict=True))
    scores = [first.astype(float), second]
    found = measure_areas(scores, happened)
    values, covariance = by_definition(scores, happened)
    assert found.values == pytest.approx(values, abs=1e-12)
    assert found.covariance == pytest.approx(covariance, abs=1e-12)


def test_intervals_hold_the_true_value_as_often_as_they_promise():
    # The area of scores N(1, 1) against N(0, 1) is Phi(1 / sqrt 2).
    true, held = 0.7602499389065233, 0
    source = np.random.default_rng(0)
    happened = np.arange(300) < 60
    for _ in range(1_000):
        found = measure_areas([source.normal(size=300) + happened], happened)
        held += abs(found.values[0] - true) <= 1.96 * np.sqrt(found.covariance[0, 0])
    # 950 expected, with a deviation of 7.
    assert 925 <= held <= 970


def test_one_score_knows_nothing_and_a_perfect_one_all():
    happened = np.array([True, True, False, False])
    found = measure_areas([np.zeros(4), np.array([3.0, 2.0, 1.0, 0.0])], happened)
    assert found.values == pytest.approx([0.5, 1.0])
    assert found.covariance == pytest.approx(np.zeros((2, 2)))
