"""Writes steps as a message: numbers get cells, tables get places, scattered operands are gathered."""

from dataclasses import dataclass, field

import numpy as np

from nextbest.models.native.ensemble import Ensemble
from nextbest.models.native.program import Dictionary, Matrix, Program, Step
from nextbest.models.native.tensor import References
from nextbest.v1 import native_pb2 as native


@dataclass(eq=False)
class Encoder:
    """Makes one message."""

    program: Program
    # Cell of each reference; constants are not among them, since they have a cell for each use.
    cells: References = field(init=False)
    # Cells of constants are counted from here until all are known.
    constants: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.message = native.NativeModel(
            float_inputs=self.program.float_inputs,
            int_inputs=self.program.int_inputs,
            text_inputs=self.program.text_inputs,
        )
        self.cells = np.full(self.program.references, -1, dtype=np.int64)
        self.cells[: self.program.float_inputs] = np.arange(self.program.float_inputs)
        self._blocks: dict[bytes, int] = {}
        self._gathered: dict[bytes, int] = {}

    def encode(self, steps: list[Step], outputs: dict[int, int]) -> native.NativeModel:
        """Returns the message; call it once."""
        self._place_constants(steps, outputs)
        for step in steps:
            self._write(step)
        for column, reference in outputs.items():
            self.message.outputs.add(column=column, cell=self._cell(reference))
        self.message.cells = self._next
        return self.message

    def _place_constants(self, steps: list[Step], outputs: dict[int, int]) -> None:
        """Gives every operand that is made of constants a block of its own, and single constants a cell."""
        constants = self.program.constants
        for reference in outputs.values():
            if reference in constants:
                self._block(np.array([reference]))
        for step in steps:
            if step.operation == native.NATIVE_INT or step.of_line:
                continue
            for operand in step.operands:
                fixed = [reference in constants for reference in operand.tolist()]
                if fixed and all(fixed) and step.operation != native.NATIVE_TREES:
                    self._block(_single(operand) if _elementwise(step) else operand)
                elif any(fixed):
                    for reference in operand[fixed].tolist():
                        self._block(np.array([reference]))
        self.message.constants.extend(self.constants)
        self._next = self.program.float_inputs + len(self.constants)

    def _block(self, references: References) -> int:
        values = np.array([self.program.constants[item] for item in references.tolist()], dtype=np.float32)
        key = values.tobytes()
        if key not in self._blocks:
            self._blocks[key] = self.program.float_inputs + len(self.constants)
            self.constants.extend(values.tolist())
        return self._blocks[key]

    def _cell(self, reference: int) -> int:
        if reference in self.program.constants:
            return self._block(np.array([reference]))
        return int(self.cells[reference])

    def _claim(self, width: int) -> int:
        start = self._next
        self._next += width
        return start

    def _write(self, step: Step) -> None:
        message = native.NativeStep(operation=step.operation, width=len(step.outs), group=step.group)
        if step.operation == native.NATIVE_INT:
            return self._write_ints(step)
        if isinstance(step.table, Ensemble):
            message.table = self._ensemble(step.table, step.operands[0])
        elif step.of_line:
            message.operands.add(start=int(step.operands[0][0]))
            message.table = self._table(step.table)
        else:
            message.operands.extend(self._operand(step, operand) for operand in step.operands)
            message.table = self._table(step.table)
        message.out = self._claim(len(step.outs))
        self.cells[step.outs] = np.arange(message.out, message.out + len(step.outs))
        self.message.steps.append(message)
        return None

    def _write_ints(self, step: Step) -> None:
        """Whole numbers are read in runs of neighbours."""
        inputs = step.operands[0]
        for run in np.split(np.arange(len(inputs)), np.flatnonzero(np.diff(inputs) != 1) + 1):
            out = self._claim(len(run))
            operand = native.NativeOperand(start=int(inputs[run[0]]))
            self.message.steps.add(operation=native.NATIVE_INT, operands=[operand], out=out, width=len(run))
            self.cells[step.outs[run]] = np.arange(out, out + len(run))

    def _operand(self, step: Step, references: References) -> native.NativeOperand:
        if _elementwise(step) and len(_single(references)) < len(references):
            return native.NativeOperand(start=self._cell(int(references[0])), single=True)
        if all(reference in self.program.constants for reference in references.tolist()):
            return native.NativeOperand(start=self._block(references))
        cells = np.array([self._cell(reference) for reference in references.tolist()])
        if (np.diff(cells) == 1).all():
            return native.NativeOperand(start=int(cells[0]))
        return native.NativeOperand(start=self._gather(cells))

    def _gather(self, cells: References) -> int:
        key = cells.tobytes()
        if key not in self._gathered:
            out = self._claim(len(cells))
            self._gathered[key] = out
            self.message.steps.add(
                operation=native.NATIVE_GATHER, out=out, width=len(cells), sources=cells.tolist()
            )
        return self._gathered[key]

    def _table(self, table: Matrix | Dictionary | Ensemble | None) -> int:
        if isinstance(table, Matrix):
            rows, columns = table.weights.shape
            self.message.matrices.add(
                rows=rows,
                columns=columns,
                weights=table.weights.reshape(-1).tolist(),
                bias=None if table.bias is None else table.bias.tolist(),
            )
            return len(self.message.matrices) - 1
        if isinstance(table, Dictionary):
            entry = self.message.dictionaries.add(
                width=table.values.shape[1],
                values=table.values.reshape(-1).tolist(),
                otherwise=None if table.otherwise is None else table.otherwise.tolist(),
            )
            entry.texts.extend(key for key in table.keys if isinstance(key, str))
            entry.ints.extend(key for key in table.keys if isinstance(key, int))
            entry.floats.extend(key for key in table.keys if isinstance(key, float))
            return len(self.message.dictionaries) - 1
        return 0

    def _ensemble(self, ensemble: Ensemble, references: References) -> int:
        targets = ensemble.trees[0].weights.shape[1]
        entry = self.message.ensembles.add(targets=targets, divisor=ensemble.divisor)
        if ensemble.base_values is not None:
            entry.base_values.extend(ensemble.base_values.tolist())
        for slot, reference in zip(ensemble.slots, references.tolist(), strict=True):
            entry.slots.add(
                cell=self._cell(reference),
                missing_left=slot.missing_left,
                members=slot.members,
                missing_is_member=slot.missing_is_member,
            )
        for tree in ensemble.trees:
            entry.tree_nodes.append(len(tree.slots))
            entry.node_slots.extend(tree.slots.tolist())
            entry.node_thresholds.extend(tree.thresholds.tolist())
            entry.node_lefts.extend(tree.lefts.tolist())
            entry.node_rights.extend(tree.rights.tolist())
            entry.leaf_weights.extend(tree.weights.reshape(-1).tolist())
        return len(self.message.ensembles) - 1


def _elementwise(step: Step) -> bool:
    return native.NATIVE_NEGATE <= step.operation <= native.NATIVE_SELECT


def _single(references: References) -> References:
    """Returns one reference where all are the same."""
    return references[:1] if len(references) and (references == references[0]).all() else references
