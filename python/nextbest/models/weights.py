"""A parsed graph -> a graph whose weights are numbers.

A training that has diverged, or a conversion that went wrong, leaves NaN or an infinity among the weights.
The model opens and runs, and answers NaN, to which every decision takes the prior. Where such a number has a
meaning it stays: what is compared or clipped with infinity, what marks a missing value.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from nextbest.models.refusal import WEIGHTS, ModelError
from nextbest.models.stored import stored_numbers

# Compared with, clipped to, chosen: an infinite constant is well-defined.
_TAKES_INFINITY: Final = frozenset(
    {"Where", "Clip", "Max", "Min", "Less", "LessOrEqual", "Greater", "GreaterOrEqual", "Equal", "Pad"}
)
# Zeros and minus infinities that are added are a mask, as before a softmax.
_MASKED: Final = frozenset({"Add", "Sum"})
# A mark of a missing value.
_TAKES_NAN: Final = frozenset({"Where", "Equal", "Pad"})
# What hands a constant on as it is.
_PASSING: Final = frozenset(
    {"Identity", "Cast", "CastLike", "Reshape", "Unsqueeze", "Squeeze", "Expand", "Flatten", "Concat", "Tile"}
)
# Their attributes have NaN or infinity by design: keys and values of categories, what is imputed.
_FREE: Final = frozenset({"LabelEncoder", "CategoryMapper", "Imputer", "ConstantOfShape", "Constant", "Cast"})
_STEPS_MAX: Final = 64


def check_weights(model: Any) -> None:
    """Checks the numbers of a graph, but for those of tree ensembles, which `trees` looks at.

    Args:
        model: An `onnx.ModelProto`, measured by `wire.scan` before it was parsed.

    Raises:
        ModelError: NB679: a weight is NaN or infinite.
    """
    graph = model.graph
    readers = _readers(graph)
    for tensor in graph.initializer:
        _check(tensor.name, _numbers(tensor), readers, tensor.name)
    for node in graph.node:
        if node.op_type == "Constant" and node.output:
            for attribute in node.attribute:
                _check(_shown(node), _values(attribute), readers, node.output[0])
        elif node.op_type not in _FREE and not node.op_type.startswith("TreeEnsemble"):
            for attribute in node.attribute:
                _check_attribute(node, attribute)


def _check(name: str, numbers: NDArray[Any] | None, readers: Mapping[str, list[Any]], tensor: str) -> None:
    if numbers is None or np.isfinite(numbers).all():
        return
    kinds = {node.op_type for node in _following(tensor, readers)}
    wrong = ~np.isfinite(numbers)
    is_mask = bool((numbers == 0).any() and (np.isneginf(numbers) | (numbers == 0)).all())
    if kinds and kinds <= (_TAKES_INFINITY | _MASKED if is_mask else _TAKES_INFINITY):
        wrong = np.isnan(numbers) if not kinds <= _TAKES_NAN else np.zeros_like(wrong)
    if wrong.any():
        _refuse(name, numbers, wrong)


def _check_attribute(node: Any, attribute: Any) -> None:
    numbers = _values(attribute)
    if numbers is None:
        return
    # Clip of the first opsets has its limits as attributes.
    wrong = np.isnan(numbers) if node.op_type == "Clip" else ~np.isfinite(numbers)
    if wrong.any():
        _refuse(f"{attribute.name} of {_shown(node)}", numbers, wrong)


def _refuse(name: str, numbers: NDArray[Any], wrong: NDArray[np.bool_]) -> None:
    index = int(np.argmax(wrong))
    count = int(np.count_nonzero(wrong))
    value = "NaN" if np.isnan(numbers[index]) else "infinite"
    others = f"; {count:,} of its {len(numbers):,} numbers are NaN or infinite" if count > 1 else ""
    raise ModelError(
        f"the weight `{name}` is {value} at position {index}{others}",
        "training has diverged or the conversion failed: look at the weights where it was trained, and train "
        "it again with a lower learning rate or scaled inputs",
        WEIGHTS,
    )


def _readers(graph: Any) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for node in graph.node:
        for name in node.input:
            if name:
                found.setdefault(name, []).append(node)
    return found


def _following(name: str, readers: Mapping[str, list[Any]]) -> Iterator[Any]:
    """The operators that a constant comes to, behind those that hand it on."""
    waiting, seen = [name], {name}
    while waiting and len(seen) <= _STEPS_MAX:
        for node in readers.get(waiting.pop(), ()):
            if node.op_type not in _PASSING:
                yield node
                continue
            following = set(node.output) - seen
            seen |= following
            waiting += sorted(following)


def _values(attribute: Any) -> NDArray[Any] | None:
    """The floating-point numbers of an attribute; None where it has none."""
    if attribute.HasField("t"):
        return _numbers(attribute.t)
    if attribute.floats:
        return np.array(attribute.floats, dtype=np.float64)
    return np.array([attribute.f]) if attribute.type == attribute.FLOAT else None


def _numbers(tensor: Any) -> NDArray[Any] | None:
    """The numbers of a tensor of floats, flat; None of any other."""
    numbers = stored_numbers(tensor)
    return numbers if numbers is not None and numbers.dtype.kind == "f" else None


def _shown(node: Any) -> str:
    return str(node.name or node.op_type)
