"""A model's bytes -> the engine that scores with it, and the reason.

The only place that chooses an engine: a graph that can be lowered, with a native form whose scores equal
those of ONNX Runtime, runs natively, unless its push measured that ONNX Runtime is faster.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from nextbest.models.report import Engine
from nextbest.v1.native_pb2 import NativeModel

NATIVE: Final = "native"
ONNX_RUNTIME: Final = "onnxruntime"
_KEPT: Final = 64


@dataclass(frozen=True, slots=True)
class Choice:
    """An engine, and what it runs.

    Attributes:
        engine: Its name, and the reason.
        native: The model, lowered; None where ONNX Runtime runs the graph.
    """

    engine: Engine
    native: NativeModel | None


def engine_of(onnx: bytes, output: str, columns: Sequence[int], recorded: Engine | None = None) -> Choice:
    """Chooses the engine of a model whose structure has been checked.

    Args:
        onnx: Its bytes.
        output: Holds the propensities.
        columns: The columns of the output that are used.
        recorded: What its push has chosen; it holds where it was chosen by time.
    """
    if recorded is not None and recorded.is_by_time:
        return Choice(recorded, None)
    return _choose(onnx, output, tuple(sorted(set(columns))))


@lru_cache(_KEPT)
def _choose(onnx: bytes, output: str, columns: tuple[int, ...]) -> Choice:
    # Loads slowly, and only a workspace with models needs it.
    from nextbest.models.native import NotLowered, prove  # noqa: PLC0415

    try:
        model = prove(onnx, output, columns)
    except NotLowered as refusal:
        return Choice(describe(None, refusal.reason), None)
    return Choice(describe(model, ""), model)


def describe(native: NativeModel | None, refusal: str) -> Engine:
    """Says which engine scores, and why, as in a report.

    Args:
        native: The model, lowered; None where ONNX Runtime runs the graph.
        refusal: Why it could not be lowered.
    """
    if native is None:
        return Engine(ONNX_RUNTIME, refusal)
    trees = sum(len(ensemble.tree_nodes) for ensemble in native.ensembles)
    made = [_counted(len(native.steps), "step")] + ([_counted(trees, "tree")] if trees else [])
    return Engine(NATIVE, f"compiled to {', '.join(made)}; agrees with ONNX Runtime")


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'s' * (count != 1)}"
