"""The steps of a model while a graph is executed symbolically: values have references, and no place yet.

A reference names one float of a row: an input, a constant, or a result of a step. Equal computations get the
same reference, number by number, so that common subexpressions are computed once. `layout` decides afterwards
which steps are needed, and where their numbers are stored.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from nextbest.models.native.ensemble import Ensemble
from nextbest.models.native.refusal import NotLowered
from nextbest.models.native.tensor import References
from nextbest.v1 import native_pb2 as native

Floats = NDArray[np.float32]
Operation: TypeAlias = native.NativeOperation.ValueType

# Steps are at least as wide as an instruction; a propensity model does not need more numbers than this.
REFERENCES_MAX: Final = 1 << 22
# Whole numbers up to here are exact as floats.
EXACT_MAX: Final = 1 << 24


@dataclass(frozen=True, eq=False)
class Matrix:
    """Weights of shape [inputs, outputs], and a bias for each output or none."""

    weights: Floats
    bias: Floats | None = None


@dataclass(frozen=True, eq=False)
class Dictionary:
    """Keys of one kind, values of shape [keys, width], and those of other keys (none: such a row fails)."""

    keys: tuple[str, ...] | tuple[int, ...] | tuple[float, ...]
    values: Floats
    otherwise: Floats | None


# What changes nothing as the second operand. Adding 0.0 would make 0.0 of -0.0.
_NEUTRAL: Final[dict[int, float]] = {
    native.NATIVE_MULTIPLY: 1.0,
    native.NATIVE_DIVIDE: 1.0,
    native.NATIVE_SUBTRACT: 0.0,
}

Table = Matrix | Dictionary | Ensemble


@dataclass(eq=False)
class Step:
    """One operation.

    Attributes:
        operation: Which.
        outs: References of what it writes, in order.
        operands: References of its inputs. Elementwise: the same number of each as of results. Reductions:
            `group` for each result, in order. PICK: places, then what is picked from. GEMM, SOFTMAX: one
            line. LOOK_UP: the key. TREES: the cells of its slots. INT: places of int inputs.
        group: As in the message.
        table: A matrix, dictionary or ensemble.
        of_line: LOOK_UP: the key is an input that is not a float.
    """

    operation: Operation
    outs: References
    operands: list[References]
    group: int = 0
    table: Table | None = None
    of_line: bool = False


@dataclass
class Program:
    """Steps, in an order in which they can run."""

    float_inputs: int = 0
    int_inputs: int = 0
    text_inputs: int = 0
    steps: list[Step] = field(default_factory=list)
    # Reference -> constant.
    constants: dict[int, np.float32] = field(default_factory=dict)
    # Reference of a whole number -> least and largest value it can take; none: it may exceed `EXACT_MAX`.
    bounds: dict[int, tuple[int, int]] = field(default_factory=dict)
    # Reference of a text that is not an input -> a constant, or a choice.
    texts: dict[int, Hashable] = field(default_factory=dict)
    # References of whole numbers that were floats, and may represent NaN.
    truncated: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.references = 0
        self._by_bits: dict[int, int] = {}
        self._by_work: dict[tuple[object, ...], int] = {}
        self._by_text: dict[Hashable, int] = {}

    def admit(self, floats: int, ints: int, texts: int) -> None:
        """Makes the first references those of the inputs; before anything else."""
        self.float_inputs, self.int_inputs, self.text_inputs = floats, ints, texts
        self._fresh(floats)

    def constant(self, values: NDArray[np.generic]) -> References:
        """Returns references of constants, in the shape of `values`, which are exact as floats of 32 bits."""
        floats = np.ascontiguousarray(values, dtype=np.float32)
        bits, places = np.unique(floats.reshape(-1).view(np.uint32), return_inverse=True)
        found = np.empty(len(bits), dtype=np.int64)
        for place, word in enumerate(bits.tolist()):
            if word not in self._by_bits:
                (reference,) = self._fresh(1).tolist()
                self._by_bits[word] = reference
                self.constants[reference] = bits[place : place + 1].view(np.float32)[0]
            found[place] = self._by_bits[word]
        return found[places].reshape(floats.shape)

    def text(self, source: Hashable) -> int:
        """Returns the reference of a text that is not an input, numbered after those of the inputs."""
        if source not in self._by_text:
            if len(self.texts) >= REFERENCES_MAX:
                raise NotLowered("it chooses between more than four million texts")
            self._by_text[source] = self.text_inputs + len(self.texts)
            self.texts[self._by_text[source]] = source
        return self._by_text[source]

    def bound(self, reference: int) -> tuple[int, int] | None:
        """Returns the least and largest value of a whole number, where they are known."""
        if reference in self.constants:
            value = float(self.constants[reference])
            return (int(value), int(value)) if value.is_integer() and abs(value) < EXACT_MAX else None
        return self.bounds.get(reference)

    def apply(self, operation: Operation, *operands: References) -> References:
        """Adds an elementwise step; the operands have one shape, which is the result's."""
        if (same := self._unchanged(operation, operands)) is not None:
            return same
        shape = operands[0].shape
        lines = [operand.reshape(-1) for operand in operands]
        keys = [(operation, *numbers) for numbers in zip(*(line.tolist() for line in lines), strict=True)]
        return self._share(operation, keys, lines, group=1).reshape(shape)

    def reduce(self, operation: Operation, operand: References) -> References:
        """Adds a step that makes one number of each line of `operand`, of shape [lines, group]."""
        count, group = operand.shape
        keys = [(operation, *numbers) for numbers in operand.tolist()]
        outs = self._share(operation, keys, [operand.reshape(count * group)], group)
        if operation in (native.NATIVE_ARG_MAXIMUM, native.NATIVE_ARG_MINIMUM):
            self.bounds.update(dict.fromkeys(outs.tolist(), (0, group - 1)))
        return outs

    def pick(self, places: References, table: References) -> References:
        """Adds a step that picks from `table`, a line, at each of `places`."""
        lines = [places.reshape(-1), table]
        work = (native.NATIVE_PICK, *table.tolist())
        keys = [(*work, place) for place in lines[0].tolist()]
        return self._share(native.NATIVE_PICK, keys, lines, len(table)).reshape(places.shape)

    def ints(self, inputs: References) -> References:
        """Adds steps that read whole numbers, by their place among such inputs, as the nearest floats."""
        keys = [(native.NATIVE_INT, place) for place in inputs.reshape(-1).tolist()]
        return self._share(native.NATIVE_INT, keys, [inputs.reshape(-1)], 1).reshape(inputs.shape)

    def whole(
        self, operation: Operation, operands: References, width: int, table: Table | None
    ) -> References:
        """Adds a step that reads a line and writes another: GEMM, SOFTMAX, TREES. Its result is a line."""
        outs = self._fresh(width)
        group = len(operands) if operation == native.NATIVE_GEMM else 0
        self.steps.append(Step(operation, outs, [operands], group, table))
        return outs

    def look_up(self, key: int, dictionary: Dictionary, *, of_line: bool) -> References:
        """Adds a step that looks up one key: a cell, or with `of_line` the place of an int or text input."""
        outs = self._fresh(dictionary.values.shape[1])
        operands = [np.array([key], dtype=np.int64)]
        self.steps.append(Step(native.NATIVE_LOOK_UP, outs, operands, 0, dictionary, of_line))
        return outs

    def _unchanged(self, operation: Operation, operands: Sequence[References]) -> References | None:
        """Returns the operand that a product, quotient or difference leaves as it is, to the last bit."""
        neutral = _NEUTRAL.get(operation)
        if neutral is None:
            return None
        places = (1, 0) if operation == native.NATIVE_MULTIPLY else (1,)
        for place in places:
            fixed = np.unique(operands[place]).tolist()
            if len(fixed) == 1 and self._by_bits.get(_bits(neutral)) == fixed[0]:
                return operands[1 - place]
        return None

    def _fresh(self, count: int) -> References:
        if self.references + count > REFERENCES_MAX:
            raise NotLowered("it computes more than four million numbers for a row")
        outs = np.arange(self.references, self.references + count, dtype=np.int64)
        self.references += count
        return outs

    def _share(
        self, operation: Operation, keys: Sequence[tuple[object, ...]], lines: list[References], group: int
    ) -> References:
        """Writes one step for the work that is not done yet, and returns a reference for each of `keys`."""
        fresh = list(dict.fromkeys(key for key in keys if key not in self._by_work))
        if fresh:
            outs = self._fresh(len(fresh))
            self._by_work.update(zip(fresh, outs.tolist(), strict=True))
            first = {key: place for place, key in reversed(list(enumerate(keys)))}
            kept = np.array([first[key] for key in fresh])
            operands = [
                line if _is_whole(operation, place) else _lanes(line, kept, group, operation)
                for place, line in enumerate(lines)
            ]
            reduced = group if operation >= native.NATIVE_REDUCE_SUM else 0
            self.steps.append(Step(operation, outs, operands, reduced))
        return np.array([self._by_work[key] for key in keys], dtype=np.int64)


def _bits(number: float) -> int:
    return int(np.float32(number).view(np.uint32))


def _is_whole(operation: Operation, place: int) -> bool:
    return operation == native.NATIVE_PICK and place == 1


def _lanes(line: References, kept: NDArray[np.int64], group: int, operation: Operation) -> References:
    if operation == native.NATIVE_PICK:
        return line[kept]
    return line.reshape(-1, group)[kept].reshape(-1)
