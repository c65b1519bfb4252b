"""`model evaluate` on real outcomes: telephone calls of a bank, against scikit-learn.

Data: UCI Bank Marketing (Moro, Cortez, Rita 2014; CC BY 4.0), found through NEXTBEST_TEST_DATA. The champion
knows age and campaign, the challenger earlier contacts and the way of contact as well.
"""

import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from registered import logistic, publish
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

from nextbest.models.evaluation import Question, evaluate
from nextbest.registry.registry import Registry

COLUMNS = ["age", "campaign", "previous", "cellular"]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def calls():
    folder = os.environ.get("NEXTBEST_TEST_DATA")
    if not folder:
        pytest.skip("NEXTBEST_TEST_DATA is not set: no folder with bank-marketing.csv.gz")
    data = pl.read_csv(Path(folder) / "bank-marketing.csv.gz").sample(fraction=1.0, shuffle=True, seed=0)
    cellular = (pl.col("contact") == "cellular").cast(pl.Int64).alias("cellular")
    return data.with_columns(cellular).select(*COLUMNS, "output")


def test_champion_and_challenger_of_a_bank(tmp_path, calls):
    seen, fresh = calls.head(20_000), calls.tail(len(calls) - 20_000)
    happened = (fresh["output"] == "yes").to_numpy()
    versions, scores = [], []
    for columns in (COLUMNS[:2], COLUMNS):
        trained = LogisticRegression(max_iter=1_000).fit(seen.select(columns).to_numpy(), seen["output"])
        onnx = logistic(*trained.coef_[0], intercept=trained.intercept_[0])
        versions.append(publish(tmp_path, onnx, columns, positive_label="yes"))
        scores.append(trained.predict_proba(fresh.select(columns).to_numpy())[:, 1])
    question = Question(versions, {series.name: series for series in fresh}, "output")
    found = evaluate(Registry(tmp_path), question, lambda *_: None)
    assert (found.rows, found.positives, found.positive) == (21_188, happened.sum(), "yes")
    for one, expected in zip(found.performances, scores, strict=True):
        assert one.auc.value == pytest.approx(roc_auc_score(happened, expected), abs=1e-5)
        assert one.log_loss.value == pytest.approx(log_loss(happened, expected), abs=1e-6)
        assert one.brier.value == pytest.approx(brier_score_loss(happened, expected), abs=1e-6)
        assert one.gain[-1].captured == 1.0
        assert one.calibration.overall.ratio == pytest.approx(1.0, abs=0.05)
    assert [one.direction for one in found.differences] == ["better"] * 3
    # A tenth of the rows holds more than a tenth of the positive ones, and more by the challenger.
    first, second = (one.gain[0].lift for one in found.performances)
    assert 1.0 < first < second
    assert np.mean([one.auc.high - one.auc.low for one in found.performances]) < 0.04
