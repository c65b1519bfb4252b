"""Verdicts of a calibration: beside scipy and scikit-learn, and how often they are wrong by chance."""

import numpy as np
import pytest
from scipy import stats
from sklearn.linear_model import LogisticRegression

from nextbest.models.calibration import CHANCE_MAX, EVENTS_MIN, Limits, Verdict, calibrate
from nextbest.models.chance import binomial_p_value, correct_for_many
from nextbest.models.recalibration import log_odds, recalibrate

JUDGED = {Verdict.WARN, Verdict.ALERT}


def drawn(seed, rows, shape=(2.0, 15.0), factor=1.0):
    source = np.random.default_rng(seed)
    propensities = source.beta(*shape, rows)
    return propensities, (source.random(rows) < propensities * factor).astype(int)


def constant(rows, rate, happened):
    return np.full(rows, rate), (np.arange(rows) < happened).astype(int)


@pytest.mark.parametrize(
    ("happened", "rows", "rate"),
    [(11, 1_000, 0.004), (5, 20, 0.1), (60, 500, 0.1), (0, 1_000, 0.01), (1_000, 1_000, 0.99), (7, 7, 0.5),
     (500_500, 1_000_000, 0.5), (130, 1_000_000, 1e-4), (1, 1, 1e-9), (900, 1_000, 1e-3)],
)  # fmt: skip
def test_tails_are_those_of_scipy(happened, rows, rate):
    is_more = happened >= rows * rate
    tail = stats.binom.sf(happened - 1, rows, rate) if is_more else stats.binom.cdf(happened, rows, rate)
    assert binomial_p_value(happened, rows, rate) == pytest.approx(min(1.0, 2.0 * tail), rel=1e-7)


def test_tails_of_what_is_certain():
    assert [binomial_p_value(happened, 5, 0.0) for happened in (0, 1)] == [1.0, 0.0]
    assert [binomial_p_value(happened, 5, 1.0) for happened in (5, 4)] == [1.0, 0.0]


def test_correction_for_many_is_holms():
    # Holm (1979), in the form of the example of R's p.adjust: 0.01, 0.04, 0.03, 0.005.
    assert correct_for_many([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert correct_for_many([]) == []
    assert correct_for_many([0.9, 0.8]) == [1.0, 1.0]


@pytest.mark.parametrize("factor", [1.0, 0.6, 2.5])
def test_the_line_is_a_logistic_regression(factor):
    propensities, outcomes = drawn(0, 5_000, factor=factor)
    found = recalibrate(propensities, outcomes.astype(float))
    fitted = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1_000)
    fitted.fit(log_odds(propensities)[:, None], outcomes)
    assert found.slope == pytest.approx(fitted.coef_[0, 0], abs=1e-5)
    assert found.intercept == pytest.approx(fitted.intercept_[0], abs=1e-5)
    recalibrated = fitted.predict_proba(log_odds(propensities)[:, None])[:, 1]
    moved = np.abs(recalibrated - propensities).mean() / min(propensities.mean(), outcomes.mean())
    assert found.factor == pytest.approx(1 + moved, rel=1e-4)


def test_the_test_of_the_line_by_its_definition():
    propensities, outcomes = drawn(1, 400, factor=1.4)
    design = np.column_stack([np.ones(400), np.log(propensities / (1 - propensities))])
    score = design.T @ (outcomes - propensities)
    information = design.T @ (design * (propensities * (1 - propensities))[:, None])
    statistic = score @ np.linalg.inv(information) @ score
    found = recalibrate(propensities, outcomes.astype(float))
    assert found.p_value == pytest.approx(stats.chi2.sf(statistic, 2), rel=1e-9)


@pytest.mark.parametrize(
    ("propensities", "outcomes"),
    [([0.5, 0.5], [0, 1]), ([0.2, 0.8], [0, 0]), ([0.2, 0.8], [1, 1]), ([0.1, 0.2, 0.8], [0, 0, 1])],
)
def test_where_no_line_can_be_fitted(propensities, outcomes):
    assert recalibrate(np.array(propensities), np.array(outcomes, dtype=float)) is None


@pytest.mark.parametrize(
    ("happened", "verdict"),
    [(50, "calibrated"), (62, "calibrated"), (63, "too few"), (70, "warn"), (75, "alert"),
     (41, "calibrated"), (35, "too few"), (30, "alert"), (0, "alert")],
)  # fmt: skip
def test_verdicts_by_factor_and_chance(happened, verdict):
    # 50 expected of 400: 63 come by chance, or more, or as few, once in 15 times, 70 once in 200 times.
    found = calibrate(*constant(400, 0.125, happened))
    assert found.overall.verdict == verdict
    assert [row.verdict for row in found.bins] == [verdict]
    assert found.alerts == (["overall", "decile 1"] if verdict == "alert" else [])


def test_limits_are_settings():
    rows = constant(400, 0.125, 70)
    assert calibrate(*rows, limits=Limits(1.1, 1.39)).overall.verdict is Verdict.ALERT
    assert calibrate(*rows, limits=Limits(1.45, 2.0)).overall.verdict is Verdict.CALIBRATED


def test_too_few_outcomes_have_no_verdict():
    assert calibrate(*constant(90, 0.1, 9)).overall.verdict is Verdict.TOO_FEW
    assert calibrate(*constant(100, 0.1, 10)).overall.verdict is Verdict.CALIBRATED
    # One outcome that was next to impossible is one outcome; ten are not chance.
    assert calibrate(*constant(1_000, 1e-6, EVENTS_MIN - 1)).overall.verdict is Verdict.TOO_FEW
    assert calibrate(*constant(1_000, 1e-6, EVENTS_MIN)).overall.verdict is Verdict.ALERT
    few = calibrate(np.arange(1, 21) / 100, (np.arange(20) == 4).astype(int))
    assert {row.verdict for row in (few.overall, *few.bins)} == {Verdict.TOO_FEW}


def test_every_decile_of_a_wrong_model_alerts():
    found = calibrate(*drawn(0, 5_000, factor=2.5))
    assert found.overall.verdict is Verdict.ALERT
    assert found.alerts == ["overall", *(f"decile {place}" for place in range(1, 11))]


def test_many_rows_do_not_alert_for_one_per_cent():
    propensities, outcomes = drawn(0, 1_000_000, factor=1.01)
    found = calibrate(propensities, outcomes)
    assert found.recalibration.p_value < CHANCE_MAX
    assert {row.verdict for row in (found.overall, *found.bins)} == {Verdict.CALIBRATED}


def test_too_far_apart_and_right_on_average():
    source = np.random.default_rng(3)
    propensities = source.beta(2.0, 2.0, 4_000)
    true = 1 / (1 + np.exp(-0.2 * log_odds(propensities)))
    found = calibrate(propensities, (source.random(4_000) < true).astype(int))
    assert 0.95 < found.overall.ratio < 1.05
    assert found.recalibration.slope == pytest.approx(0.2, abs=0.05)
    assert found.overall.verdict in JUDGED


def test_one_action_of_many_is_found():
    propensities, outcomes = drawn(0, 20_000)
    actions = np.array([f"a{row % 20}" for row in range(20_000)], dtype=object)
    outcomes[actions == "a7"] |= propensities[actions == "a7"] > 0.1
    found = calibrate(propensities, outcomes, actions)
    assert [name for name in found.alerts if name.startswith("action")] == ["action a7"]


def test_healthy_models_rarely_have_a_verdict_against_them():
    # One in two has a bin outside its 95 % interval; verdicts are wrong at most as often as they promise.
    outside = wrong = lines = 0
    for seed in range(400):
        found = calibrate(*drawn(seed, 2_000))
        outside += not all(row.is_within for row in found.bins)
        wrong += any(row.verdict in JUDGED for row in (found.overall, *found.bins))
        lines += found.recalibration.p_value <= CHANCE_MAX
    assert outside > 120
    # Binomial: at most 13 of 400 at a rate of 0.02, at most 10 at 0.01, in all but one of 1,000 suites.
    assert wrong <= 17
    assert lines <= 11


def test_the_error_of_chance_is_that_of_calibrated_models():
    errors, by_chance = zip(
        *((found.error, found.error_by_chance) for found in (calibrate(*drawn(s, 2_000)) for s in range(60))),
        strict=True,
    )
    assert np.mean(by_chance) == pytest.approx(np.mean(errors), rel=0.08)
