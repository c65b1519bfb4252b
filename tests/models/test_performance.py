"""How good scores are: beside scikit-learn, by hand, and how often a difference is seen where none is."""

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

from nextbest.models.gain import GainCurve
from nextbest.models.performance import Direction, measure


def drawn(seed, rows=2_000, noises=(0.2, 0.2)):
    """Propensities that are right but for noise in their log-odds, of each model its own."""
    source = np.random.default_rng(seed)
    odds = source.normal(-2.0, 1.0, rows)
    happened = source.random(rows) < 1 / (1 + np.exp(-odds))
    return [1 / (1 + np.exp(-odds - noise * source.normal(size=rows))) for noise in noises], happened


def test_measures_are_those_of_scikit_learn():
    scores, happened = drawn(0)
    performances, _ = measure(scores, happened)
    for one, found in zip(performances, scores, strict=True):
        assert one.auc.value == pytest.approx(roc_auc_score(happened, found), rel=1e-12)
        assert one.log_loss.value == pytest.approx(log_loss(happened, found), rel=1e-9)
        assert one.brier.value == pytest.approx(brier_score_loss(happened, found), rel=1e-12)
        assert one.calibration.log_loss == pytest.approx(one.log_loss.value, rel=1e-12)


def test_a_better_model_is_distinguished_from_a_worse_one():
    scores, happened = drawn(0, rows=5_000, noises=(1.0, 0.1))
    _, differences = measure(scores, happened)
    assert [one.measure for one in differences] == ["AUC", "log loss", "Brier score"]
    assert [one.direction for one in differences] == [Direction.BETTER] * 3
    assert differences[0].change.value > 0 > differences[1].change.value
    _, turned = measure(scores[::-1], happened)
    assert [one.direction for one in turned] == [Direction.WORSE] * 3
    assert turned[0].change.value == pytest.approx(-differences[0].change.value)
    assert turned[0].change.low == pytest.approx(-differences[0].change.high)


def test_equal_scores_are_the_same():
    scores, happened = drawn(0)
    _, differences = measure([scores[0], scores[0].copy()], happened)
    assert {one.direction for one in differences} == {Direction.SAME}
    assert {one.change.value for one in differences} == {0.0}


def test_intervals_of_paired_means_are_those_of_a_bootstrap():
    scores, happened = drawn(0, noises=(0.6, 0.3))
    _, differences = measure(scores, happened)
    source, rows = np.random.default_rng(1), len(happened)
    squares = (scores[1] - happened) ** 2 - (scores[0] - happened) ** 2
    means = [squares[source.integers(0, rows, rows)].mean() for _ in range(4_000)]
    found = differences[2].change
    width = found.high - found.low
    assert (found.low, found.high) == pytest.approx(np.quantile(means, [0.025, 0.975]), abs=0.06 * width)


def test_a_difference_is_seldom_seen_where_there_is_none():
    seen = np.zeros(3)
    for seed in range(300):
        _, differences = measure(*drawn(seed, rows=600))
        seen += [one.direction is not Direction.UNKNOWN for one in differences]
    # 15 of 300 expected, with a deviation of 3.8.
    assert (seen <= 27).all()
    assert (seen >= 4).all()


def test_gain_by_hand():
    scores = np.arange(20)[::-1] / 20
    happened = np.isin(np.arange(20), [0, 1, 2, 7])
    deciles = GainCurve(scores, happened).deciles()
    assert [one.rate for one in deciles[:5]] == pytest.approx([1.0, 0.5, 0.0, 0.5, 0.0])
    assert [one.lift for one in deciles[:5]] == pytest.approx([5.0, 2.5, 0.0, 2.5, 0.0])
    assert [one.captured for one in deciles[:5]] == pytest.approx([0.5, 0.75, 0.75, 1.0, 1.0])
    assert [one.lift_so_far for one in deciles[:4]] == pytest.approx([5.0, 3.75, 2.5, 2.5])
    assert (deciles[-1].captured, deciles[-1].lift_so_far) == (1.0, 1.0)


def test_the_order_of_rows_does_not_matter_where_scores_are_equal():
    source = np.random.default_rng(0)
    scores, happened = source.integers(0, 4, 101) / 4, source.random(101) < 0.3
    order = source.permutation(101)
    first, second = GainCurve(scores, happened), GainCurve(scores[order], happened[order])
    assert first.deciles() == second.deciles()
    flat = GainCurve(np.zeros(50), np.arange(50) < 5).deciles()
    assert [one.lift for one in flat] == pytest.approx([1.0] * 10)


def test_the_area_below_the_gain_curve_is_that_of_the_roc_curve():
    scores, happened = drawn(0, rows=1_000)
    shares = np.arange(1_001) / 1_000
    captured = GainCurve(scores[0], happened).captured(shares)
    area, rate = np.trapezoid(captured, shares), happened.mean()
    assert (area - rate / 2) / (1 - rate) == pytest.approx(roc_auc_score(happened, scores[0]), abs=1e-12)
