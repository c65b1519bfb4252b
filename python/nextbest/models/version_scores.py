"""A version of the registry, and rows -> its scores of them, computed in a child process.

The one place that makes the job of a version from its manifest: whatever scores rows again comes here.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nextbest.models.job import Job, Plan, Rows
from nextbest.models.refusal import ModelError
from nextbest.models.rows import Table, answerable, cast_inputs, fill_inputs, inputs_of
from nextbest.models.validation import Progress, validate
from nextbest.registry.manifest import Manifest
from nextbest.registry.registry import Registry, Version

CHUNK_ROWS_MAX: Final = 50_000
"""Of one child process, whose memory and answer are limited."""
_CHUNK_ROWS_MIN: Final = 1_000
_CHUNK_S: Final = 15.0
"""What scoring a chunk may take, by the latency that the push measured: a quarter of the child's limit."""
_CHUNK_VALUES_MAX: Final = 20_000_000


def score_rows(
    registry: Registry,
    version: Version,
    chosen: Mapping[str, pl.Series],
    what: str,
    progress: Progress,
) -> NDArray[np.float64]:
    """Scores rows with a version.

    Args:
        registry: That has it.
        version: Scores.
        chosen: The columns that it takes, by their first names (`rows.choose_columns`), all of one length.
        what: The rows are, for messages.
        progress: Told how many rows have been scored.

    Returns:
        A score a row; NaN where the model has none, and where something but a number is missing.

    Raises:
        ModelError: A value is not of its type (NB663), the version is damaged, or the model fails.
    """
    manifest = registry.manifest(version)
    inputs = inputs_of(manifest)
    table = Table(what, pl.DataFrame([s.alias(n) for n, s in cast_inputs(chosen, inputs, what).items()]))
    indices = np.flatnonzero(answerable(table, inputs))
    scores = np.full(len(table.frame), np.nan)
    onnx = registry.model(version) if len(indices) else b""
    size = _chunk_rows(manifest, len(table.frame.columns))
    for start in range(0, len(indices), size):
        progress(f"scoring with {version}", start, len(indices))
        part = indices[start : start + size]
        rows = fill_inputs(Table(what, table.frame[part.tolist()]), inputs)
        scores[part] = _score(job_of(onnx, manifest, rows))
    progress(f"scoring with {version}", len(indices), len(indices))
    return scores


def job_of(onnx: bytes, manifest: Manifest, rows: Rows) -> Job:
    """What a child process is asked: the scores of rows, as a server would score them."""
    return Job(
        onnx,
        Plan.SCORING,
        any_operator=manifest.any_operator,
        output=manifest.binding.output,
        column=manifest.binding.positive_column,
        row_by_row=manifest.binding.row_by_row,
        background=rows,
    )


def _chunk_rows(manifest: Manifest, columns: int) -> int:
    latency = manifest.report.latency
    row_s = latency.single_us / 1e6 if latency is not None else 0.0
    by_time = _CHUNK_S / row_s if row_s else CHUNK_ROWS_MAX
    by_memory = _CHUNK_VALUES_MAX / max(1, columns)
    return max(_CHUNK_ROWS_MIN, int(min(CHUNK_ROWS_MAX, by_time, by_memory)))


def _score(job: Job) -> NDArray[np.float64]:
    outcome = validate(job)
    if outcome.refusals:
        refusal = outcome.refusals[0]
        raise ModelError(refusal.message, refusal.help, refusal.code)
    return np.array([np.nan if score is None else score for score in outcome.scores])
