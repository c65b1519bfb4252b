"""What a server has counted of its models -> metrics. Counts and indices only: no value of any customer."""

import os
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final

from nextbest.models.drift import Verdict, examine
from nextbest.telemetry import Instrument, Kind, Measured
from nextbest.v1 import control_pb2

DECISIONS: Final = Instrument(
    "nextbest.model.decisions", Kind.COUNTER, "{decision}",
    "Decisions counted in which the model had candidates.",
)  # fmt: skip
SCORES: Final = Instrument(
    "nextbest.model.scores", Kind.COUNTER, "{score}", "Scores up to `bin`, and above the bin before it."
)
DEGRADATIONS: Final = Instrument(
    "nextbest.model.degradations", Kind.COUNTER, "{decision}",
    "Decisions in which the prior replaced the model's score, by `kind`; of all decisions, counted or not.",
)  # fmt: skip
PSI: Final = Instrument(
    "nextbest.model.psi", Kind.GAUGE, "1",
    "Stability index of a `feature`, or of `score`, against the push; absent while there are too few rows.",
)  # fmt: skip
ENGINE: Final = Instrument(
    "nextbest.model.scoring_engine", Kind.GAUGE, "1", "1 for the `engine` that scores: native or onnxruntime."
)
CARD_EXPIRED: Final = Instrument(
    "nextbest.model.card_expired", Kind.GAUGE, "1", "1 when the term of the model card is past, else 0."
)
SAMPLE: Final = Instrument(
    "nextbest.model.sample", Kind.GAUGE, "{decision}", "One in this number of decisions is counted; 0: none."
)
INSTRUMENTS: Final = (DECISIONS, SCORES, DEGRADATIONS, PSI, ENGINE, CARD_EXPIRED, SAMPLE)

_VERSION_DIGITS: Final = 12
_NICE: Final = 10


def measure(answer: control_pb2.ModelHealthResponse, now: datetime) -> Measured:
    """Measures every model of the active bundle.

    Args:
        answer: What the server has counted.
        now: For the terms of model cards.

    Returns:
        For each instrument its values, each with its attributes.
    """
    measured: dict[str, list[tuple[float, Mapping[str, str]]]] = {entry.name: [] for entry in INSTRUMENTS}

    def note(instrument: Instrument, value: float, **attributes: str) -> None:
        measured[instrument.name].append((value, attributes))

    note(SAMPLE, answer.sample)
    for found in answer.models:
        health = examine(found, answer.sample, now)
        named = {"model": health.name, "version": health.version[:_VERSION_DIGITS]}
        note(DECISIONS, health.decisions, **named)
        note(ENGINE, 1, **named, engine=health.engine)
        note(CARD_EXPIRED, int(health.is_expired), **named)
        for kind, decisions in health.degradations.items():
            note(DEGRADATIONS, decisions, **named, kind=kind)
        scores = found.scores.current
        ends = [f"{edge:.6g}" for edge in scores.edges] + ["+Inf"]
        for end, count in zip(ends, scores.counts, strict=True):
            note(SCORES, count, **named, bin=end)
        for drift in health.drifts:
            if drift.index is not None and drift.verdict is not Verdict.TOO_FEW:
                note(PSI, drift.index, **named, feature=drift.what)
    return measured


class ModelMetrics:
    """Reads the counters of a server whenever metrics are due, on a thread that yields to decisions."""

    def __init__(self, read: Callable[[], bytes]) -> None:
        """Takes where an encoded `ModelHealthResponse` comes from."""
        self._read = read
        self._yielding = threading.local()

    def __call__(self) -> Measured:
        """Measures now."""
        if threading.current_thread() is not threading.main_thread() and not hasattr(self._yielding, "done"):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
            self._yielding.done = True
        return measure(control_pb2.ModelHealthResponse.FromString(self._read()), datetime.now(UTC))
