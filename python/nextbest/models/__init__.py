"""ONNX models: what they take and answer, and the library that runs them."""

from nextbest.models.runtime import locate_runtime
from nextbest.models.signature import SIZE_BYTES_MAX, Element, ModelError, Signature, Tensor, inspect

__all__ = ["SIZE_BYTES_MAX", "Element", "ModelError", "Signature", "Tensor", "inspect", "locate_runtime"]
