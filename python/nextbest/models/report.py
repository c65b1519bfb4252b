"""What is known of a model once it has been validated: the part of a version that a machine found out."""

from dataclasses import dataclass, field
from typing import Final

from nextbest.models.signature import Signature

DEPENDENCE_MAX: Final = 1e-5
"""Between two scores of a row. Matrix products of one row and of many differ by some 2e-7 in ONNX Runtime."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a model is made of.

    Attributes:
        size_bytes: Of the file.
        elements: Numbers and texts in its weights and attributes.
        producer: What wrote it, with its version.
        ir_version: Of the file format.
        opsets: Version of each domain of operators; the standard one is `ai.onnx`.
        operators: How often each occurs.
        metadata: `metadata_props`: what its owner, or the exporter, wrote into it.
        signature: What it takes and answers with.
        tree_count: Of all ensembles; the next two fields also count all of them.
        tree_node_count: Leaves included.
        tree_depth_max: The most comparisons on a way to a leaf.
    """

    size_bytes: int
    elements: int
    producer: str
    ir_version: int
    opsets: dict[str, int]
    operators: dict[str, int]
    metadata: dict[str, str]
    signature: Signature
    tree_count: int = 0
    tree_node_count: int = 0
    tree_depth_max: int = 0


@dataclass(frozen=True, slots=True)
class Engine:
    """Which engine scores with the model, and why not another.

    Attributes:
        name: `native` or `onnxruntime`.
        reason: In a sentence.
        is_by_time: ONNX Runtime was faster than the native form when the version was pushed. Compilations
            take this engine, and measure nothing.
    """

    name: str
    reason: str
    is_by_time: bool = False


@dataclass(frozen=True, slots=True)
class Independence:
    """Whether the score of a row is its own, however many rows are scored with it.

    Attributes:
        rows: How many were scored, one by one, all at once, in another order, and in parts.
        difference: The largest between two scores of a row; None where one way has no scores.
        nodes: Operators that join rows, where there is a difference.
        failure: Why one way has no scores; empty when all have.
        is_failing_alone: That is a row by itself, not several at once.
    """

    rows: int
    difference: float | None
    nodes: list[str]
    failure: str = ""
    is_failing_alone: bool = False

    @property
    def is_independent(self) -> bool:
        """Whether a row may be scored with any others."""
        return self.difference is not None and self.difference <= DEPENDENCE_MAX


@dataclass(frozen=True, slots=True)
class Golden:
    """How far scores are from those of the training framework.

    Attributes:
        rows: How many were compared.
        tolerance: Largest difference allowed, absolute.
        difference: The largest that was found.
        row: Where that was, from 1.
        expected: The score of the framework.
        score: The score of the model.
    """

    rows: int
    tolerance: float
    difference: float
    row: int
    expected: float
    score: float


@dataclass(frozen=True, slots=True)
class Boundary:
    """Rows at the thresholds of trees.

    Attributes:
        thresholds: How many different ones the model has.
        tested: Of how many the threshold, its neighbours, NaN and both infinities were scored.
        rows: How many rows that made.
        unanswered: The number of rows with NaN or an infinity that have no score; the prior is used for them.
        reason: Why some were not tested; empty when all were.
    """

    thresholds: int
    tested: int
    rows: int
    unanswered: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Spread:
    """Scores of the background sample; `unanswered` rows have none."""

    rows: int
    unanswered: int
    low: float
    high: float
    mean: float
    deviation: float


@dataclass(frozen=True, slots=True)
class Latency:
    """What scoring costs, on one thread of the machine that validated, as a server calls the engine.

    Attributes:
        single_us: Median of scoring one row.
        single_us_p99: Of the same runs.
        batch_row_us: Median for each of a hundred actions, in decisions about one customer.
        runs: Single rows that were timed.
        onnxruntime_single_us: What a row takes in ONNX Runtime, where the model is native.
        onnxruntime_batch_row_us: The same for each row of a hundred.
    """

    single_us: float
    single_us_p99: float
    batch_row_us: float
    runs: int
    onnxruntime_single_us: float | None = None
    onnxruntime_batch_row_us: float | None = None


@dataclass(frozen=True, slots=True)
class Confinement:
    """How the child process was kept in.

    Attributes:
        files: It could open no file and no socket.
        network: It had no network but its own, empty one.
        privileges: It could gain none.
    """

    files: bool
    network: bool
    privileges: bool


@dataclass(frozen=True, slots=True)
class Report:
    """What a validation found. A part is None where there were no rows for it.

    Attributes:
        peak_bytes: Most memory that the child process had.
        cpu_s: Processor time that it took.
    """

    facts: Facts
    confinement: Confinement
    independence: Independence | None = None
    engine: Engine | None = None
    golden: Golden | None = None
    boundary: Boundary | None = None
    spread: Spread | None = None
    latency: Latency | None = None
    peak_bytes: int = 0
    cpu_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Refusal:
    """One reason why a model is refused; or, as a warning, a fault of an accepted model.

    Attributes:
        code: Of the register of diagnostics.
        message: Lower-case fragment without full stop.
        help: What to do about it.
    """

    code: str
    message: str
    help: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a validation ended: it refused nothing, or for these reasons.

    Attributes:
        report: As far as it came; None when nothing is known of the model.
        refusals: Every reason that was found.
        scores: Of the background sample, NaN (null in JSON) where a row has none.
        warnings: What is taken all the same, and what its owner should know of it.
    """

    report: Report | None
    refusals: list[Refusal]
    scores: list[float | None] = field(default_factory=list)
    warnings: list[Refusal] = field(default_factory=list)
