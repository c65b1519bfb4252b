"""The libraries that models were trained with, and compilers of their trees, called from Python.

Times are CPU times of one thread, medians of rounds; rows are cycled through. What a call from Python costs
is part of them: that is how these libraries are called.
"""

import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import tl2cgen
import treelite
from numpy.typing import NDArray

from scoring_models import Case, Table

ROUNDS: Final = 7
ROUND_S: Final = 0.03
DISTANCE_MAX: Final = 2e-6
"""Between a library's own score and that of its export: margins are sums of floats of another width."""

Scorer = Callable[[Table], NDArray[Any]]


def measure(
    case: Case, rows: Table, expected: NDArray[np.float32], folder: Path
) -> dict[str, dict[str, float]]:
    """Times each peer that runs a case, in microseconds: of one row, and of a hundred.

    Args:
        case: Of one model.
        rows: At least the number of scores.
        expected: Ours, of the first rows.
        folder: For what is compiled.

    Raises:
        SystemExit: A peer has another score.
    """
    found: dict[str, dict[str, float]] = {}
    for name, score in _peers(case, folder):
        distance = np.abs(np.asarray(score(rows[: len(expected)])).reshape(-1) - expected).max()
        if not distance <= DISTANCE_MAX:
            raise SystemExit(f"{name} differs from {case.name} by {distance:.2g}")
        found[name] = {f"batch{batch}": _time(score, rows, batch) for batch in (1, 100)}
    return found


def _peers(case: Case, folder: Path) -> Iterator[tuple[str, Scorer]]:
    model = case.trained[0]
    if case.name.startswith(("lightgbm", "leafwise")):
        booster = model.booster_
        yield "LightGBM", lambda rows: booster.predict(rows, num_threads=1)
        if case.name == "lightgbm_100":
            # Half a minute of a C compiler for a hundred trees: larger ones are left out.
            yield "tl2cgen", _compiled(booster, folder)
    elif case.name.startswith("xgboost"):
        booster = model.get_booster()
        booster.set_param({"nthread": 1})
        yield "XGBoost", booster.inplace_predict
    else:
        yield "scikit-learn", lambda rows: model.predict_proba(rows)[:, 1]


def _compiled(booster: Any, folder: Path) -> Scorer:
    model = treelite.frontend.from_lightgbm(booster)
    sources = folder / "tl2cgen"
    tl2cgen.generate_c_code(model, dirpath=sources, params={"parallel_comp": 0})
    library = sources / "model.so"
    files = sorted(str(path) for path in sources.glob("*.c"))
    subprocess.run(["cc", "-O2", "-fPIC", "-shared", "-o", library, *files], check=True)
    predictor = tl2cgen.Predictor(library, nthread=1)
    return lambda rows: predictor.predict(tl2cgen.DMatrix(rows, dtype="float32"))


def _time(score: Scorer, rows: Table, batch: int) -> float:
    at, rounds = 0, []
    for _ in range(ROUNDS):
        count, started = 0, time.thread_time()
        while (spent := time.thread_time() - started) < ROUND_S or not count:
            score(rows[at : at + batch])
            at = (at + batch) % (len(rows) - batch)
            count += 1
        rounds.append(spent / count * 1e6)
    return statistics.median(rounds)
