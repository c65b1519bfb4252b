"""Operators that look keys up: one-hot and label encoders, category mappers."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from nextbest.models.native import texts
from nextbest.models.native.call import Call, Operator
from nextbest.models.native.program import EXACT_MAX, Dictionary, Floats
from nextbest.models.native.refusal import NotLowered
from nextbest.models.native.tensor import Element, Known, Line, References, Tensor, Value
from nextbest.v1 import native_pb2 as native

# NaN is equal to no other object that is NaN, but a dictionary finds the very same one.
_NAN: Final = float("nan")
Keys = tuple[str, ...] | tuple[int, ...] | tuple[float, ...]


def _look_up(call: Call, value: Tensor, keys: Keys, values: Floats, otherwise: Floats | None) -> References:
    """Looks up every element of a tensor; returns references of its shape, and an axis of the width."""
    if value.line is Line.CELLS:
        keys, values = _float_keys(keys, values)
    dictionary = Dictionary(keys, values, otherwise)
    of_line = value.line is not Line.CELLS
    found = [
        texts.look_up(call.program, key, dictionary)
        if value.line is Line.TEXTS
        else call.program.look_up(key, dictionary, of_line=of_line)
        for key in value.flat().tolist()
    ]
    return np.array(found, dtype=np.int64).reshape(*value.references.shape, -1)


def _float_keys(keys: Keys, values: Floats) -> tuple[tuple[float, ...], Floats]:
    """Keys of computed numbers. Whole numbers have to be exact, and nothing else may round to them."""
    if any(isinstance(key, str) for key in keys):
        raise NotLowered("it looks numbers up among texts")
    if any(isinstance(key, int) and abs(key) >= EXACT_MAX for key in keys):
        raise NotLowered("it has whole numbers that are not exact as floats")
    return tuple(float(key) for key in keys), values


def _check_keys(value: Tensor, keys: Known) -> None:
    kinds = {Element.TEXT: "O", Element.INT: "iu", Element.FLOAT: "f"}
    if keys.dtype.kind not in kinds.get(value.element, "") or keys.dtype == np.float64:
        raise NotLowered("its keys are of another kind than what is looked up")


def _one_hot(call: Call) -> Sequence[Value]:
    value = call.tensor(0)
    named, whole = call.attribute("cats_strings"), call.attribute("cats_int64s")
    categories = np.array(named, dtype=object) if whole is None or not len(whole) else whole
    if value.element is Element.FLOAT:
        # ONNX Runtime looks up the whole part of a float.
        cut = call.program.apply(native.NATIVE_TRUNCATE, value.references)
        value = Tensor(cut, value.rows, Element.INT)
    _check_keys(value, categories)
    # A category that is listed twice has its last position.
    place_of = {category: place for place, category in enumerate(categories.tolist())}
    values = np.zeros((len(place_of), len(categories)), dtype=np.float32)
    values[np.arange(len(place_of)), list(place_of.values())] = 1.0
    zeros = np.zeros(len(categories), dtype=np.float32) if call.attribute("zeros", 1) else None
    found = _look_up(call, value, tuple(place_of), values, zeros)
    return [Tensor(found, value.rows, Element.FLOAT)]


def _either(call: Call, names: Sequence[str]) -> Known | None:
    """Returns the first attribute of several that is given, as an array."""
    for name in names:
        values = call.attribute(name)
        if values is not None and len(values):
            return np.array(values, dtype=object) if isinstance(values, list) else np.asarray(values)
    return None


def _label_encoder(call: Call) -> Sequence[Value]:
    if isinstance(call.inputs[0], np.ndarray):
        return [_encode_known(call, call.inputs[0])]
    value = call.tensor(0)
    classes = call.attribute("classes_strings")
    if classes is not None:
        places = np.arange(len(classes))
        return [
            _encode(call, value, np.array(classes, dtype=object), places, call.attribute("default_int64", -1))
        ]
    keys = _either(call, ("keys_strings", "keys_int64s", "keys_floats", "keys_tensor"))
    values = _either(call, ("values_int64s", "values_floats", "values_strings", "values_tensor"))
    if keys is None or values is None or len(keys) != len(values):
        raise NotLowered("its encoder has no keys, or not a value for each")
    if values.dtype.kind == "O":
        raise NotLowered("it turns keys into texts")
    default = call.attribute("default_tensor")
    if default is not None:
        return [_encode(call, value, keys, values, default.reshape(-1)[0])]
    default = (
        call.attribute("default_int64", -1)
        if values.dtype.kind == "i"
        else call.attribute("default_float", -0.0)
    )
    return [_encode(call, value, keys, values, default)]


def _encode_known(call: Call, value: Known) -> Known:
    """Looks constants up; what comes of it is a constant, and may be a text."""
    keys = _either(call, ("keys_strings", "keys_int64s", "keys_floats", "keys_tensor"))
    values = _either(call, ("values_strings", "values_int64s", "values_floats", "values_tensor"))
    if keys is None or values is None:
        raise NotLowered("its encoder has no keys, or not a value for each")
    found = dict(zip(reversed(keys.tolist()), reversed(values.tolist()), strict=True))
    if not all(key in found for key in value.reshape(-1).tolist()):
        raise NotLowered("its encoder has no value for a constant")
    mapped = [found[key] for key in value.reshape(-1).tolist()]
    return np.array(mapped, dtype=values.dtype).reshape(value.shape)


def _encode(call: Call, value: Tensor, keys: Known, values: Known, default: float) -> Tensor:
    _check_keys(value, keys)
    if values.dtype == np.float64:
        raise NotLowered("its encoder answers in doubles")
    first: dict[object, object] = {}
    for key, mapped in zip(keys.tolist(), values.tolist(), strict=True):
        if key == key:  # noqa: PLR0124 - only NaN differs from itself
            first.setdefault(key, mapped)
        elif call.opset >= 4 and _NAN not in first:
            # Before, NaN was a key that nothing is equal to.
            first[_NAN] = mapped
    numbers = np.array([*first.values(), default], dtype=np.float64)
    whole = values.dtype.kind in "iu"
    if whole and np.abs(numbers).max() >= EXACT_MAX:
        raise NotLowered("it has whole numbers that are not exact as floats")
    floats = numbers.astype(np.float32).reshape(-1, 1)
    found = _look_up(call, value, tuple(first), floats[:-1], floats[-1])  # type: ignore[arg-type]
    references = found.reshape(value.references.shape)
    if whole:
        bounds = (int(numbers.min()), int(numbers.max()))
        call.program.bounds.update(dict.fromkeys(references.reshape(-1).tolist(), bounds))
    return Tensor(references, value.rows, Element.INT if whole else Element.FLOAT)


def _category_mapper(call: Call) -> Sequence[Value]:
    # A category that is named twice has its last number.
    categories = np.array(call.attribute("cats_strings")[::-1], dtype=object)
    numbers = call.attribute("cats_int64s")[::-1]
    return [_encode(call, call.tensor(0), categories, numbers, call.attribute("default_int64", -1))]


OPERATORS: Final[dict[str, Operator]] = {
    "OneHotEncoder": _one_hot,
    "LabelEncoder": _label_encoder,
    "CategoryMapper": _category_mapper,
}
