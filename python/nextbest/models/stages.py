"""The stages of a trial, in their order. Each answers one question about the model and may refuse it.

After a stage of `_DECISIVE` refuses, nothing is left to ask; the others say all that they find.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np

from nextbest.models.boundary import VARIANTS, answers_everything, boundary_rows
from nextbest.models.drawn import draw_rows
from nextbest.models.engine import ONNX_RUNTIME, engine_of
from nextbest.models.failing_row import name_failing_row
from nextbest.models.independence import examine, refuse_dependence
from nextbest.models.job import Job, Plan, Rows
from nextbest.models.known_faults import find_faults
from nextbest.models.latency import explain_cost, is_slower, measure_latency, of_onnxruntime, own_columns
from nextbest.models.mismatch import explain_mismatch
from nextbest.models.refusal import (
    BUDGET,
    CRASHED,
    GOLDEN,
    MEMORY,
    RANGE,
    ROWS,
    ModelError,
    out_of_memory,
    says_out_of_memory,
)
from nextbest.models.report import Boundary, Confinement, Engine, Facts, Golden, Refusal, Report, Spread
from nextbest.models.runtime_text import read_text
from nextbest.models.score_range import is_no_probability, range_remedy, refuse_scores
from nextbest.models.scoring import RunError, Scorer, row_count
from nextbest.models.signature import Element, Signature, add_labels, open_session, signature_of
from nextbest.models.sizes import check_sizes
from nextbest.models.structure import Structure, check_structure
from nextbest.v1.native_pb2 import NativeModel

_DTYPES: Final = {
    Element.FLOAT32: np.float32,
    Element.FLOAT64: np.float64,
    Element.INT64: np.int64,
    Element.BOOLEAN: np.bool_,
}
_ROWS_ENOUGH: Final = 8
"""To see whether rows depend on one another; fewer are varied."""
_METADATA_MAX: Final = 100
_TEXT_MAX: Final = 500
_PRODUCER_MAX: Final = 80


@dataclass(slots=True)
class Trial:
    """A model, and what is known of it so far.

    Attributes:
        job: What to try.
        report: Made by the first stages; None before.
        refusals: Every reason against the model.
        scores: Of the background rows, once they are known; None where there is none.
        warnings: What does not refuse it, and its owner should know.
        failures: Operators, with their nodes, that failed when the model was run.
    """

    job: Job
    report: Report | None = None
    refusals: list[Refusal] = field(default_factory=list)
    scores: list[float | None] = field(default_factory=list)
    warnings: list[Refusal] = field(default_factory=list)
    structure: Structure | None = None
    session: Any = None
    native: NativeModel | None = None
    failures: set[tuple[str, str]] = field(default_factory=set)

    def known(self) -> tuple[Report, Structure, Scorer]:
        """What the essential stages have made."""
        assert self.report is not None  # noqa: S101 - they come first
        assert self.structure is not None  # noqa: S101
        return self.report, self.structure, self.scorer(row_by_row=self.job.row_by_row)

    def scorer(self, *, row_by_row: bool) -> Scorer:
        """What scores rows, each by itself or all at once."""
        return Scorer(self.session, self.job.output, self.job.column, row_by_row=row_by_row)


def structure(trial: Trial) -> None:
    """What is it made of?"""
    job = trial.job
    trial.structure = check_structure(job.onnx, any_operator=job.any_operator)


def opening(trial: Trial) -> None:
    """Does ONNX Runtime open it, and what does it take?"""
    assert trial.structure is not None  # noqa: S101 - the stage before makes it
    check_sizes(trial.structure.model)
    # Opened as a server does, so that what is evaluated then is evaluated here.
    trial.session = open_session(trial.job.onnx, optimised=True)
    signature = add_labels(signature_of(trial.session), trial.structure.model.graph)
    facts = _facts(trial.job, trial.structure, signature)
    trial.report = Report(facts, Confinement(files=False, network=False, privileges=False))


def faults(trial: Trial) -> None:
    """Is there something that ONNX Runtime is known to compute otherwise?"""
    _, checked, _ = trial.known()
    trial.warnings += find_faults(checked.model)


def independence(trial: Trial) -> None:
    """Is the score of a row its own, whatever rows are scored with it?"""
    report, checked, scorer = trial.known()
    rows, job = _rows_that_occur(trial), trial.job
    if rows is None or row_count(rows) < _ROWS_ENOUGH:
        rows = draw_rows(checked.model, scorer.inputs, job.columns, rows, _ROWS_ENOUGH)
    if rows is None:
        return
    alone, together = trial.scorer(row_by_row=True), trial.scorer(row_by_row=False)
    try:
        found = examine(alone, together, checked.model, rows)
    except ModelError:
        # It has no scores either way, which the stages that follow say of rows that occur.
        return
    trial.report = replace(report, independence=found)
    refusal = refuse_dependence(found, row_by_row=job.row_by_row)
    if refusal is not None:
        raise refusal


def golden(trial: Trial) -> None:
    """Do its scores equal those of the training framework?"""
    job = trial.job
    report, _, scorer = trial.known()
    if job.golden is None or job.expected is None:
        return
    scores = scorer.score(job.golden)
    differences = np.abs(scores - job.expected)
    differences[~np.isfinite(differences)] = math.inf
    worst = int(np.argmax(differences))
    difference, score, expected = float(differences[worst]), float(scores[worst]), float(job.expected[worst])
    if not difference <= job.tolerance:
        bad = int(np.count_nonzero(~(differences <= job.tolerance)))
        cause = explain_mismatch(trial.session, report.facts.signature, job, scores)
        raise ModelError(
            f"golden row {worst + 1} has the score {score:.7g}, expected is {expected:.7g}; {bad:,} of "
            f"{len(scores):,} rows differ by more than {job.tolerance:g}"
            + (cause.fact and f"; {cause.fact}"),
            cause.remedy,
            GOLDEN,
        )
    found = Golden(len(scores), job.tolerance, difference, worst + 1, expected, score)
    trial.report = replace(report, golden=found)


def boundary(trial: Trial) -> None:
    """Has every row a score, also at the edges of the trees' comparisons?"""
    report, checked, scorer = trial.known()
    base = _base_rows(trial)
    if not checked.ensembles or base is None:
        return
    made = boundary_rows(checked.ensembles, base)
    scores = scorer.score(made.rows)
    wrong = is_no_probability(scores)
    missing = np.isnan(scores) & ~made.is_finite()
    if not answers_everything(checked.model, checked.ensembles):
        wrong &= ~missing
    if wrong.any():
        index = int(np.argmax(wrong))
        name, feature = made.inputs[index // VARIANTS], made.features[index // VARIANTS]
        names = trial.job.columns.get(name, ())
        place = names[feature] if feature < len(names) else f"{name}[{feature}]"
        raise ModelError(
            f"has the score {scores[index]:g} where `{place}` is {made.values[index]:.9g}, at a threshold of "
            f"its trees; of {len(scores):,} such rows {np.count_nonzero(wrong):,} have none from 0 to 1",
            range_remedy(scores),
            RANGE,
        )
    found = Boundary(
        made.threshold_count, len(made.inputs), len(scores), int(np.count_nonzero(missing)), made.reason
    )
    trial.report = replace(report, boundary=found)


def background(trial: Trial) -> None:
    """Are its scores probabilities, and not always the same?"""
    report, _, scorer = trial.known()
    if trial.job.background is None:
        return
    scores = scorer.score(trial.job.background)
    refusal = refuse_scores(scores, trial.job)
    if refusal is not None:
        raise refusal
    present = scores[~np.isnan(scores)]
    found = Spread(
        len(scores),
        len(scores) - len(present),
        float(present.min()),
        float(present.max()),
        float(present.mean()),
        float(present.std()),
    )
    trial.report = replace(report, spread=found)
    trial.scores = [None if math.isnan(score) else float(score) for score in scores]


def engine(trial: Trial) -> None:
    """Which engine will score with it?"""
    report, _, _ = trial.known()
    choice = engine_of(trial.job.onnx, trial.job.output, [trial.job.column])
    trial.native = choice.native
    trial.report = replace(report, engine=choice.engine)


def latency(trial: Trial) -> None:
    """What does a score cost, and is that within the budget?"""
    report, checked, scorer = trial.known()
    budget, rows = trial.job.budget_us, _base_rows(trial)
    if rows is None:
        if budget is not None:
            remedy = "add --background with a sample of rows as they occur"
            raise ModelError("cannot be timed without rows: it takes text", remedy, ROWS)
        return
    if np.isnan(scorer.score(rows)).all() and _rows_that_occur(trial) is None:
        remedy = "give rows as they occur, --background: it may lack numbers that it needs"
        trial.warnings.append(Refusal(RANGE, "has no score for a row of zeros", remedy))
    own = own_columns(trial.job.columns, rows)
    found = measure_latency(scorer, rows, trial.native, own)
    chosen = report.engine
    # Twice: a machine that hiccups must not choose.
    if is_slower(found) and is_slower(found := measure_latency(scorer, rows, trial.native, own)):
        found, reason = of_onnxruntime(found)
        trial.native, chosen = None, Engine(ONNX_RUNTIME, reason, is_by_time=True)
    trial.report = report = replace(report, latency=found, engine=chosen)
    if budget is not None and found.single_us > budget:
        cost = explain_cost(scorer, checked, rows, found.single_us)
        where = "as a native model" if trial.native is not None else "in ONNX Runtime"
        smaller = "fewer or shallower trees" if checked.ensembles else "a smaller model"
        raise ModelError(
            f"takes {found.single_us:.1f} us a row {where}, the budget is {budget:g} us: {cost}".rstrip(": "),
            f"train {smaller}, or allow more with --budget-us",
            BUDGET,
        )


def scoring(trial: Trial) -> None:
    """What are the scores of the background rows?"""
    _, _, scorer = trial.known()
    scores = scorer.score(trial.job.background or {})
    trial.scores = [None if math.isnan(score) else float(score) for score in scores]


Stage = Callable[[Trial], None]
ESSENTIAL: Final[tuple[Stage, ...]] = (structure, opening)
# Without them, scores mean nothing.
_DECISIVE: Final[tuple[Stage, ...]] = (*ESSENTIAL, independence)
_STAGES: Final[dict[Plan, tuple[Stage, ...]]] = {
    Plan.INSPECTION: ESSENTIAL,
    Plan.REHEARSAL: (*_DECISIVE, faults, golden, boundary, background, engine, latency),
    Plan.INDEPENDENCE: _DECISIVE,
    Plan.SCORING: (*ESSENTIAL, scoring),
}


def run(trial: Trial, progress: Callable[[str, int, int], None]) -> None:
    """Runs the stages of a plan; what they refuse is kept in the trial.

    Args:
        trial: Changed in place.
        progress: Told of each stage.

    Raises:
        MemoryError: Nothing more can be done in this process.
    """
    planned = _STAGES[trial.job.plan]
    for done, stage in enumerate(planned):
        progress(stage.__name__, done, len(planned))
        try:
            stage(trial)
        except ModelError as error:
            _refuse(trial, error)
            if stage in _DECISIVE or error.code == MEMORY:
                return
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001 - an untrusted model must not decide its own verdict
            _refuse(trial, explain_crash(stage.__name__, error))
            return
    progress("done", len(planned), len(planned))


def _refuse(trial: Trial, error: ModelError) -> None:
    """Keeps a reason, unless an earlier stage has given it."""
    if isinstance(error, RunError):
        cause = error.read.operator, error.read.node
        if cause in trial.failures:
            return
        trial.failures.add(cause)
        _, checked, scorer = trial.known()
        error = name_failing_row(scorer, trial.job, checked.model.graph) or error
    refusal = Refusal(error.code, error.message, error.help)
    if refusal not in trial.refusals:
        trial.refusals.append(refusal)


def explain_crash(stage: str, error: Exception) -> ModelError:
    """The refusal of a model that makes a library fail in an unexpected way."""
    text = str(error)
    if says_out_of_memory(text):
        return out_of_memory(read_text(text).where)
    message = f"the stage `{stage}` failed: {type(error).__name__}: {read_text(text).sentence}"
    return ModelError(message, "report it with the file: a model must not be able to do that", CRASHED)


def _facts(job: Job, checked: Structure, signature: Signature) -> Facts:
    model, ensembles = checked.model, checked.ensembles
    return Facts(
        size_bytes=len(job.onnx),
        elements=checked.census.elements,
        producer=_line(f"{model.producer_name} {model.producer_version}")[:_PRODUCER_MAX],
        ir_version=int(model.ir_version),
        opsets={entry.domain or "ai.onnx": int(entry.version) for entry in model.opset_import},
        operators=checked.operators,
        metadata={_line(entry.key): _line(entry.value) for entry in model.metadata_props[:_METADATA_MAX]},
        signature=signature,
        tree_count=sum(len(ensemble.depths) for ensemble in ensembles),
        tree_node_count=sum(int(ensemble.node_counts.sum()) for ensemble in ensembles),
        tree_depth_max=max((int(ensemble.depths.max()) for ensemble in ensembles), default=0),
    )


def _line(text: str) -> str:
    """What a stranger wrote, on one line and no longer than anybody reads."""
    return " ".join(text.split())[:_TEXT_MAX]


def _rows_that_occur(trial: Trial) -> Rows | None:
    """The background sample, else the golden rows."""
    given = (trial.job.background, trial.job.golden)
    return next((rows for rows in given if rows is not None and row_count(rows)), None)


def _base_rows(trial: Trial) -> Rows | None:
    """Rows that occur, else zeros where numbers are enough."""
    rows = _rows_that_occur(trial)
    if rows is not None:
        return rows
    report, _, _ = trial.known()
    zeros: dict[str, Any] = {}
    for tensor in report.facts.signature.inputs:
        dtype = _DTYPES.get(tensor.element)
        width = tensor.width or len(trial.job.columns.get(tensor.name, ())) or None
        if dtype is None or width is None:
            return None
        zeros[tensor.name] = np.zeros((1, width), dtype)
    return zeros or None
