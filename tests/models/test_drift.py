"""What a server counted, judged: indices by hand, verdicts at their limits."""

from datetime import UTC, datetime

import numpy as np
import pytest

from nextbest.models.drift import ROWS_MIN, SCORE, Limits, Verdict, examine
from nextbest.v1 import bundle_pb2, control_pb2, decision_pb2

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def histogram(*counts, missing=0):
    edges = [float(edge) for edge in range(len(counts) - 1)]
    return bundle_pb2.Histogram(missing=missing, edges=edges, counts=counts)


def compared(current, reference=None):
    return control_pb2.ComparedHistogram(current=current, reference=reference)


def model(scores, features=(), decisions=1_000, **more):
    return control_pb2.ModelHealth(
        name="card",
        version="ab" * 32,
        engine="native",
        since_us=1_780_000_000_000_000,
        decisions=decisions,
        scores=scores,
        features=[control_pb2.FeatureHealth(name=name, histogram=found) for name, found in features],
        **more,
    )


def of_scores(*arguments, **more):
    found = examine(model(*arguments, **more), 8, NOW)
    assert found.drifts[0].what == SCORE
    return found.drifts[0]


def test_an_index_by_hand():
    drift = of_scores(compared(histogram(600, 400), histogram(5_000, 5_000)))
    assert drift.index == pytest.approx(0.1 * np.log(1.5))
    assert drift.chance == pytest.approx(1 / 1_000 + 1 / 10_000)
    assert (drift.rows, drift.reference_rows, drift.verdict) == (1_000, 10_000, Verdict.STEADY)


@pytest.mark.parametrize(
    ("share", "verdict"), [(0.6, Verdict.STEADY), (0.7, Verdict.WARN), (0.8, Verdict.ALERT)]
)
def test_verdicts(share, verdict):
    # 0.1 ln 1.5 = 0.041, 0.2 ln (7/3) = 0.169, 0.3 ln 4 = 0.416.
    current = histogram(round(1_000 * share), round(1_000 * (1 - share)))
    assert of_scores(compared(current, histogram(5_000, 5_000))).verdict is verdict


def test_limits_are_settings():
    found = model(compared(histogram(700, 300), histogram(5_000, 5_000)))
    index = examine(found, 1, NOW).drifts[0].index
    assert examine(found, 1, NOW, Limits(index, 0.5)).drifts[0].verdict is Verdict.WARN
    assert examine(found, 1, NOW, Limits(0.01, index)).drifts[0].verdict is Verdict.ALERT


def test_too_few_rows_say_nothing():
    few = compared(histogram(ROWS_MIN - 1, 0), histogram(5_000, 5_000))
    assert of_scores(few, decisions=ROWS_MIN - 1).verdict is Verdict.TOO_FEW
    enough = compared(histogram(ROWS_MIN, 0), histogram(5_000, 5_000))
    assert of_scores(enough, decisions=ROWS_MIN).verdict is Verdict.ALERT
    # Many scores of few decisions are few.
    assert of_scores(compared(histogram(5_000, 0), histogram(5_000, 5_000)), decisions=50).verdict is (
        Verdict.TOO_FEW
    )
    # A hundred bins of 300 rows: chance alone gives a third.
    source = np.random.default_rng(0)
    current, reference = (histogram(*source.multinomial(rows, [0.01] * 100)) for rows in (300, 10_000))
    drift = of_scores(compared(current, reference), decisions=300)
    assert drift.index > 0.25
    assert drift.verdict is Verdict.TOO_FEW


def test_without_a_reference_or_decisions():
    drift = of_scores(compared(histogram(1, 2)))
    assert (drift.index, drift.chance, drift.verdict) == (None, None, Verdict.NO_REFERENCE)
    drift = of_scores(compared(histogram(0, 0), histogram(5, 5)), decisions=0)
    assert (drift.index, drift.verdict) == (None, Verdict.TOO_FEW)


def test_missing_values_are_a_bin_and_the_furthest_comes_first():
    steady = compared(histogram(500, 500), histogram(5_000, 5_000))
    lost = compared(histogram(200, 200, missing=600), histogram(5_000, 5_000))
    found = examine(model(steady, [("customer.age", steady), ("customer.zeal", lost)]), 8, NOW)
    assert [drift.what for drift in found.drifts] == [SCORE, "customer.zeal", "customer.age"]
    zeal = found.drifts[1]
    assert (zeal.missing, zeal.reference_missing, zeal.verdict) == (0.6, 0.0, Verdict.ALERT)
    assert found.alerts == [zeal]


def test_terms_and_degradations():
    kind = decision_pb2.DEGRADATION_KIND_MODEL_FAILED
    found = examine(
        model(
            compared(histogram(1, 1)),
            degradations=[control_pb2.DegradationCount(kind=kind, decisions=3)],
            card_expires_us=1_780_000_000_000_000,
        ),
        8,
        NOW,
    )
    assert found.degradations == {"model_failed": 3}
    assert found.is_expired
    assert found.since == found.card_expires
    endless = examine(model(compared(histogram(1, 1))), 8, NOW)
    assert (endless.card_expires, endless.is_expired) == (None, False)
