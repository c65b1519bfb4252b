"""Turns the bytes of an ONNX model into its signature: which tensors it takes, and which it answers with.

Its structure is checked first. Then the model is opened by ONNX Runtime, from memory alone, so that external
data is refused, and with graph optimisation off, so that nothing of it is evaluated. It is not run.
"""

import json
import re
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

from nextbest.models.labels import Labels, labels_of
from nextbest.models.refusal import (
    DAMAGED,
    EXTERNAL_DATA,
    NEWER,
    OPERATOR,
    RUNTIME,
    ModelError,
    out_of_memory,
    says_out_of_memory,
)
from nextbest.models.runtime_text import read_text
from nextbest.models.structure import check_structure

FEATURE_NAMES: Final = "feature_names"
"""The key of `metadata_props` with the names of the columns of the only wide input, as a list in JSON.

Exporters do not write them; the owner of the model can."""
_NAMES_CHARACTERS_MAX: Final = 1_000_000
# The refusal has the contents of its log.
_SEVERITY_FATAL: Final = 4
_IR_VERSION: Final = re.compile(r"Unsupported model IR version: (\d+), max supported IR version: (\d+)")
_OPSET: Final = re.compile(
    r"Opset (\d+) is under development.*support for domain (\S+) is till opset (\d+)", re.DOTALL
)
_WITHOUT_KERNEL: Final = re.compile(r"Could not find an implementation for (\w+)\((\d+)\)")


class Element(StrEnum):
    """What a tensor is made of."""

    FLOAT32 = "float32"
    FLOAT64 = "float64"
    INT64 = "int64"
    STRING = "string"
    BOOLEAN = "boolean"
    OTHER = "other"
    """A type that inputs and outputs cannot be bound to; `Tensor.type_text` names it."""


_ELEMENTS: Final = {
    "tensor(float)": Element.FLOAT32,
    "tensor(double)": Element.FLOAT64,
    "tensor(int64)": Element.INT64,
    "tensor(string)": Element.STRING,
    "tensor(bool)": Element.BOOLEAN,
}


@dataclass(frozen=True, slots=True)
class Tensor:
    """An input or output of a model.

    Attributes:
        name: As in the graph.
        element: What it is made of.
        shape: One entry a dimension; None where the model leaves it open (the number of rows, usually).
            Empty for a scalar and for what is not a tensor.
        type_text: The type in ONNX Runtime's words: `tensor(float)`, `seq(map(int64,tensor(float)))`.
        columns: Of an input the names of its columns, where the file has them under `FEATURE_NAMES`.
        labels: Of an output of scores, the class of each column, where the graph has them.
    """

    name: str
    element: Element
    shape: tuple[int | None, ...]
    type_text: str
    columns: tuple[str, ...] = ()
    labels: Labels | None = None

    @property
    def is_scores(self) -> bool:
        """Whether it can hold scores: numbers with a fraction, one or several a row."""
        return self.element in {Element.FLOAT32, Element.FLOAT64} and len(self.shape) in {1, 2}

    @property
    def is_vector(self) -> bool:
        """Whether it has one number a row and no axis of columns: the shape [rows]."""
        return len(self.shape) == 1

    @property
    def width(self) -> int | None:
        """The columns of a row; None where the model leaves them open and has no classes, and of no table."""
        if len(self.shape) != 2:
            return 1 if self.is_vector else None
        return self.shape[1] or (len(self.labels.names) if self.labels is not None else None)

    @property
    def described(self) -> str:
        """Its type and shape, for people: `tensor(float) [any, 2]`."""
        sizes = ["any" if size is None else str(size) for size in self.shape]
        return f"{self.type_text} [{', '.join(sizes)}]" if sizes else self.type_text


@dataclass(frozen=True, slots=True)
class Signature:
    """What a model takes and answers with, in the graph's order."""

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]


def inspect(onnx: bytes, *, any_operator: bool = False) -> Signature:
    """Reads the signature of an ONNX model.

    Args:
        onnx: Its bytes.
        any_operator: Take every standard operator that has a bound at all.

    Raises:
        ModelError: The bytes are not a model (NB651), too large (NB652), or contain something that is not
            allowed (NB653 to NB657); or ONNX Runtime refuses them (NB658, NB659).
    """
    checked = check_structure(onnx, any_operator=any_operator)
    return add_labels(signature_of(open_session(onnx)), checked.model.graph)


def add_labels(signature: Signature, graph: Any) -> Signature:
    """Adds the labels of classes to the outputs of scores."""
    outputs = tuple(
        replace(tensor, labels=labels_of(graph, tensor.name, tensor.width)) if tensor.is_scores else tensor
        for tensor in signature.outputs
    )
    return replace(signature, outputs=outputs)


def signature_of(session: Any) -> Signature:
    """The signature of a model that ONNX Runtime has opened."""
    inputs = tuple(_tensor(argument) for argument in session.get_inputs())
    names = _names(session.get_modelmeta().custom_metadata_map.get(FEATURE_NAMES, ""))
    return Signature(_named(inputs, names), tuple(_tensor(argument) for argument in session.get_outputs()))


def _names(text: str) -> tuple[str, ...]:
    """What a stranger wrote as names of columns; none where it is not a list of different texts."""
    if len(text) > _NAMES_CHARACTERS_MAX:
        return ()
    try:
        names = json.loads(text)
    except (ValueError, RecursionError):
        return ()
    is_list = isinstance(names, list) and all(isinstance(name, str) and name for name in names)
    return tuple(names) if is_list and len(set(names)) == len(names) else ()


def _named(inputs: tuple[Tensor, ...], names: tuple[str, ...]) -> tuple[Tensor, ...]:
    """The inputs, the only wide one of them with its columns named."""
    wide = [tensor for tensor in inputs if len(tensor.shape) == 2 and tensor.shape[1] != 1]
    if not names or len(wide) != 1 or wide[0].shape[1] not in {None, len(names)}:
        return inputs
    return tuple(replace(tensor, columns=names) if tensor is wide[0] else tensor for tensor in inputs)


def open_session(onnx: bytes, *, optimised: bool = False) -> Any:
    """Opens a model whose structure has been checked, for one thread.

    Args:
        onnx: Its bytes.
        optimised: As a server runs it: parts that depend on no input are evaluated now.

    Raises:
        ModelError: NB658, NB659, or, where memory is limited, NB660.
    """
    # Loads slowly, and only a workspace with models needs it.
    import onnxruntime  # noqa: PLC0415

    options = onnxruntime.SessionOptions()
    options.log_severity_level = _SEVERITY_FATAL
    levels = onnxruntime.GraphOptimizationLevel
    options.graph_optimization_level = levels.ORT_ENABLE_ALL if optimised else levels.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    # It grows with the largest batch and never shrinks; without it a model costs no more time.
    options.enable_cpu_mem_arena = False
    try:
        return onnxruntime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])
    except MemoryError:
        raise out_of_memory() from None
    except Exception as error:  # noqa: BLE001 - its exceptions share no base class but this
        raise explain(str(error)) from None


def explain(text: str) -> ModelError:
    """Rewords ONNX Runtime's message about a model that it does not open."""
    if says_out_of_memory(text):
        return out_of_memory()
    if "protobuf parsing failed" in text.casefold() or "ModelProto does not have a graph" in text:
        remedy = "give the file that skl2onnx, onnxmltools or torch.onnx wrote"
        return ModelError("not an ONNX model", remedy, DAMAGED)
    newer = _newer(text)
    return newer if newer is not None else _refused(text)


def _refused(text: str) -> ModelError:
    read = read_text(text)
    if "is not a registered function/op" in text or "No Op registered" in text:
        message = f"uses an operator that ONNX Runtime does not have: {read.sentence}"
        return ModelError(message, "export without custom operators", OPERATOR)
    if "external data" in text.casefold():
        message = f"keeps its weights in another file: {read.sentence}"
        return ModelError(message, "export it as a single file", EXTERNAL_DATA)
    missing = _WITHOUT_KERNEL.search(text)
    if missing is not None:
        message = f"ONNX Runtime cannot run `{missing[1]}` as this model has it, of opset {missing[2]}"
        return ModelError(message, "export it with a lower target opset, and with inputs of float32", RUNTIME)
    where = f" at {read.where}" if read.where else ""
    remedy = "check the file with onnx.checker.check_model(model, full_check=True), and export it again"
    return ModelError(f"ONNX Runtime does not open it{where}: {read.sentence}", remedy, RUNTIME)


def _newer(text: str) -> ModelError | None:
    """The refusal of a model that is newer than ONNX Runtime."""
    version = _IR_VERSION.search(text)
    if version is not None:
        message = f"written for a newer ONNX: IR version {version[1]}, at most {version[2]} is supported"
        remedy = (
            f"save it with `model.ir_version = {version[2]}`; if an opset is refused then, "
            "export it with a lower `target_opset`"
        )
        return ModelError(message, remedy, NEWER)
    opset = _OPSET.search(text)
    if opset is None:
        return None
    found, domain, most = opset.groups()
    message = f"written for a newer ONNX: opset {found} of {domain}, at most {most} is supported"
    wanted = most if domain == "ai.onnx" else f'{{"{domain}": {most}}}'
    remedy = f"export it with `target_opset={wanted}` (in PyTorch `opset_version={most}`)"
    if domain != "ai.onnx":
        remedy = f"export it with `target_opset={wanted}`"
    return ModelError(message, remedy, NEWER)


def _tensor(argument: Any) -> Tensor:
    shape = tuple(size if isinstance(size, int) and size >= 0 else None for size in argument.shape or ())
    return Tensor(argument.name, _ELEMENTS.get(argument.type, Element.OTHER), shape, argument.type)
