"""Native models: ONNX graphs lowered to steps on cells, which the engine runs without ONNX Runtime."""

from nextbest.models.native.graph import lower
from nextbest.models.native.lines import flags, lines
from nextbest.models.native.proof import prove
from nextbest.models.native.refusal import NotLowered

__all__ = ["NotLowered", "flags", "lines", "lower", "prove"]
