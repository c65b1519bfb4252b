"""Two versions -> the differences in structure, metadata and scores."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import polars as pl

from nextbest.models.reference import histogram_of, stability_index
from nextbest.models.refusal import ModelError
from nextbest.models.report import Facts
from nextbest.models.samples import Sample, choose_for_all, shared_sample
from nextbest.models.validation import Progress
from nextbest.models.version_scores import score_rows
from nextbest.registry.manifest import Manifest
from nextbest.registry.records import encode
from nextbest.registry.registry import Registry, Version

ROWS_GIVEN: Final = "rows of the file"


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
        difference_mean: Mean of absolute differences; the next two are their 99th percentile and maximum.
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
        sample: The rows that were scored: `background sample of card@1a2b3c4d5e6f`.
        filled: Columns that these rows do not have, where every row got the binding's value for missing
            attributes.
    """

    changes: list[Change]
    scores: ScoreChange | None
    reason: str = ""
    sample: str = ""
    filled: list[str] = field(default_factory=list)


def compare(
    registry: Registry,
    before: Version,
    after: Version,
    progress: Progress,
    rows: Mapping[str, pl.Series] | None = None,
) -> Comparison:
    """Compares two versions.

    Args:
        registry: That has them.
        before: One.
        after: The other.
        progress: Told how far scoring is.
        rows: The columns of a file, to be scored; None: rows that were pushed with one of the versions.

    Raises:
        ModelError: NB618: one of them is damaged. NB663: the rows that are given lack a column.
    """
    versions, manifests = (before, after), (registry.verify(before), registry.verify(after))
    flat = [_flat(manifest) for manifest in manifests]
    changes = [
        Change(what, flat[0].get(what, ""), flat[1].get(what, ""))
        for what in dict.fromkeys((*flat[0], *flat[1]))
        if flat[0].get(what) != flat[1].get(what)
    ]
    given = _given(rows, manifests) if rows is not None else None
    try:
        sample = given or shared_sample(registry, versions, manifests)
        scores = [
            score_rows(registry, version, columns, sample.what, progress)
            for version, columns in zip(versions, sample.columns, strict=True)
        ]
    except ModelError as error:
        return Comparison(changes, None, f"{error.message}: {error.help}")
    both = ~np.isnan(scores[0]) & ~np.isnan(scores[1])
    if not both.any():
        return Comparison(changes, None, f"none of the {sample.what} has a score from both", sample.what)
    change = _score_change(scores[0], scores[1], both)
    return Comparison(changes, change, "", sample.what, list(sample.filled))


def _given(rows: Mapping[str, pl.Series], manifests: Sequence[Manifest]) -> Sample:
    chosen = choose_for_all(rows, manifests, ROWS_GIVEN)
    return Sample(ROWS_GIVEN, len(next(iter(rows.values()), ())), chosen, ())


def _flat(manifest: Manifest) -> dict[str, str]:
    """What there is to compare, as text by what it is."""
    engine = manifest.report.engine
    flat = _model(manifest.report.facts) | _binding(manifest) | _card(manifest)
    return flat | {"engine": engine.name} if engine is not None else flat


def _model(facts: Facts) -> dict[str, str]:
    flat: dict[str, str] = {}
    for tensor in facts.signature.inputs:
        flat[f"input {tensor.name}"] = tensor.described
    for tensor in facts.signature.outputs:
        flat[f"output {tensor.name}"] = tensor.described
        if tensor.labels is not None:
            flat[f"classes of {tensor.name}"] = tensor.labels.listed().replace("`", "")
    flat |= {f"operator {name}": str(count) for name, count in facts.operators.items()}
    flat |= {f"opset {domain}": str(version) for domain, version in facts.opsets.items()}
    flat |= {"producer": facts.producer, "size": f"{facts.size_bytes:,} bytes"}
    if facts.tree_count:
        flat["trees"] = f"{facts.tree_count:,}, {facts.tree_node_count:,} nodes, depth {facts.tree_depth_max}"
    return flat


def _binding(manifest: Manifest) -> dict[str, str]:
    binding = manifest.binding
    flat = {
        f"binding of {name}": ", ".join(column.described for column in columns)
        for name, columns in binding.inputs.items()
    }
    flat["score"] = binding.score
    if binding.row_by_row:
        flat["rows"] = "one by one"
    if binding.prior is not None:
        flat["prior"] = f"{binding.prior:g}"
    if manifest.budget_us is not None:
        flat["budget"] = f"{manifest.budget_us:g} us for one row"
    return flat


def _card(manifest: Manifest) -> dict[str, str]:
    if manifest.card is None:
        return {}
    card = encode(manifest.card)
    metrics, limits = card.pop("metrics"), card.pop("limits")
    flat = {f"card {name}": str(value) for name, value in card.items() if value}
    flat |= {f"metric {name}": f"{value:g}" for name, value in metrics.items()}
    return flat | {"card limits": "; ".join(limits)} if limits else flat


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
