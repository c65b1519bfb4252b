"""Gives every number of a row its cell; copies numbers that a step needs to be adjacent."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from nextbest.models.native.program import Program, Step
from nextbest.models.native.refusal import NotLowered
from nextbest.models.native.tensor import References
from nextbest.v1 import native_pb2 as native

# What the engine takes.
CELLS_MAX: Final = 1 << 20
STEPS_MAX: Final = 100_000


@dataclass(frozen=True, eq=False)
class Move:
    """A step in its place; without one, a copy of the cells `sources`.

    Attributes:
        operands: The first cell of each, and whether it serves for all. TREES have none: they read `sources`.
    """

    step: Step | None
    out: int
    width: int
    operands: tuple[tuple[int, bool], ...] = ()
    sources: tuple[int, ...] = ()


@dataclass(eq=False)
class Placement:
    """The cells of one order of steps: inputs, constants, then what is written, without gaps."""

    program: Program
    steps: list[Step]
    outputs: Sequence[int]
    constants: list[float] = field(default_factory=list)
    moves: list[Move] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._cell_of = np.full(self.program.references, -1, dtype=np.int64)
        self._cell_of[: self.program.float_inputs] = np.arange(self.program.float_inputs)
        self._blocks: dict[bytes, int] = {}
        self._copies: dict[bytes, int] = {}
        self._place_constants()
        self.cells = self.program.float_inputs + len(self.constants)
        for step in self.steps:
            self._place(step)
        if self.cells > CELLS_MAX or len(self.moves) > STEPS_MAX:
            raise NotLowered("it takes more than a million numbers or a hundred thousand steps for a row")

    def cell(self, reference: int) -> int:
        """Returns the cell of one number."""
        if reference in self.program.constants:
            return self._block(np.array([reference]))
        return int(self._cell_of[reference])

    def _place_constants(self) -> None:
        """Gives every operand that consists of constants a separate block, and single constants a cell."""
        constants = self.program.constants
        singles = [reference for reference in self.outputs if reference in constants]
        for step in self.steps:
            if step.operation == native.NATIVE_INT or step.of_line:
                continue
            for operand in step.operands:
                fixed = np.array([reference in constants for reference in operand.tolist()], dtype=np.bool_)
                if fixed.all() and operand.size and step.operation != native.NATIVE_TREES:
                    self._block(_single(operand) if _is_elementwise(step) else operand)
                else:
                    singles.extend(operand[fixed].tolist())
        for reference in singles:
            self._block(np.array([reference]))

    def _block(self, references: References) -> int:
        values = np.array([self.program.constants[item] for item in references.tolist()], dtype=np.float32)
        key = values.tobytes()
        if key not in self._blocks:
            self._blocks[key] = self.program.float_inputs + len(self.constants)
            self.constants.extend(values.tolist())
        return self._blocks[key]

    def _claim(self, width: int) -> int:
        start = self.cells
        self.cells += width
        return start

    def _place(self, step: Step) -> None:
        operands: tuple[tuple[int, bool], ...] = ()
        sources: tuple[int, ...] = ()
        if step.operation == native.NATIVE_INT:
            self._place_ints(step)
            return
        if step.operation == native.NATIVE_TREES:
            sources = tuple(self.cell(reference) for reference in step.operands[0].tolist())
        elif step.of_line:
            operands = ((int(step.operands[0][0]), False),)
        else:
            operands = tuple(self._operand(step, operand) for operand in step.operands)
        out = self._claim(len(step.outs))
        self._cell_of[step.outs] = np.arange(out, out + len(step.outs))
        self.moves.append(Move(step, out, len(step.outs), operands, sources))

    def _place_ints(self, step: Step) -> None:
        """Whole numbers are read in runs of neighbours."""
        inputs = step.operands[0]
        for run in np.split(np.arange(len(inputs)), np.flatnonzero(np.diff(inputs) != 1) + 1):
            out = self._claim(len(run))
            self.moves.append(Move(step, out, len(run), ((int(inputs[run[0]]), False),)))
            self._cell_of[step.outs[run]] = np.arange(out, out + len(run))

    def _operand(self, step: Step, references: References) -> tuple[int, bool]:
        if _is_elementwise(step) and len(_single(references)) < len(references):
            return self.cell(int(references[0])), True
        if all(reference in self.program.constants for reference in references.tolist()):
            return self._block(references), False
        cells = np.array([self.cell(reference) for reference in references.tolist()])
        if (np.diff(cells) == 1).all():
            return int(cells[0]), False
        return self._copy(cells), False

    def _copy(self, cells: References) -> int:
        key = cells.tobytes()
        if key not in self._copies:
            out = self._claim(len(cells))
            self._copies[key] = out
            self.moves.append(Move(None, out, len(cells), sources=tuple(cells.tolist())))
        return self._copies[key]


def _is_elementwise(step: Step) -> bool:
    return native.NATIVE_NEGATE <= step.operation <= native.NATIVE_SELECT


def _single(references: References) -> References:
    """Returns one reference where all are the same."""
    return references[:1] if len(references) and (references == references[0]).all() else references
