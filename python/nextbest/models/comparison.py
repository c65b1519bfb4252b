"""Two versions -> what differs: what they are made of, what is said of them, and their scores."""

from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
import polars as pl

from nextbest.models.job import Job, Plan
from nextbest.models.manifest import Manifest
from nextbest.models.records import encode
from nextbest.models.reference import histogram_of, stability_index
from nextbest.models.refusal import ROWS, ModelError
from nextbest.models.registry import Registry, Version
from nextbest.models.rows import Table, fill_inputs, inputs_of
from nextbest.models.validation import Progress, validate

BACKGROUND = "background.parquet"


@dataclass(frozen=True, slots=True)
class Change:
    """Something that is not the same; empty where one of the versions does not have it."""

    what: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class ScoreChange:
    """How far scores of the same rows are apart.

    Attributes:
        rows: That have a score from both.
        difference_mean: Of absolute differences; likewise the next two.
        stability_index: Population stability index of the second's scores against the first's.
    """

    rows: int
    difference_mean: float
    difference_p95: float
    difference_max: float
    mean_before: float
    mean_after: float
    stability_index: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """What differs.

    Attributes:
        changes: In the order of `model show`.
        scores: None where they could not be compared.
        reason: Why not.
    """

    changes: list[Change]
    scores: ScoreChange | None
    reason: str = ""


def compare(registry: Registry, before: Version, after: Version, progress: Progress) -> Comparison:
    """Compares two versions.

    Raises:
        ModelError: NB618: one of them is damaged.
    """
    manifests = registry.manifest(before), registry.manifest(after)
    flat = [_flat(manifest) for manifest in manifests]
    changes = [
        Change(what, flat[0].get(what, ""), flat[1].get(what, ""))
        for what in dict.fromkeys((*flat[0], *flat[1]))
        if flat[0].get(what) != flat[1].get(what)
    ]
    sample = registry.file(before, manifests[0], BACKGROUND)
    if sample is None:
        return Comparison(changes, None, f"{before} was pushed without a background sample")
    frame = pl.read_parquet(BytesIO(sample))
    try:
        scores = [
            _scores(registry, version, manifest, frame, progress)
            for version, manifest in zip((before, after), manifests, strict=True)
        ]
    except ModelError as error:
        return Comparison(changes, None, f"{error.message}: {error.help}")
    both = ~np.isnan(scores[0]) & ~np.isnan(scores[1])
    if not both.any():
        return Comparison(changes, None, "no row has a score from both")
    return Comparison(changes, _score_change(scores[0], scores[1], both))


def _flat(manifest: Manifest) -> dict[str, str]:
    """What there is to compare, as text by what it is."""
    facts, binding = manifest.report.facts, manifest.binding
    flat: dict[str, str] = {}
    for tensor in facts.signature.inputs:
        flat[f"input {tensor.name}"] = f"{tensor.type_text} {encode(tensor.shape)}"
    for tensor in facts.signature.outputs:
        flat[f"output {tensor.name}"] = f"{tensor.type_text} {encode(tensor.shape)}"
    flat |= {f"operator {name}": str(count) for name, count in facts.operators.items()}
    flat |= {f"opset {domain}": str(version) for domain, version in facts.opsets.items()}
    flat |= {"producer": facts.producer, "size": f"{facts.size_bytes:,} bytes"}
    if facts.tree_count:
        flat["trees"] = f"{facts.tree_count:,}, {facts.tree_node_count:,} nodes, depth {facts.tree_depth_max}"
    flat |= {
        f"binding of {name}": ", ".join(column.attribute for column in columns)
        for name, columns in binding.inputs.items()
    }
    flat["score"] = binding.score
    if binding.prior is not None:
        flat["prior"] = f"{binding.prior:g}"
    if manifest.card is not None:
        card = encode(manifest.card)
        metrics, limits = card.pop("metrics"), card.pop("limits")
        flat |= {f"card {name}": str(value) for name, value in card.items() if value}
        flat |= {f"metric {name}": f"{value:g}" for name, value in metrics.items()}
        if limits:
            flat["card limits"] = "; ".join(limits)
    if manifest.report.engine is not None:
        flat["engine"] = manifest.report.engine.name
    return flat


def _scores(
    registry: Registry, version: Version, manifest: Manifest, frame: pl.DataFrame, progress: Progress
) -> Any:
    """The scores of a sample.

    Raises:
        ModelError: It does not have the columns, or the model fails.
    """
    inputs = inputs_of(manifest)
    lacking = [
        column.names[0]
        for table in inputs
        for column in table.columns
        if not set(column.names) & set(frame.columns)
    ]
    if lacking:
        message = f"the background sample lacks `{lacking[0]}`, which {version} takes"
        raise ModelError(message, "push one with both", ROWS)
    chosen = {
        column.names[0]: frame[next(name for name in column.names if name in frame.columns)]
        for table in inputs
        for column in table.columns
    }
    table = Table(
        "rows of the background sample", pl.DataFrame([s.alias(name) for name, s in chosen.items()])
    )
    job = Job(
        registry.model(version),
        Plan.SCORING,
        any_operator=manifest.any_operator,
        output=manifest.binding.output,
        column=manifest.binding.positive_column,
        background=fill_inputs(table, inputs),
    )
    outcome = validate(job, progress=progress)
    if outcome.refusals:
        refusal = outcome.refusals[0]
        raise ModelError(refusal.message, refusal.help, refusal.code)
    return np.array([np.nan if score is None else score for score in outcome.scores])


def _score_change(before: Any, after: Any, both: Any) -> ScoreChange:
    differences = np.abs(after - before)[both]
    return ScoreChange(
        int(np.count_nonzero(both)),
        float(differences.mean()),
        float(np.quantile(differences, 0.95)),
        float(differences.max()),
        float(before[both].mean()),
        float(after[both].mean()),
        stability_index(histogram_of(before), after),
    )
