"""Brings trees to one form: every node asks whether a number is at most a threshold, and goes left if so.

Of two children, the left one is where `x <= threshold` holds, and missing numbers go where the original
node sends them: with a flag, to its true branch; without, comparisons with NaN are false, and only "not
equal" is true.
"""

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from nextbest.models.native.ensemble import Slot, Tree
from nextbest.models.native.forest import Forest
from nextbest.models.native.program import EXACT_MAX
from nextbest.models.native.refusal import NotLowered

# Of a set's slot, which is 0.0 or 1.0.
_HALF: Final = np.float32(0.5)
# ONNX Runtime keeps sets of whole numbers in this range as bits, and compares whole parts with all others.
_BITS: Final = range(31)
# A tree whose branches meet again is written out; one that turns back on itself never ends.
_GROWTH_MAX: Final = 4


@dataclass(frozen=True)
class Question:
    """A node in the normal form: what it tests, and the nodes of the forest on both sides."""

    slot: Slot
    threshold: np.float32
    left: int
    right: int


@dataclass(eq=False)
class NormalForm:
    """Brings the trees of a forest to the form, and collects the slots that they share."""

    forest: Forest
    # Targets of the ensemble that is made, by target of the forest.
    targets: dict[int, int]
    slots: dict[Slot, int] = field(default_factory=dict)
    # Nodes and leaves of all trees so far.
    written: int = 0

    def tree(self, root: int) -> Tree:
        """Returns one tree.

        Raises:
            NotLowered: It has thresholds that are not numbers or weights that are not finite, or is not a
                tree.
        """
        nodes: list[tuple[int, np.float32]] = []
        children: list[list[int]] = [[], []]
        leaves: list[int] = []
        pending = [(root, -1, 0)]
        while pending:
            node, parent, side = pending.pop()
            self.written += 1
            if self.written > _GROWTH_MAX * len(self.forest.modes):
                raise NotLowered("a tree of it turns back on itself, or its branches meet too often")
            if self.forest.modes[node] == "LEAF":
                place = -1 - len(leaves)
                leaves.append(node)
            else:
                place = len(nodes)
                question = self._question(node)
                slot = self.slots.setdefault(question.slot, len(self.slots))
                nodes.append((slot, question.threshold))
                children[0].append(0)
                children[1].append(0)
                pending += [(question.right, place, 1), (question.left, place, 0)]
            if parent >= 0:
                children[side][parent] = place
        return Tree(
            np.array([slot for slot, _ in nodes], dtype=np.int64),
            np.array([threshold for _, threshold in nodes], dtype=np.float32),
            np.array(children[0], dtype=np.int64),
            np.array(children[1], dtype=np.int64),
            self._weights(leaves),
        )

    def _weights(self, leaves: list[int]) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        weights = np.zeros((len(leaves), len(self.targets)), dtype=np.float32)
        for place, leaf in enumerate(leaves):
            for target, weight in self.forest.weights[leaf]:
                weights[place, self.targets[target]] = weight
        if not np.isfinite(weights).all():
            raise NotLowered("a leaf of its trees has a weight that is not finite")
        return weights

    def _question(self, node: int) -> Question:
        forest = self.forest
        mode, column, missing_true = forest.modes[node], forest.columns[node], forest.missing_true[node]
        yes, no = forest.trues[node], forest.falses[node]
        threshold = forest.thresholds[node]
        # scikit-learn asks whether a number is missing by comparing with infinity.
        if mode != "MEMBER" and (np.isnan(threshold) or (mode in ("LT", "GTE") and threshold == -np.inf)):
            raise NotLowered("a node of its trees has a threshold that no number is compared with")
        if mode in ("LT", "GTE"):
            threshold = np.nextafter(threshold, np.float32(-np.inf))
        if mode in ("LEQ", "LT"):
            return Question(Slot(column, missing_left=missing_true), threshold, yes, no)
        if mode in ("GT", "GTE"):
            return Question(Slot(column, missing_left=not missing_true), threshold, no, yes)
        if mode == "NEQ":
            return Question(Slot(column, members=(float(threshold) + 0.0,)), _HALF, yes, no)
        if mode == "EQ":
            members = [float(threshold)]
            no = self._chain(node, members)
            return Question(_set(column, members, missing=missing_true, cut=False), _HALF, no, yes)
        members = forest.members[node]
        cut = min(members) < _BITS.start or max(members) > _BITS[-1]
        if cut and not all(member.is_integer() and abs(member) < EXACT_MAX for member in members):
            raise NotLowered("a node of its trees tests for membership of numbers that are not whole")
        return Question(_set(column, members, missing=missing_true, cut=cut), _HALF, no, yes)

    def _chain(self, node: int, members: list[float]) -> int:
        """Joins tests for equality that lead to the same node; returns where the last of them leads."""
        forest = self.forest
        no = forest.falses[node]
        while (
            forest.modes[no] == "EQ"
            and forest.columns[no] == forest.columns[node]
            and forest.trues[no] == forest.trues[node]
        ):
            if forest.missing_true[no] != forest.missing_true[node]:
                raise NotLowered("its trees send missing values two ways within a test of several numbers")
            members.append(float(forest.thresholds[no]))
            no = forest.falses[no]
            if len(members) > len(forest.modes):
                raise NotLowered("a tree of it turns back on itself")
        return no


def _set(column: int, members: list[float], *, missing: bool, cut: bool) -> Slot:
    if not np.isfinite(members).all():
        raise NotLowered("a node of its trees tests for a number that is not finite")
    # Zero equals minus zero; the sum makes one of both.
    distinct = tuple(sorted({member + 0.0 for member in members}))
    return Slot(column, members=distinct, missing_is_member=missing, cut=cut)
