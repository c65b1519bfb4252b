"""Turns a program into the message: drops unused steps, gives numbers their cells, and writes steps."""

from collections.abc import Sequence

import numpy as np

from nextbest.models.native.encoding import encode
from nextbest.models.native.ensemble import Ensemble
from nextbest.models.native.program import Dictionary, Matrix, Program, Step
from nextbest.models.native.scheduling import schedule
from nextbest.models.native.tensor import References
from nextbest.v1 import native_pb2 as native

_LINES = (native.NATIVE_GEMM, native.NATIVE_TREES, native.NATIVE_LOOK_UP)


def lay_out(program: Program, outputs: dict[int, int]) -> native.NativeModel:
    """Returns the message that answers with `outputs`: a reference for each column."""
    steps = _needed(program, list(outputs.values()))
    return encode(schedule(program, steps, list(outputs.values())), outputs)


def _needed(program: Program, outputs: Sequence[int]) -> list[Step]:
    """Keeps the steps, and of each the numbers, that the outputs depend on."""
    needed = np.zeros(program.references, dtype=np.bool_)
    needed[list(outputs)] = True
    kept = []
    for step in reversed(program.steps):
        live = needed[step.outs]
        if live.any():
            narrowed = step if live.all() else _narrowed(step, live)
            kept.append(narrowed)
            if narrowed.operation != native.NATIVE_INT and not narrowed.of_line:
                for operand in narrowed.operands:
                    needed[operand] = True
    return kept[::-1]


def _narrowed(step: Step, live: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> Step:
    outs, table, operands = step.outs[live], step.table, step.operands
    if step.operation == native.NATIVE_SOFTMAX:
        return step
    if isinstance(table, Matrix):
        bias = None if table.bias is None else table.bias[live]
        return Step(step.operation, outs, operands, step.group, Matrix(table.weights[:, live], bias))
    if isinstance(table, Dictionary):
        otherwise = None if table.otherwise is None else table.otherwise[live]
        narrow = Dictionary(table.keys, table.values[:, live], otherwise)
        return Step(step.operation, outs, operands, step.group, narrow, step.of_line)
    if isinstance(table, Ensemble):
        return Step(step.operation, outs, *_narrowed_trees(table, operands[0], live))
    if step.operation == native.NATIVE_PICK:
        return Step(step.operation, outs, [operands[0][live], operands[1]], step.group)
    lanes = [operand.reshape(len(live), -1)[live].reshape(-1) for operand in operands]
    return Step(step.operation, outs, lanes, step.group)


def _narrowed_trees(
    table: Ensemble, cells: References, live: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
) -> tuple[list[References], int, Ensemble]:
    narrow = table.narrowed(live)
    cell_of = dict(zip(table.slots, cells.tolist(), strict=True))
    kept = np.array([cell_of[slot] for slot in narrow.slots], dtype=np.int64)
    return [kept], 0, narrow
