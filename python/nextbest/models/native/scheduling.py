"""Orders the steps that are needed so that few remain: biases move into products, like work becomes one step.

A step costs time whatever its width. So steps of one kind that could run at the same time become one, if that
does not cost more copying than it saves; and the inputs of a step are computed right before it, in the order
in which it reads them, so that they are adjacent.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from nextbest.models.native.placement import Placement
from nextbest.models.native.program import Matrix, Program, Step
from nextbest.v1 import native_pb2 as native


def schedule(program: Program, steps: list[Step], outputs: Sequence[int]) -> Placement:
    """Returns the shortest of several orders, with the places of all numbers.

    Args:
        program: Where the steps come from.
        steps: Those that are needed, in an order in which they can run.
        outputs: References that are asked for.
    """
    fused = _fused(program, steps, outputs)
    candidates = [fused, _merged(fused, least=3), _merged(fused, least=2)]
    placements = [Placement(program, _ordered(candidate, outputs), outputs) for candidate in candidates]
    return min(placements, key=lambda placement: (len(placement.moves), placement.cells))


def _fused(program: Program, steps: list[Step], outputs: Sequence[int]) -> list[Step]:
    """Joins a product with the constants that are added to all of it, and to nothing else."""
    readers = _readers(steps, outputs)
    products = {step.outs.tobytes(): step for step in steps if step.operation == native.NATIVE_GEMM}
    fused: dict[int, Step] = {}
    dropped: set[int] = set()
    for step in steps:
        if step.operation != native.NATIVE_ADD:
            continue
        for product, addend in (step.operands, step.operands[::-1]):
            found = products.get(product.tobytes())
            fixed = [program.constants.get(reference) for reference in addend.tolist()]
            matrix = None if found is None else found.table
            if found is None or not isinstance(matrix, Matrix) or matrix.bias is not None or None in fixed:
                continue
            if all(readers[out] == 1 for out in product.tolist()):
                biased = Matrix(matrix.weights, np.array(fixed, dtype=np.float32))
                fused[id(found)] = replace(found, outs=step.outs, table=biased)
                dropped.add(id(step))
                break
    return [fused.get(id(step), step) for step in steps if id(step) not in dropped]


def _readers(steps: Sequence[Step], outputs: Sequence[int]) -> dict[int, int]:
    """Counts the steps that read a reference; an output is read once more."""
    readers = dict.fromkeys((out for step in steps for out in step.outs.tolist()), 0)
    for reference in [*outputs, *(item for step in steps for item in _read(step))]:
        if reference in readers:
            readers[reference] += 1
    return readers


def _read(step: Step) -> Iterator[int]:
    """The references that a step reads; inputs that are not floats have none."""
    if step.operation != native.NATIVE_INT and not step.of_line:
        for operand in step.operands:
            yield from dict.fromkeys(operand.tolist())


def _merged(steps: list[Step], least: int) -> list[Step]:
    """Merges steps of a kind and depth into one, if there are at least this many."""
    depth: dict[int, int] = {}
    groups: dict[tuple[object, ...], list[Step]] = {}
    for step in steps:
        own = 1 + max((depth.get(reference, 0) for reference in _read(step)), default=0)
        depth.update(dict.fromkeys(step.outs.tolist(), own))
        groups.setdefault(_kind(step, own), []).append(step)
    return [
        step for group in groups.values() for step in ([_joined(group)] if len(group) >= least else group)
    ]


def _kind(step: Step, depth: int) -> tuple[object, ...]:
    """What steps have in common that can be one."""
    if step.table is not None or step.operation in (native.NATIVE_SOFTMAX, native.NATIVE_INT):
        return (id(step),)
    table = step.operands[1].tobytes() if step.operation == native.NATIVE_PICK else b""
    return (step.operation, depth, step.group, table)


def _joined(group: Sequence[Step]) -> Step:
    first = group[0]
    operands = [
        first.operands[place]
        if first.operation == native.NATIVE_PICK and place == 1
        else np.concatenate([step.operands[place] for step in group])
        for place in range(len(first.operands))
    ]
    return replace(first, outs=np.concatenate([step.outs for step in group]), operands=operands)


def _ordered(steps: list[Step], outputs: Sequence[int]) -> list[Step]:
    """Puts steps right before the first that reads them, in the order in which it does."""
    writers = {out: step for step in steps for out in step.outs.tolist()}
    done: set[int] = set()
    order: list[Step] = []
    pending: list[tuple[Step, bool]] = [
        (writers[reference], False) for reference in reversed(outputs) if reference in writers
    ]
    while pending:
        step, is_ready = pending.pop()
        if id(step) in done:
            continue
        if is_ready:
            done.add(id(step))
            order.append(step)
            continue
        pending.append((step, True))
        needed = {id(writers[item]): writers[item] for item in _read(step) if item in writers}
        pending.extend((writer, False) for writer in reversed(needed.values()))
    return order
