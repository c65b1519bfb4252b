"""Writes placed steps and their tables as a message."""

from dataclasses import dataclass, field

from nextbest.models.native.ensemble import Ensemble
from nextbest.models.native.placement import Move, Placement
from nextbest.models.native.program import Dictionary, Matrix, Table
from nextbest.v1 import native_pb2 as native


def encode(placement: Placement, outputs: dict[int, int]) -> native.NativeModel:
    """Returns the message.

    Args:
        placement: Steps in their order.
        outputs: Reference of each output column.
    """
    program = placement.program
    encoder = Encoder(
        native.NativeModel(
            cells=placement.cells,
            float_inputs=program.float_inputs,
            int_inputs=program.int_inputs,
            text_inputs=program.text_inputs,
            constants=placement.constants,
        )
    )
    for move in placement.moves:
        encoder.step(move)
    for column, reference in outputs.items():
        encoder.message.outputs.add(column=column, cell=placement.cell(reference))
    return encoder.message


@dataclass(eq=False)
class Encoder:
    """Adds steps to a message, and each table once."""

    message: native.NativeModel
    tables: dict[int, int] = field(default_factory=dict)

    def step(self, move: Move) -> None:
        """Adds one step."""
        entry = self.message.steps.add(out=move.out, width=move.width)
        for start, single in move.operands:
            entry.operands.add(start=start, single=single)
        if move.step is None:
            entry.operation = native.NATIVE_GATHER
            entry.sources.extend(move.sources)
            return
        entry.operation = move.step.operation
        entry.group = move.step.group
        table = move.step.table
        if isinstance(table, Ensemble):
            entry.table = len(self.message.ensembles)
            _write_ensemble(self.message.ensembles.add(), table, move.sources)
        elif table is not None:
            entry.table = self._table(table)

    def _table(self, table: Table) -> int:
        if id(table) not in self.tables:
            if isinstance(table, Matrix):
                self.tables[id(table)] = len(self.message.matrices)
                _write_matrix(self.message.matrices.add(), table)
            elif isinstance(table, Dictionary):
                self.tables[id(table)] = len(self.message.dictionaries)
                _write_dictionary(self.message.dictionaries.add(), table)
        return self.tables[id(table)]


def _write_matrix(entry: native.NativeMatrix, matrix: Matrix) -> None:
    entry.rows, entry.columns = matrix.weights.shape
    entry.weights.extend(matrix.weights.reshape(-1).tolist())
    if matrix.bias is not None:
        entry.bias.extend(matrix.bias.tolist())


def _write_dictionary(entry: native.NativeDictionary, dictionary: Dictionary) -> None:
    entry.width = dictionary.values.shape[1]
    entry.values.extend(dictionary.values.reshape(-1).tolist())
    if dictionary.otherwise is not None:
        entry.otherwise.extend(dictionary.otherwise.tolist())
    entry.texts.extend(key for key in dictionary.keys if isinstance(key, str))
    entry.ints.extend(key for key in dictionary.keys if isinstance(key, int))
    entry.floats.extend(key for key in dictionary.keys if isinstance(key, float))


def _write_ensemble(entry: native.TreeEnsemble, ensemble: Ensemble, cells: tuple[int, ...]) -> None:
    entry.targets = ensemble.trees[0].weights.shape[1]
    entry.divisor = ensemble.divisor
    if ensemble.base_values is not None:
        entry.base_values.extend(ensemble.base_values.tolist())
    for slot, cell in zip(ensemble.slots, cells, strict=True):
        entry.slots.add(
            cell=cell,
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
