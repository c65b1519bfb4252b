"""Trees in the form that the engine runs: slots, nodes in preorder, leaves from left to right."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Slot:
    """A number that nodes test: a column of the ensemble's input, or whether it is one of `members`.

    With `cut`, it is the whole part of the column that is compared with the members.
    """

    column: int
    missing_left: bool = False
    members: tuple[float, ...] = ()
    missing_is_member: bool = False
    cut: bool = False


@dataclass(frozen=True, eq=False)
class Tree:
    """Nodes in preorder; `lefts` and `rights` are nodes, or leaves as -1 - n.

    Attributes:
        slots: Index of a slot of the ensemble, for each node.
        thresholds: A number goes left when it is at most this.
        weights: Of shape [leaves, targets]; 0 if a leaf has no weight for a target.
    """

    slots: NDArray[np.int64]
    thresholds: NDArray[np.float32]
    lefts: NDArray[np.int64]
    rights: NDArray[np.int64]
    weights: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Ensemble:
    """Trees whose leaves add up, in order; `divisor` 0: they are not averaged."""

    slots: tuple[Slot, ...]
    trees: tuple[Tree, ...]
    base_values: NDArray[np.float32] | None
    divisor: int

    def narrowed(self, targets: NDArray[np.bool_]) -> "Ensemble":
        """Keeps some targets, the trees that say something of them, and the slots of these trees."""
        trees = [
            Tree(tree.slots, tree.thresholds, tree.lefts, tree.rights, tree.weights[:, targets])
            for tree in self.trees
        ]
        # A sum that starts at 0.0 is never -0.0, so that a tree of zeros changes no bit of it.
        kept = [tree for tree in trees if tree.weights.any()] or trees[:1]
        used = sorted({slot for tree in kept for slot in tree.slots.tolist()})
        places = np.full(max(len(self.slots), 1), -1, dtype=np.int64)
        places[used] = np.arange(len(used))
        renumbered = tuple(
            Tree(places[tree.slots], tree.thresholds, tree.lefts, tree.rights, tree.weights) for tree in kept
        )
        base = None if self.base_values is None else self.base_values[targets]
        return Ensemble(tuple(self.slots[slot] for slot in used), renumbered, base, self.divisor)
