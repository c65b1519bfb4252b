"""What was expected against what happened: by hand, from a textbook, and beside scikit-learn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss, log_loss

from nextbest.models.calibration import DECILES, calibrate
from nextbest.models.chance import wilson


def drawn(seed, rows, factor=1.0):
    source = np.random.default_rng(seed)
    propensities = source.beta(1.2, 8.0, rows)
    return propensities, (source.random(rows) < propensities * factor).astype(int)


def test_by_hand():
    found = calibrate(np.array([0.1, 0.1, 0.9, 0.9]), np.array([0, 1, 1, 1]), np.array(["a", "b", "a", "a"]))
    assert [(row.rows, row.expected, row.observed) for row in found.bins] == [(2, 0.1, 0.5), (2, 0.9, 1.0)]
    assert found.bins[0].ratio == pytest.approx(5.0)
    assert found.brier == pytest.approx((0.01 + 0.81 + 0.01 + 0.01) / 4)
    assert found.error == pytest.approx(0.5 * 0.4 + 0.5 * 0.1)
    assert found.log_loss == pytest.approx(-(3 * np.log(0.9) + np.log(0.1)) / 4)
    assert [(name, row.rows) for name, row in found.actions.items()] == [("a", 3), ("b", 1)]
    assert (found.overall.rows, found.overall.observed) == (4, 0.75)


def test_intervals_are_those_of_the_textbook():
    # Newcombe (1998), table I: 81 of 263, 15 of 148, 0 of 20, 1 of 29.
    for happened, rows, low, high in (
        (81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718),
    ):  # fmt: skip
        assert wilson(happened, rows) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))
    assert wilson(5, 5)[1] == 1.0


@pytest.mark.parametrize("factor", [1.0, 0.5, 1.8])
def test_beside_scikit_learn(factor):
    propensities, outcomes = drawn(0, 5_000, factor)
    found = calibrate(propensities, outcomes)
    assert found.brier == pytest.approx(brier_score_loss(outcomes, propensities), rel=1e-12)
    assert found.log_loss == pytest.approx(log_loss(outcomes, propensities), rel=1e-9)
    observed, expected = calibration_curve(outcomes, propensities, n_bins=DECILES, strategy="quantile")
    # Quantiles are interpolated there, and are values that occur here: a row at an edge may change sides.
    assert [row.observed for row in found.bins] == pytest.approx(observed, abs=0.005)
    assert [row.expected for row in found.bins] == pytest.approx(expected, abs=0.005)
    within = sum(row.is_within for row in found.bins)
    assert within >= 8 if factor == 1.0 else within <= 4


def test_a_propensity_of_nought_and_one_costs_much_and_not_everything():
    found = calibrate(np.array([0.0, 1.0]), np.array([1, 0]))
    assert 30.0 < found.log_loss < 40.0
    assert calibrate(np.array([0.0, 1.0]), np.array([0, 1])).log_loss == pytest.approx(0.0, abs=1e-12)
    assert found.bins[0].ratio == np.inf


ROWS = st.lists(st.tuples(st.floats(0.0, 1.0), st.integers(0, 1)), min_size=1, max_size=80)


@given(ROWS)
def test_every_row_is_in_one_bin_and_bins_ascend(rows):
    propensities, outcomes = (np.array(column) for column in zip(*rows, strict=True))
    found = calibrate(propensities, outcomes)
    assert sum(row.rows for row in found.bins) == len(rows)
    assert len(found.bins) <= DECILES
    assert [row.expected for row in found.bins] == sorted(row.expected for row in found.bins)
    for row in (*found.bins, found.overall):
        assert 0.0 <= row.low <= row.observed <= row.high <= 1.0
    assert 0.0 <= found.error <= 1.0
    assert found.log_loss >= 0.0
