"""A tensor that a graph stores -> its numbers.

Only those in the file itself: `onnx.numpy_helper` reads files where a tensor names one.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

_FLOAT16: Final = 10
# Where a tensor keeps its numbers, and how they lie in `raw_data`, by its data type.
_STORED: Final[Mapping[int, tuple[str, str]]] = MappingProxyType(
    {
        1: ("float_data", "<f4"),
        6: ("int32_data", "<i4"),
        7: ("int64_data", "<i8"),
        _FLOAT16: ("int32_data", "<f2"),
        11: ("double_data", "<f8"),
    }
)


def stored_numbers(tensor: Any) -> NDArray[Any] | None:
    """The numbers of an `onnx.TensorProto`, flat; None of another type, and of one that breaks off."""
    if tensor.data_type not in _STORED:
        return None
    field, text = _STORED[tensor.data_type]
    dtype = np.dtype(text)
    if tensor.raw_data:
        return None if len(tensor.raw_data) % dtype.itemsize else np.frombuffer(tensor.raw_data, dtype)
    values = getattr(tensor, field)
    if tensor.data_type == _FLOAT16:
        # In the field of whole numbers, each as its bits.
        return np.array(values, dtype=np.uint32).astype(np.uint16).view(dtype)
    return np.array(values, dtype=dtype)
