"""Whole numbers that are kept as floats: what may be done with them without anybody seeing the difference.

An int input may be any int64, of which a float keeps 24 bits; a float that was cast to an int may have been
NaN. What was computed from positions, truth values and dictionaries has bounds, and is exact.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from nextbest.models.native.program import EXACT_MAX, Operation, Program
from nextbest.models.native.refusal import NotLowered
from nextbest.models.native.tensor import References
from nextbest.v1 import native_pb2 as native

__all__ = ["EXACT_MAX", "check"]

_COMPARISONS: Final = range(native.NATIVE_LESS, native.NATIVE_EQUAL + 1)
_REFUSAL: Final = "it computes with whole numbers that may not be exact as floats"


def check(program: Program, operation: Operation, operands: Sequence[References]) -> None:
    """Refuses an elementwise operation on whole numbers whose result could differ from that on int64.

    Raises:
        NotLowered: It could.
    """
    references = [operand.reshape(-1).tolist() for operand in operands]
    if operation == native.NATIVE_SELECT:
        return
    if operation not in _COMPARISONS:
        raise NotLowered("it computes with whole numbers")
    for lane in zip(*references, strict=True):
        known = [program.bound(reference) is not None for reference in lane]
        fixed = [reference in program.constants for reference in lane]
        cast = operation != native.NATIVE_EQUAL and any(reference in program.truncated for reference in lane)
        if not (all(known) or (any(fixed) and not cast)):
            raise NotLowered(_REFUSAL)


def bounded(program: Program, references: References) -> bool:
    """Tells whether all of them are exact as floats."""
    return all(program.bound(reference) is not None for reference in np.unique(references).tolist())
