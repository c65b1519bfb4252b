"""Turns the bytes of an ONNX model into its signature: which tensors it takes, and which it answers with.

The model is opened by ONNX Runtime, from memory alone, so that external data is refused, and with graph
optimisation off, so that nothing of it is evaluated. It is not run.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

SIZE_BYTES_MAX: Final = 64 * 1024 * 1024
"""Of one model file. Five hundred trees of 64 leaves take some 4 MB."""

_SEVERITY_ERROR: Final = 3


class Element(StrEnum):
    """What a tensor is made of."""

    FLOAT32 = "float32"
    FLOAT64 = "float64"
    INT64 = "int64"
    STRING = "string"
    BOOLEAN = "boolean"
    OTHER = "other"
    """Nothing that a model input or output can be bound to; `Tensor.type_text` says what."""


_ELEMENTS: Final = {
    "tensor(float)": Element.FLOAT32,
    "tensor(double)": Element.FLOAT64,
    "tensor(int64)": Element.INT64,
    "tensor(string)": Element.STRING,
    "tensor(bool)": Element.BOOLEAN,
}


class ModelError(Exception):
    """A file that is not a model this server can run.

    Attributes:
        message: Lower-case fragment without full stop, on one line.
        help: What to do about it.
    """

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(f"{message}: {remedy}")
        self.message = message
        self.help = remedy


@dataclass(frozen=True, slots=True)
class Tensor:
    """An input or output of a model.

    Attributes:
        name: As in the graph.
        element: What it is made of.
        shape: One entry a dimension; None where the model leaves it open (the number of rows, usually).
            Empty for a scalar and for what is not a tensor.
        type_text: The type in ONNX Runtime's words: `tensor(float)`, `seq(map(int64,tensor(float)))`.
    """

    name: str
    element: Element
    shape: tuple[int | None, ...]
    type_text: str


@dataclass(frozen=True, slots=True)
class Signature:
    """What a model takes and answers with, in the graph's order."""

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]


def inspect(onnx: bytes) -> Signature:
    """Reads the signature of an ONNX model.

    Raises:
        ModelError: The bytes are no model, too large, or use an operator that ONNX Runtime does not have.
    """
    if not onnx:
        raise ModelError("the file is empty", "export the model again")
    if len(onnx) > SIZE_BYTES_MAX:
        raise ModelError(
            f"the file has {len(onnx):,} bytes, at most {SIZE_BYTES_MAX:,} are allowed",
            "train a smaller model: fewer or shallower trees seldom cost accuracy",
        )
    session = _open(onnx)
    return Signature(
        tuple(_tensor(argument) for argument in session.get_inputs()),
        tuple(_tensor(argument) for argument in session.get_outputs()),
    )


def _open(onnx: bytes) -> Any:
    # Loads slowly, and only a workspace with models needs it.
    import onnxruntime  # noqa: PLC0415

    options = onnxruntime.SessionOptions()
    options.log_severity_level = _SEVERITY_ERROR
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    try:
        return onnxruntime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # noqa: BLE001 - its exceptions share no base class but this
        raise ModelError(*_explain(str(error))) from None


def _explain(text: str) -> tuple[str, str]:
    """Rewords ONNX Runtime's message: its first line, and what the person who exported the model can do."""
    line = " ".join(text.split())[:300]
    if "protobuf parsing failed" in text.casefold() or "ModelProto does not have a graph" in text:
        return "not an ONNX model", "give the file that skl2onnx, onnxmltools or torch.onnx wrote"
    if "Opset" in text or "opset" in text or "IR version" in text:
        return (
            f"written for a newer ONNX than this server runs: {line}",
            "export it with a lower target opset",
        )
    if "is not a registered function/op" in text or "No Op registered" in text:
        return f"uses an operator that ONNX Runtime does not have: {line}", "export without custom operators"
    if "external" in text.casefold():
        return f"keeps its weights in another file: {line}", "export it as a single file"
    return f"ONNX Runtime refuses it: {line}", "export the model again and check it with onnx.checker"


def _tensor(argument: Any) -> Tensor:
    shape = tuple(size if isinstance(size, int) and size >= 0 else None for size in argument.shape or ())
    return Tensor(argument.name, _ELEMENTS.get(argument.type, Element.OTHER), shape, argument.type)
