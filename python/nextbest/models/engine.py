"""A checked structure -> the engine that will score with it, and the reason.

The one place that decides between engines.
"""

from nextbest.models.report import Engine
from nextbest.models.structure import Structure

ONNX_RUNTIME = "onnxruntime"


def engine_of(structure: Structure) -> Engine:
    """Chooses the engine of a model."""
    del structure
    return Engine(ONNX_RUNTIME, "no native kernels in this version")
