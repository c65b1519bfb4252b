"""What a server has counted of a model -> how far its features and scores have moved from the reference.

The measure is the population stability index. Its usual limits, 0.10 and 0.25, are conventions: the index
that chance alone causes depends on the numbers of rows and bins, so each index is shown with it, and there is
no verdict on too few rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from nextbest.client.values import from_microseconds
from nextbest.models.reference import chance_of, index_of
from nextbest.v1 import bundle_pb2, control_pb2, decision_pb2

WARN: Final = 0.10
ALERT: Final = 0.25
ROWS_MIN: Final = 200
"""The minimum number of decisions for a verdict on an index."""
CHANCE_FACTOR: Final = 3.0
"""An index is significant if it is this many times the index that chance alone causes."""
SCORE: Final = "score"
"""What scores are called, where features are called by their attributes."""


class Verdict(StrEnum):
    """What to think of an index."""

    STEADY = "steady"
    WARN = "warn"
    ALERT = "alert"
    TOO_FEW = "too few"
    NO_REFERENCE = "no reference"


@dataclass(frozen=True, slots=True)
class Limits:
    """From which index on there is a warning, and an alert."""

    warn: float = WARN
    alert: float = ALERT


@dataclass(frozen=True, slots=True)
class Drift:
    """How far a feature, or the scores, have moved.

    Attributes:
        what: `customer.age`, or `score`.
        index: Population stability index, 0.0 or more; missing values are counted in a separate bin. None
            without a reference or rows.
        chance: The index to be expected if nothing had changed. Of scores it is reckoned by decisions, since
            those of one decision hang together. None where `index` is.
        rows: Values counted, missing ones included.
        reference_rows: Of the reference; 0 without one.
        missing: Share of rows without a value, 0.0 to 1.0; the next field is the share in the reference.
        reference_missing: Of the reference.
        verdict: What to think of it.
    """

    what: str
    index: float | None
    chance: float | None
    rows: int
    reference_rows: int
    missing: float
    reference_missing: float
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Health:
    """How a model fares.

    Attributes:
        name: Of the model.
        version: SHA-256 of its bytes.
        engine: `native` or `onnxruntime`.
        since: When counting began.
        sample: One in this number of decisions was counted.
        decisions: Those counted in which the model had candidates.
        drifts: The scores, then the features, those that moved furthest first.
        degradations: By kind, decisions in which the prior replaced the score; of all decisions, counted or
        not.
        card_expires: None where the card has no term, or there is none.
        is_expired: Whether that is past.
        counted: The server's counters.
    """

    name: str
    version: str
    engine: str
    since: datetime
    sample: int
    decisions: int
    drifts: list[Drift]
    degradations: dict[str, int]
    card_expires: datetime | None
    is_expired: bool
    counted: control_pb2.ModelHealth = field(default_factory=control_pb2.ModelHealth, repr=False)

    @property
    def alerts(self) -> list[Drift]:
        """What has moved too far."""
        return [drift for drift in self.drifts if drift.verdict is Verdict.ALERT]


def examine(
    found: control_pb2.ModelHealth, sample: int, now: datetime, limits: Limits | None = None
) -> Health:
    """Judges what was counted of a model.

    Args:
        found: The server's answer.
        sample: One in this number of decisions was counted.
        now: For the card's term.
        limits: The usual ones if None.
    """
    chosen = limits or Limits()
    scores = _drift(SCORE, found.scores, found.decisions, chosen)
    features = [_drift(row.name, row.histogram, found.decisions, chosen) for row in found.features]
    features.sort(key=lambda drift: (-(drift.index or 0.0), drift.what))
    has_term = found.HasField("card_expires_us")
    expires = from_microseconds(found.card_expires_us) if has_term else None
    return Health(
        name=found.name,
        version=found.version,
        engine=found.engine,
        since=from_microseconds(found.since_us),
        sample=sample,
        decisions=found.decisions,
        drifts=[scores, *features],
        degradations={kind_name(row.kind): row.decisions for row in found.degradations},
        card_expires=expires,
        is_expired=expires is not None and now >= expires,
        counted=found,
    )


def kind_name(kind: decision_pb2.DegradationKind.ValueType) -> str:
    """The name of a kind of degradation, as in spans: `model_failed`."""
    return decision_pb2.DegradationKind.Name(kind).removeprefix("DEGRADATION_KIND_").lower()


def rows_of(histogram: bundle_pb2.Histogram) -> list[int]:
    """Rows of each bin, those without a value first."""
    return [histogram.missing, *histogram.counts]


def _drift(what: str, compared: control_pb2.ComparedHistogram, decisions: int, limits: Limits) -> Drift:
    current, reference = rows_of(compared.current), rows_of(compared.reference)
    rows, reference_rows = sum(current), sum(reference)
    index = chance = None
    if rows and reference_rows:
        index = index_of(reference, current)
        chance = chance_of(_bins(reference, current), reference_rows, min(rows, decisions))
    return Drift(
        what=what,
        index=index,
        chance=chance,
        rows=rows,
        reference_rows=reference_rows,
        missing=compared.current.missing / rows if rows else 0.0,
        reference_missing=compared.reference.missing / reference_rows if reference_rows else 0.0,
        verdict=_judge(index, chance, reference_rows, min(rows, decisions), limits),
    )


def _bins(reference: Sequence[int], current: Sequence[int]) -> int:
    """Bins that hold a row of either."""
    return sum(1 for pair in zip(reference, current, strict=True) if any(pair))


def _judge(
    index: float | None, chance: float | None, reference_rows: int, rows: int, limits: Limits
) -> Verdict:
    if not reference_rows:
        return Verdict.NO_REFERENCE
    if index is None or chance is None or rows < ROWS_MIN:
        return Verdict.TOO_FEW
    if index < limits.warn:
        return Verdict.STEADY
    if index < CHANCE_FACTOR * chance:
        return Verdict.TOO_FEW
    return Verdict.ALERT if index >= limits.alert else Verdict.WARN
