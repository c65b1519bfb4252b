"""ONNX models: what they take and answer, and the library that runs them."""

from nextbest.models.labels import Labels
from nextbest.models.limits import SIZE_BYTES_MAX
from nextbest.models.refusal import ModelError
from nextbest.models.runtime import locate_runtime
from nextbest.models.signature import Element, Signature, Tensor, inspect

__all__ = [
    "SIZE_BYTES_MAX",
    "Element",
    "Labels",
    "ModelError",
    "Signature",
    "Tensor",
    "inspect",
    "locate_runtime",
]
