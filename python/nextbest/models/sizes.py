"""A graph -> a refusal where one of its tensors would be too large for the rows that are scored at once.

Shapes are inferred for one row and for three, without weights, and nothing is run: a tensor that grows by
more than a bound with each row is too large. Sizes that cannot be inferred are found when the model is run,
by the limit of memory. Only a separate process uses this: inference reads bytes from an untrusted source.
"""

import math
from typing import Any, Final

from nextbest.models.limits import ROW_ELEMENTS_MAX
from nextbest.models.refusal import MEMORY, ModelError

_NODE_BYTES_MAX: Final = 100_000
_TENSOR_BYTES_MAX: Final = 10_000
"""Larger ones are weights; those that are shapes have a few numbers."""
_FEW: Final = 1
_MORE: Final = 3


def check_sizes(model: Any) -> None:
    """Checks how much a graph makes of a row.

    Args:
        model: An `onnx.ModelProto` whose structure has been checked.

    Raises:
        ModelError: NB660: an operator makes more than `ROW_ELEMENTS_MAX` numbers a row.
    """
    plain = _without_weights(model)
    few, more = _sizes(plain, _FEW), _sizes(plain, _MORE)
    for node in model.graph.node:
        for name in node.output:
            a_row = (more.get(name, 0) - few.get(name, 0)) // (_MORE - _FEW)
            if a_row > ROW_ELEMENTS_MAX:
                named = f" (`{node.name}`)" if node.name else ""
                raise ModelError(
                    f"takes more memory than a model may: `{node.op_type}`{named} makes `{name}`, {a_row:,} "
                    f"numbers a row, at most {ROW_ELEMENTS_MAX:,} are allowed",
                    "export it without that operator, or with a smaller result",
                    MEMORY,
                )


def _without_weights(model: Any) -> Any:
    """The graph with all that shapes are inferred from: weights become inputs of their shapes."""
    plain = type(model)(ir_version=model.ir_version, opset_import=model.opset_import)
    graph = plain.graph
    graph.name = "sizes"
    graph.input.extend(model.graph.input)
    for tensor in model.graph.initializer:
        if tensor.ByteSize() <= _TENSOR_BYTES_MAX:
            graph.initializer.append(tensor)
            continue
        kind = graph.input.add(name=tensor.name).type.tensor_type
        kind.elem_type = tensor.data_type
        kind.shape.SetInParent()
        for size in tensor.dims:
            kind.shape.dim.add(dim_value=size)
    for node in model.graph.node:
        if node.ByteSize() <= _NODE_BYTES_MAX:
            graph.node.append(node)
    for output in model.graph.output:
        # What it declares is not what is inferred.
        graph.output.add(name=output.name)
    return plain


def _sizes(model: Any, rows: int) -> dict[str, int]:
    """The elements of each tensor whose shape can be inferred, for this number of rows."""
    # Loads slowly, and only a trial needs it.
    from onnx import shape_inference  # noqa: PLC0415

    tried = type(model).FromString(model.SerializeToString())
    for given in tried.graph.input:
        for dimension in given.type.tensor_type.shape.dim:
            if not dimension.dim_value:
                dimension.dim_value = rows
    try:
        inferred = shape_inference.infer_shapes(tried)
    except Exception:  # noqa: BLE001 - its exceptions share no base class but this
        # ONNX Runtime's error has more details.
        return {}
    return {
        value.name: math.prod(dimension.dim_value for dimension in value.type.tensor_type.shape.dim)
        for value in (*inferred.graph.value_info, *inferred.graph.output)
        if value.type.tensor_type.HasField("shape")
    }
