"""Golden rows that a model does not reproduce -> what would reproduce them: what usually goes wrong, tried.

Another column or output, a margin or a percentage for a probability, a class for a score, rows or columns in
another order, missing values that were a number in training. Each is tried on a few rows, and what fits those
on all; only that is reported as the cause. What fits most rows is reported with its share.
"""

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from nextbest.models.job import Job, Rows
from nextbest.models.labels import Labels
from nextbest.models.refusal import ModelError
from nextbest.models.scoring import Scorer, Scores, row_count, take
from nextbest.models.signature import Signature

_SAMPLE_ROWS: Final = 200
_TRIALS_MAX: Final = 200
_SECONDS: Final = 2.0
_COLUMNS_MAX: Final = 1_000
_MOST: Final = 0.9
_SHIFT_MAX: Final = 3
_CLOSE: Final = 1e-3
_EXPORT: Final = "export the probabilities: `predict_proba` of a classifier, with its logistic"
_OTHERWISE: Final = "compare the order of columns and the missing values with those of training: {columns}"


@dataclass(frozen=True, slots=True)
class Cause:
    """Why golden rows are not reproduced.

    Attributes:
        fact: The finding, as the end of a sentence; empty if there is none.
        remedy: What to do about it.
    """

    fact: str
    remedy: str


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A way to come from the model's answers to `expected`.

    Attributes:
        fact: What agrees.
        remedy: What to do if it does.
        found: What it makes of the scores.
        expected: What that is compared with, where not `expected` itself.
    """

    fact: str
    remedy: str
    found: Scores
    expected: Scores | None = None


def explain_mismatch(session: Any, signature: Signature, job: Job, scores: Scores) -> Cause:
    """Looks for the cause.

    Args:
        session: The model, open.
        signature: Of the model.
        job: Has golden rows and their scores.
        scores: What the model answers to them.
    """
    assert job.golden is not None  # noqa: S101 - the caller has compared them
    assert job.expected is not None  # noqa: S101
    return _Comparison(session, signature, job, job.golden, job.expected, scores).cause()


@dataclass(frozen=True, slots=True)
class _Comparison:
    session: Any
    signature: Signature
    job: Job
    golden: Rows
    expected: Scores
    scores: Scores

    def cause(self) -> Cause:
        differences = np.abs(self.scores - self.expected)
        if np.all(differences <= _CLOSE):
            most = f"{float(f'{np.max(differences) * 1.05:.1e}'):g}"
            return Cause("", f"if that is the converter's rounding, allow for it with --tolerance {most}")
        best: tuple[float, _Candidate] | None = None
        for candidate in self._candidates():
            share = self._share(candidate)
            if share == 1.0:
                return Cause(f"{candidate.fact} agrees with all rows", candidate.remedy)
            if share >= _MOST and (best is None or share > best[0]):
                best = share, candidate
        found = self._order() or self._columns() or self._missing()
        if found is not None:
            return found
        shown = self._classes() or self._where()
        if shown is not None:
            return shown
        if best is not None and best[0] > self._share(_Candidate("", "", self.scores)):
            share, candidate = best
            return Cause(
                f"{candidate.fact} agrees with {share:.1%} of the rows",
                f"look at the others; {candidate.remedy}",
            )
        return Cause("", _OTHERWISE.format(columns=self._described()))

    def _share(self, candidate: _Candidate) -> float:
        expected = self.expected if candidate.expected is None else candidate.expected
        return float(np.mean(np.abs(candidate.found - expected) <= self.job.tolerance))

    def _candidates(self) -> Iterator[_Candidate]:
        """What is made of the scores alone, and the other columns and outputs."""
        yield from self._outputs()
        scores, expected = self.scores, self.expected
        yield _Candidate(
            "1 - score", "it is the other class: write `1 - expected`, or export the positive one", 1 - scores
        )
        yield _Candidate(
            "expected / 100", "`expected` is in percent: write it from 0 to 1", scores, expected / 100
        )
        yield _Candidate("score / 100", "the model answers in percent: export it from 0 to 1", scores / 100)
        yield _Candidate(
            "the logistic of `expected`",
            f"`expected` is a margin (log-odds): write the probability: {self._call()}, not the margin",
            scores,
            _logistic(expected),
        )
        yield _Candidate(
            "the logistic of the score",
            f"the model answers with a margin (log-odds): {_EXPORT}",
            _logistic(scores),
        )
        yield _Candidate(
            "1 - the logistic of the score",
            f"the model answers with a margin of the other class: {_EXPORT}",
            _logistic(-scores),
        )

    def _outputs(self) -> Iterator[_Candidate]:
        for tensor in self.signature.outputs:
            if not tensor.is_scores:
                continue
            table = self._table(tensor.name)
            for column in range(table.shape[1]):
                if (tensor.name, column) == (self.job.output, self.job.column):
                    continue
                found = self._confirmed(tensor.name, column, table[:, column])
                if found is None:
                    continue
                named = "" if tensor.labels is None else f" (the class `{tensor.labels.of(column)}`)"
                wanted = _written(tensor.labels, column)
                remedy = f"did you mean `positive_class: {wanted}`?"
                if tensor.name != self.job.output:
                    remedy = f"did you mean `output: {tensor.name}` and `positive_class: {wanted}`?"
                yield _Candidate(f"column {column} of `{tensor.name}`{named}", remedy, found)

    def _table(self, output: str) -> NDArray[np.float64]:
        """All columns of an output for a few rows; no columns if it is not available."""
        nothing = np.zeros((0, 0))
        sample = take(self.golden, self._sample())
        try:
            answer = self._answer(Scorer(self.session, output, 0), sample)
        except Exception:  # noqa: BLE001 - an output that cannot be computed is not the intended one
            return nothing
        if answer.dtype.kind != "f" or len(answer) != len(self._sample()):
            return nothing
        return answer.reshape(len(answer), -1)[:, :_COLUMNS_MAX].astype(np.float64)

    def _answer(self, scorer: Scorer, rows: Rows) -> NDArray[Any]:
        if not self.job.row_by_row:
            return np.asarray(scorer.run(rows))
        ones = [take(rows, np.array([row])) for row in range(row_count(rows))]
        return np.concatenate([np.asarray(scorer.run(one)) for one in ones])

    def _sample(self) -> NDArray[np.int64]:
        count = len(self.expected)
        return np.unique(np.linspace(0, count - 1, min(count, _SAMPLE_ROWS)).astype(np.int64))

    def _confirmed(self, output: str, column: int, sample: Scores) -> Scores | None:
        """The scores of a column for all rows, if it agrees with most of a few."""
        near = np.abs(sample - self.expected[self._sample()]) <= self.job.tolerance
        return self._score(self._scorer(output, column), self.golden) if np.mean(near) >= _MOST else None

    def _scorer(self, output: str, column: int) -> Scorer:
        return Scorer(self.session, output, column, row_by_row=self.job.row_by_row)

    def _score(self, scorer: Scorer, rows: Rows) -> Scores | None:
        try:
            return scorer.score(rows)
        except ModelError:
            return None

    def _order(self) -> Cause | None:
        """Whether the rows are those of `expected`, in another order."""
        scores, expected, tolerance = self.scores, self.expected, self.job.tolerance
        if len(np.unique(expected)) < 3:
            return None
        remedy = "write rows and `expected` from one frame, before either is sorted or filtered"
        for shift in range(1, min(_SHIFT_MAX, len(expected) - 3) + 1):
            for early, late, way in ((scores, expected, "later"), (expected, scores, "earlier")):
                if np.all(np.abs(early[:-shift] - late[shift:]) <= tolerance):
                    rows = f"{shift} row{'s' if shift > 1 else ''}"
                    return Cause(
                        f"`expected` agrees with all rows if it is shifted: it is {rows} {way}", remedy
                    )
        if np.all(np.abs(np.sort(scores) - np.sort(expected)) <= tolerance):
            return Cause(
                "sorted, the scores agree with `expected` in all rows", f"they are in another order: {remedy}"
            )
        return None

    def _columns(self) -> Cause | None:
        """Whether columns of an input are in another order."""
        return self._first_that_agrees(self._reordered())

    def _reordered(self) -> Iterator[tuple[Rows, Cause]]:
        for name, table in self.golden.items():
            if table.ndim != 2 or table.shape[1] < 2:
                continue
            names = list(self.job.columns.get(name, ()))
            if len(names) != table.shape[1]:
                names = [f"{name}[{index}]" for index in range(table.shape[1])]
            for order, words in _orders(names):
                rows = {**self.golden, name: table[:, order]}
                remedy = f"bind `{name}` in the order of training: {_listed(names, order)}"
                yield rows, Cause(f"all rows agree if {words}", remedy)

    def _missing(self) -> Cause | None:
        """Whether a number replaced missing values in training."""
        return self._first_that_agrees(self._filled())

    def _filled(self) -> Iterator[tuple[Rows, Cause]]:
        floats = {name: table for name, table in self.golden.items() if table.dtype.kind == "f"}
        if not any(np.isnan(table).any() for table in floats.values()):
            return
        for number in (0.0, -1.0, -999.0):
            filled = {
                name: np.where(np.isnan(table), number, table).astype(table.dtype)
                for name, table in floats.items()
            }
            remedy = f"write that into the binding: {{attribute: ..., missing: {number:g}}}"
            yield {**self.golden, **filled}, Cause(f"all rows agree if missing values are {number:g}", remedy)

    def _first_that_agrees(self, changed: Iterator[tuple[Rows, Cause]]) -> Cause | None:
        sample, until = self._sample(), time.monotonic() + _SECONDS
        scorer = self._scorer(self.job.output, self.job.column)
        for trials, (rows, cause) in enumerate(changed):
            if trials >= _TRIALS_MAX or time.monotonic() > until:
                return None
            few = self._score(scorer, take(rows, sample))
            if few is None or not np.all(np.abs(few - self.expected[sample]) <= self.job.tolerance):
                continue
            every = self._score(scorer, rows)
            if every is not None and np.all(np.abs(every - self.expected) <= self.job.tolerance):
                return cause
        return None

    def _classes(self) -> Cause | None:
        """Whether `expected` are classes and not scores."""
        values = np.unique(self.expected)
        if len(values) > 2 or not np.all(values == np.round(values)) or len(np.unique(self.scores)) <= 2:
            return None
        is_class = np.array_equal(self.expected == values[-1], self.scores > 0.5)
        what = "the class that the model predicts" if is_class else "a class or an outcome"
        shown = " or ".join(f"{value:g}" for value in values)
        return Cause(
            f"`expected` is {shown} in all rows: {what}, not a score",
            f"write the score: {self._call()}",
        )

    def _where(self) -> Cause | None:
        """Whether those rows differ that lack a value, and only those."""
        bad = ~(np.abs(self.scores - self.expected) <= self.job.tolerance)
        lacks = np.zeros(len(bad), dtype=bool)
        for table in self.golden.values():
            if table.dtype.kind == "f":
                lacks |= np.isnan(table.reshape(len(table), -1)).any(axis=1)
        if not np.any(bad) or np.any(bad & ~lacks) or np.all(lacks):
            return None
        return Cause(
            "the rows that differ all lack a value, and rows without missing values agree",
            "write what training used for missing values into the binding: {attribute: ..., missing: ...}",
        )

    def _call(self) -> str:
        """What gives the scores of the class that is bound, in the trainer's language."""
        widths = {tensor.name: tensor.width for tensor in self.signature.outputs}
        column = 1 if widths.get(self.job.output) == 1 else self.job.column
        return f"`model.predict_proba(rows)[:, {column}]`"

    def _described(self) -> str:
        named = [
            f"`{name}` is {_listed(list(names), range(len(names)))}"
            for name, names in self.job.columns.items()
            if names
        ]
        return "; ".join(named[:3]) or "the golden rows name them by their places"


def _logistic(margin: Scores) -> Scores:
    with np.errstate(over="ignore"):
        return np.asarray(1.0 / (1.0 + np.exp(-margin)))


def _written(labels: Labels | None, column: int) -> str:
    label = labels.of(column) if labels is not None else ""
    if label == str(column) and labels is not None and not labels.are_texts:
        return label
    is_plain = re.fullmatch(r"[A-Za-z_][\w -]*", label) and label.lower() not in {"null", "true", "false"}
    return (label if is_plain else json.dumps(label, ensure_ascii=False)) if label else str(column)


def _listed(names: list[str], order: Any) -> str:
    listed = [names[index] for index in order]
    more = f", and {len(listed) - 8} more" if len(listed) > 8 else ""
    return f"[{', '.join(listed[:8])}{more}]"


def _orders(names: list[str]) -> Iterator[tuple[list[int], str]]:
    """Orders that columns are often in by mistake, and what they are called; the likeliest first."""
    count = len(names)
    inorder = list(range(count))
    by_name = sorted(inorder, key=lambda index: names[index])
    seen = [inorder]
    for order, words in (
        (by_name, "columns are in the order of their names"),
        ([by_name.index(index) for index in inorder], "columns are taken out of the order of their names"),
        (inorder[::-1], "columns are in the reverse order"),
        ([*inorder[1:], 0], "the first column is the last"),
        ([count - 1, *inorder[:-1]], "the last column is the first"),
    ):
        if order not in seen:
            seen.append(order)
            yield order, words
    pairs = sorted(combinations(inorder, 2), key=lambda pair: (pair[1] - pair[0], pair))
    for first, second in pairs[:_TRIALS_MAX]:
        order = inorder.copy()
        order[first], order[second] = second, first
        if order not in seen:
            yield order, f"`{names[first]}` and `{names[second]}` change places"
