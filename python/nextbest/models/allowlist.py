"""A parsed graph -> its operators, each one known to be bounded by the sizes of its inputs.

Allowed are the operators that exporters of scikit-learn, LightGBM, XGBoost, CatBoost and of small dense nets
write. An operator is left out if it loops, holds a graph, draws random numbers, keeps state, or has a cost
that is hard to bound. Operators whose result is as large as a value requests are allowed if that value is a
constant of the graph, or is computed from the sizes of other tensors.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from nextbest.models.foreign_operators import (
    NEVER,
    STANDARD_DOMAINS,
    behaves_as_in_training,
    domain_of,
    explain_operators,
)
from nextbest.models.limits import SHAPE_ELEMENTS_MAX
from nextbest.models.refusal import OPERATOR, UNBOUNDED, ModelError

ALLOWED: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "ai.onnx.ml": frozenset(
            {
                "ArrayFeatureExtractor", "Binarizer", "CategoryMapper", "FeatureVectorizer", "Imputer",
                "LabelEncoder", "LinearClassifier", "LinearRegressor", "Normalizer", "OneHotEncoder",
                "SVMClassifier", "Scaler", "TreeEnsemble", "TreeEnsembleClassifier",
                "TreeEnsembleRegressor", "ZipMap",
            }
        ),
        "": frozenset(
            {
                "Abs", "Acos", "Acosh", "Add", "And", "ArgMax", "ArgMin", "Asin", "Asinh", "Atan", "Atanh",
                "BatchNormalization", "Cast", "CastLike", "Ceil", "Celu", "Clip", "Concat", "Constant",
                "ConstantOfShape", "Cos", "Cosh", "CumSum", "DequantizeLinear", "Div", "Dropout",
                "DynamicQuantizeLinear", "Elu", "Equal", "Erf", "Exp", "Expand", "Flatten", "Floor",
                "Gather", "GatherElements", "GatherND", "Gelu", "Gemm", "Greater", "GreaterOrEqual",
                "HardSigmoid", "HardSwish", "Hardmax", "Identity", "IsInf", "IsNaN", "LayerNormalization",
                "LeakyRelu", "Less", "LessOrEqual", "Log", "LogSoftmax", "LpNormalization", "MatMul",
                "MatMulInteger", "Max", "Mean", "Min", "Mish", "Mod", "Mul", "Neg", "Not", "OneHot", "Or",
                "PRelu", "Pow", "QLinearMatMul", "QuantizeLinear", "Range", "Reciprocal", "ReduceL1",
                "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMax", "ReduceMean", "ReduceMin",
                "ReduceProd", "ReduceSum", "ReduceSumSquare", "Relu", "Reshape", "Round", "Selu", "Shape",
                "Sigmoid", "Sign", "Sin", "Sinh", "Size", "Slice", "Softmax", "Softplus", "Softsign",
                "Split", "Sqrt", "Squeeze", "Sub", "Sum", "Tan", "Tanh", "ThresholdedRelu", "Tile", "TopK",
                "Transpose", "Unsqueeze", "Where", "Xor",
            }
        ),
    }
)  # fmt: skip
# The inputs that say how large the result is.
_SIZING: Mapping[str, tuple[int, ...]] = MappingProxyType(
    {"ConstantOfShape": (0,), "Expand": (1,), "Tile": (1,), "Range": (0, 1, 2), "OneHot": (1,)}
)
# What a size may go through on its way from `Shape`; none of these makes it larger.
_SHAPING: Final = frozenset(
    {"Cast", "Concat", "Gather", "Identity", "Reshape", "Slice", "Squeeze", "Unsqueeze", "Where", "Equal"}
)
_STEPS_MAX: Final = 64
_SIZES_MAX: Final = 64
"""Of a shape; no tensor has as many dimensions."""


def check_operators(model: Any, *, any_operator: bool = False) -> dict[str, int]:
    """Checks the operators of a graph.

    Args:
        model: An `onnx.ModelProto`, measured by `wire.scan` before it was parsed.
        any_operator: Take every operator of the two standard domains, except those that are never taken.

    Returns:
        How often each operator occurs, by name.

    Raises:
        ModelError: An operator is not allowed (NB655), or makes something as large as it likes (NB656).
    """
    refused = [node for node in model.graph.node if not _is_allowed(node, any_operator)]
    if refused:
        raise ModelError(*explain_operators(refused, any_operator=any_operator), OPERATOR)
    sizes = _Sizes(model.graph)
    for node in model.graph.node:
        if any_operator:
            break
        if node.op_type in _SIZING:
            sizes.check(node)
        if node.op_type == "FeatureVectorizer":
            _check_padding(node)
    return dict(sorted(Counter(node.op_type for node in model.graph.node).items()))


def _check_padding(node: Any) -> None:
    """Its inputs are padded to the widths that it names."""
    count = sum(sum(map(abs, attribute.ints)) for attribute in node.attribute)
    if count > SHAPE_ELEMENTS_MAX:
        reason = f"makes rows of {count:,} columns, at most {SHAPE_ELEMENTS_MAX:,} are allowed"
        raise ModelError(f"{node.op_type} {reason}", "export it with the widths of its inputs", UNBOUNDED)


def _is_allowed(node: Any, any_operator: bool) -> bool:  # noqa: FBT001 - handed through
    domain = domain_of(node)
    if domain not in STANDARD_DOMAINS or node.op_type in NEVER or behaves_as_in_training(node):
        return False
    return any_operator or node.op_type in ALLOWED[domain]


class _Sizes:
    """Where sizes come from."""

    def __init__(self, graph: Any) -> None:
        self._made = {name: node for node in graph.node for name in node.output if name}
        self._stored = {tensor.name: tensor for tensor in graph.initializer}

    def check(self, node: Any) -> None:
        inputs = [node.input[index] for index in _SIZING[node.op_type] if index < len(node.input)]
        constants = [self._constant(name) for name in inputs]
        known = [values for values in constants if values is not None]
        if len(known) == len(constants):
            count = _result_size(node.op_type, known)
            if count <= SHAPE_ELEMENTS_MAX:
                return
            reason = f"makes a tensor of {count:,} elements, at most {SHAPE_ELEMENTS_MAX:,} are allowed"
        elif node.op_type != "OneHot" and all(self._is_of_shapes(name) for name in inputs):
            return
        else:
            reason = "makes a tensor as large as a number that is only known when it runs"
        raise ModelError(
            f"{node.op_type} {reason}", "write the size into the model as a small constant", UNBOUNDED
        )

    def _constant(self, name: str) -> Sequence[float] | None:
        """The values of a tensor that the graph holds; None for one that it makes."""
        tensor = self._stored.get(name)
        if tensor is not None:
            return _values(tensor)
        node = self._made.get(name)
        if node is None or node.op_type != "Constant" or len(node.attribute) != 1:
            return None
        return _attribute_values(node.attribute[0])

    def _is_of_shapes(self, name: str) -> bool:
        """Whether a size is made of the sizes of other tensors, and of small numbers, alone."""
        waiting, seen = [name], {name}
        while waiting:
            current = waiting.pop()
            values = self._constant(current)
            if values is not None:
                if math.prod(max(1.0, abs(value)) for value in values) > SHAPE_ELEMENTS_MAX:
                    return False
                continue
            node = self._made.get(current)
            if node is None or len(seen) > _STEPS_MAX:
                return False
            if node.op_type == "Shape":
                continue
            if node.op_type not in _SHAPING:
                return False
            following = {source for source in node.input if source} - seen
            seen |= following
            waiting += sorted(following)
        return True


def _attribute_values(attribute: Any) -> Sequence[float] | None:
    match attribute.name:
        case "value":
            return _values(attribute.t)
        case "value_int":
            return [float(attribute.i)]
        case "value_ints":
            return [float(value) for value in attribute.ints] if len(attribute.ints) <= _SIZES_MAX else None
        case "value_float":
            return [float(attribute.f)]
        case _:
            return None


def _result_size(operator: str, inputs: Sequence[Sequence[float]]) -> int:
    """How many elements come out; of a tile, how often it is laid."""
    if any(not math.isfinite(value) for values in inputs for value in values):
        return SHAPE_ELEMENTS_MAX + 1
    if operator == "Range":
        if len(inputs) != 3 or any(len(values) != 1 for values in inputs) or inputs[2][0] == 0:
            return SHAPE_ELEMENTS_MAX + 1
        start, limit, step = (values[0] for values in inputs)
        return max(0, math.ceil((limit - start) / step))
    return math.ceil(math.prod(abs(value) for value in inputs[0]))


def _values(tensor: Any) -> Sequence[float] | None:
    """The numbers of a small tensor; None for a large one, which cannot be a size."""
    # Loads slowly, and only a workspace with models needs it.
    from nextbest.models.stored import stored_numbers  # noqa: PLC0415

    numbers = stored_numbers(tensor)
    if numbers is None or len(numbers) > _SIZES_MAX:
        return None
    return [float(number) for number in numbers]
