"""A bundle -> numpy tables; a request's features -> which actions and treatments its policies leave.

Compiled once from the sealed bundle, generically. The truth of everything is a small number, 0 false, 1
unknown, 2 true: then Kleene's OR is a maximum, AND is a minimum and NOT is 2 minus. One request is one pass
over all literals, one over all clauses and one over all actions, each a handful of numpy calls.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nextbest.v1 import bundle_pb2 as pb
from programs import constant

FALSE, UNKNOWN, TRUE = 0, 1, 2
Truth = NDArray[np.uint8]

_OPERATORS = {
    pb.Comparison.LT: np.less,
    pb.Comparison.LE: np.less_equal,
    pb.Comparison.GT: np.greater,
    pb.Comparison.GE: np.greater_equal,
    pb.Comparison.EQ: np.equal,
}
_NUMBERS = (pb.TYPE_INT, pb.TYPE_DOUBLE, pb.TYPE_TIMESTAMP, pb.TYPE_DURATION)


class Policies:
    """The policies of a bundle, ready to be asked."""

    def __init__(self, bundle: pb.Bundle) -> None:
        """Compiles the bundle's literals, clauses, actions and treatments."""
        self._literals = _Literals(bundle)
        never_true, always_true = len(bundle.literals), len(bundle.clauses)
        self._clauses = _padded([clause.literals for clause in bundle.clauses], never_true)
        actions = [[*a.eligibility, *a.applicability, *a.suitability] for a in bundle.actions]
        self._actions = _padded(actions, always_true)
        self._treatments = _padded([t.eligibility for a in bundle.actions for t in a.treatments], always_true)
        self._context_weights = _padded([weight.clauses for weight in bundle.context_weights], always_true)

    def hold(self, features: Sequence[Any]) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]:
        """Returns which actions, treatments and context weights hold, in the order of the bundle."""
        literals = self._literals.truth(features)
        clauses = np.append(literals[self._clauses].max(axis=1), TRUE).astype(np.uint8)
        return (
            clauses[self._actions].min(axis=1) == TRUE,
            clauses[self._treatments].min(axis=1) == TRUE,
            clauses[self._context_weights].min(axis=1) == TRUE,
        )


class _Literals:
    """All literals of a bundle, sorted into what numpy can do at once."""

    def __init__(self, bundle: pb.Bundle) -> None:
        self._negated = np.array([*(literal.negated for literal in bundle.literals), False])
        # A last literal that is always false pads clauses.
        self._count = len(bundle.literals) + 1
        comparisons: dict[int, list[tuple[int, int, float]]] = {}
        self._choices: dict[int, _Choice] = {}
        self._lists: dict[int, dict[Any, list[int]]] = {}
        present: list[tuple[int, int]] = []
        for index, literal in enumerate(bundle.literals):
            kind, feature = literal.WhichOneof("test"), literal.feature
            if kind == "is_present":
                present.append((index, feature))
            elif kind == "contains":
                self._lists.setdefault(feature, {}).setdefault(constant(literal.contains), []).append(index)
            elif kind == "comparison" and bundle.features[feature].type in _NUMBERS:
                value = float(constant(literal.comparison.value))
                comparisons.setdefault(literal.comparison.operator, []).append((index, feature, value))
            else:
                self._choices.setdefault(feature, _Choice()).add(index, literal)
        self._present = np.array(present, dtype=np.int64).reshape(-1, 2)
        self._comparisons = [
            (_OPERATORS[op], *(np.array(column) for column in zip(*rows, strict=True)))
            for op, rows in comparisons.items()
        ]
        used = sorted({int(f) for _, _, features, _ in self._comparisons for f in features})
        self._numeric = used
        for choice in self._choices.values():
            choice.finish()
        self._list_literals = {
            f: np.concatenate([np.array(v) for v in found.values()]) for f, found in self._lists.items()
        }
        self._feature_count = len(bundle.features)

    def truth(self, features: Sequence[Any]) -> Truth:
        """The truth of each literal."""
        truth = np.zeros(self._count, dtype=np.uint8)
        numbers = np.full(self._feature_count, np.nan)
        for feature in self._numeric:
            value = features[feature]
            if value is not None:
                numbers[feature] = value
        for compare, literals, columns, values in self._comparisons:
            found = numbers[columns]
            truth[literals] = np.where(np.isnan(found), UNKNOWN, 2 * compare(found, values))
        for feature, choice in self._choices.items():
            truth[choice.literals] = choice.rows.get(_key(features[feature]), choice.other)
        for feature, literals in self._list_literals.items():
            items = features[feature]
            truth[literals] = UNKNOWN if items is None else FALSE
            for item in items or ():
                truth[self._lists[feature].get(item, [])] = TRUE
        there = np.array([value is not None for value in features])
        truth[self._present[:, 0]] = 2 * there[self._present[:, 1]]
        return np.where(self._negated, 2 - truth, truth).astype(np.uint8)


class _Choice:
    """Literals of a feature that is looked up: text, truth, small sets. A row of truths a known value."""

    def __init__(self) -> None:
        self._accepted: list[tuple[int, list[Any]]] = []

    def add(self, index: int, literal: pb.Literal) -> None:
        kind = literal.WhichOneof("test")
        if kind == "is_true":
            self._accepted.append((index, [True]))
        elif kind == "one_of":
            self._accepted.append((index, [constant(value) for value in literal.one_of.values]))
        elif literal.comparison.operator == pb.Comparison.EQ:
            self._accepted.append((index, [constant(literal.comparison.value)]))
        else:
            raise NotImplementedError(f"`{literal.text}`: an order on text")

    def finish(self) -> None:
        self.literals = np.array([index for index, _ in self._accepted])
        values = {_key(value) for _, accepted in self._accepted for value in accepted}
        self.rows = {
            value: np.array([2 * (value in map(_key, accepted)) for _, accepted in self._accepted], np.uint8)
            for value in values
        }
        self.rows[_key(None)] = np.full(len(self._accepted), UNKNOWN, np.uint8)
        self.other = np.zeros(len(self._accepted), np.uint8)


def _key(value: Any) -> tuple[str, Any]:
    # True equals 1 in Python, not in a policy.
    return (type(value).__name__, value)


def _padded(rows: Sequence[Sequence[int]], padding: int) -> NDArray[np.int64]:
    width = max((len(row) for row in rows), default=0) or 1
    return np.array([[*row, *[padding] * (width - len(row))] for row in rows], np.int64).reshape(-1, width)
