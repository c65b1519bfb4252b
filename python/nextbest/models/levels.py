"""The nodes of trees as an exporter wrote them -> levels: a categorical split is one."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from nextbest.models.ensemble import Indices, Nodes

# A chain has fewer nodes than two to this.
_DOUBLINGS: Final = 32


@dataclass(frozen=True, slots=True)
class Levels:
    """Trees in which a set is one comparison, however many nodes the exporter wrote it as.

    Attributes:
        heads: For each node the node that it is a link of; itself if it is not a link.
        left: The left children of the nodes that are not links; the entries of links have no meaning.
        right: The right children, in the same way.
        is_node: Whether a node is counted, being no link.
        circling: Links of chains that run in a circle.
    """

    heads: Indices
    left: Indices
    right: Indices
    is_node: NDArray[np.bool_]
    circling: int


def join_chains(nodes: Nodes) -> Levels:
    """Joins chains of nodes: tests of one feature for equality, each asked where the one before it failed.

    Exporters write the categories of a split so, a node a category, all with the same child where they hold.
    """
    every = np.arange(len(nodes.left))
    is_branch = nodes.left >= 0
    asking = every[is_branch & nodes.are_equalities]
    met = np.bincount(np.concatenate([nodes.left[is_branch], nodes.right[is_branch]]), minlength=len(every))
    met[nodes.roots] += 1
    after = nodes.right[asking]
    is_linked = (
        (met[after] == 1)
        & nodes.are_equalities[after]
        & (nodes.features[after] == nodes.features[asking])
        & (nodes.targets[after] == nodes.targets[asking])
    )
    heads = every.copy()
    heads[after[is_linked]] = asking[is_linked]
    is_node = heads == every
    # Each step moves twice as far up: a node that has not reached a root after this number of steps is in a
    # cycle.
    for _ in range(_DOUBLINGS):
        heads = heads[heads]
    circling = int(np.count_nonzero(~is_node[heads]))
    # A leaf that only a link leads to is, in version 5, the leaf of its head under another position.
    copies = nodes.left[after[is_linked]]
    is_node[copies[(nodes.left[copies] < 0) & (met[copies] == 1)]] = False
    is_last = is_branch.copy()
    is_last[asking[is_linked]] = False
    last = every[is_last]
    right = nodes.right.copy()
    right[heads[last]] = nodes.right[last]
    return Levels(heads, nodes.left, right, is_node, circling)
