"""Lowers an ONNX graph: runs it symbolically, node by node, and lays out the steps that its output needs."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import onnx
from google.protobuf.message import DecodeError

from nextbest.models.native import (
    activations,
    arithmetic,
    casts,
    categories,
    dense,
    moves,
    picks,
    reductions,
    scaling,
    tree_operators,
)
from nextbest.models.native.call import Call, Operator, read_tensor
from nextbest.models.native.layout import lay_out
from nextbest.models.native.program import Program
from nextbest.models.native.refusal import NotLowered
from nextbest.models.native.tensor import Element, Line, Missing, Tensor, Value, check_size
from nextbest.v1.native_pb2 import NativeModel

OPERATORS: Final[Mapping[str, Operator]] = {
    **moves.OPERATORS,
    **casts.OPERATORS,
    **arithmetic.OPERATORS,
    **activations.OPERATORS,
    **reductions.OPERATORS,
    **dense.OPERATORS,
    **tree_operators.OPERATORS,
    **scaling.OPERATORS,
    **categories.OPERATORS,
    **picks.OPERATORS,
}
# The number of operators of a propensity model that is still reasonable, and that is lowered in a reasonable
# time.
NODES_MAX: Final = 20_000

_INPUTS: Final[dict[int, tuple[Element, Line]]] = {
    onnx.TensorProto.FLOAT: (Element.FLOAT, Line.CELLS),
    onnx.TensorProto.DOUBLE: (Element.DOUBLE, Line.CELLS),
    onnx.TensorProto.BOOL: (Element.BOOL, Line.CELLS),
    onnx.TensorProto.INT64: (Element.INT, Line.INTS),
    onnx.TensorProto.STRING: (Element.TEXT, Line.TEXTS),
}
_ML: Final = "ai.onnx.ml"


def lower(model: bytes, output: str, columns: Sequence[int]) -> NativeModel:
    """Returns what the engine runs instead of the graph.

    Args:
        model: An ONNX file.
        output: Name of an output of the graph; of a `ZipMap`, the table of numbers it is made from is meant.
        columns: The columns of the output that are used, counted from 0.

    Raises:
        NotLowered: The graph has a part without a native form; the reason names it.
    """
    try:
        return _lower(onnx.load_model_from_string(model), output, columns)
    except DecodeError:
        raise NotLowered("it is not an ONNX model") from None
    except (
        ArithmeticError,
        AttributeError,
        LookupError,
        MemoryError,
        RuntimeError,
        TypeError,
        ValueError,
    ) as error:
        # A graph that is not well-formed can break any assumption. It is refused by ONNX Runtime, not by us.
        raise NotLowered(f"its graph is not well-formed: {type(error).__name__}") from error


def _lower(model: onnx.ModelProto, output: str, columns: Sequence[int]) -> NativeModel:
    graph = model.graph
    if model.functions or graph.sparse_initializer:
        raise NotLowered("it has functions or sparse weights")
    opsets = {entry.domain or "ai.onnx": entry.version for entry in model.opset_import}
    nodes = _needed(graph, output)
    wanted = {name for node in nodes for name in node.input} | {output}
    values: dict[str, Value] = {"": None}
    program = Program()
    _bind_inputs(graph, program, values, wanted)
    values.update((tensor.name, read_tensor(tensor)) for tensor in graph.initializer if tensor.name in wanted)
    for node in nodes:
        _run(program, node, opsets, values)
    return lay_out(program, _outputs(values[output], output, columns))


def _needed(graph: onnx.GraphProto, output: str) -> list[onnx.NodeProto]:
    """Returns the nodes that the output depends on, in their order."""
    if len(graph.node) > NODES_MAX:
        raise NotLowered(f"it has more than {NODES_MAX} operators")
    if output not in {value.name for value in graph.output}:
        raise NotLowered(f"it has no output `{output}`")
    wanted = {output}
    nodes = []
    for node in reversed(graph.node):
        if wanted.intersection(node.output):
            nodes.append(node)
            wanted.update(name for name in node.input if name)
    return nodes[::-1]


def _bind_inputs(
    graph: onnx.GraphProto, program: Program, values: dict[str, Value], wanted: set[str]
) -> None:
    """Gives every input its references; unused inputs keep their places."""
    known = {tensor.name for tensor in graph.initializer}
    counts = dict.fromkeys(Line, 0)
    for value in graph.input:
        if value.name in known:
            continue
        kind = value.type.tensor_type
        if kind.elem_type not in _INPUTS:
            raise NotLowered(f"its input `{value.name}` is of a type that native models do not take")
        sizes = [size.dim_value if size.HasField("dim_value") else None for size in kind.shape.dim]
        width = 1 if len(sizes) == 1 else sizes[1] if len(sizes) == 2 else None
        if width is None or width < 0:
            raise NotLowered(f"its input `{value.name}` does not say how many columns it has")
        check_size([width])
        element, line = _INPUTS[kind.elem_type]
        references = np.arange(counts[line], counts[line] + width, dtype=np.int64)
        counts[line] += width
        if value.name in wanted:
            shape = (1, width)[: len(sizes)]
            values[value.name] = Tensor(references.reshape(shape), 0, element, line)
    program.admit(counts[Line.CELLS], counts[Line.INTS], counts[Line.TEXTS])


def _run(program: Program, node: onnx.NodeProto, opsets: Mapping[str, int], values: dict[str, Value]) -> None:
    domain = node.domain or "ai.onnx"
    operator = OPERATORS.get(node.op_type) if domain in ("ai.onnx", _ML) else None
    if operator is None:
        raise NotLowered(f"its operator `{node.op_type}` has no native kernel")
    for name in node.input:
        if name not in values:
            raise NotLowered(f"its operator `{node.op_type}` reads `{name}`, which nothing computes")
    inputs = [values[name] for name in node.input]
    for value in inputs:
        if isinstance(value, Missing):
            raise NotLowered(value.reason)
    results = operator(Call(program, node, opsets[domain], inputs))
    values.update((name, value) for name, value in zip(node.output, results, strict=False) if name)


def _outputs(value: Value, output: str, columns: Sequence[int]) -> dict[int, int]:
    """Returns the reference of each column that is needed."""
    if isinstance(value, Missing):
        raise NotLowered(value.reason)
    if not isinstance(value, Tensor) or value.line is not Line.CELLS:
        raise NotLowered(f"its output `{output}` is not computed from its inputs")
    if value.element is not Element.FLOAT:
        raise NotLowered(f"its output `{output}` is not made of floats")
    if value.rows != 0:
        raise NotLowered(f"its output `{output}` does not begin with its rows")
    references = value.flat().tolist()
    if not columns or any(not 0 <= column < len(references) for column in columns):
        raise NotLowered(f"its output `{output}` does not have the columns that are needed")
    return {column: references[column] for column in sorted(set(columns))}
