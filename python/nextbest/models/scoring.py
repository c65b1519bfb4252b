"""An open model and rows -> scores of the positive class.

Every message of ONNX Runtime while it runs is turned into a refusal here.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from nextbest.models.job import Rows
from nextbest.models.refusal import RUNTIME, ModelError, out_of_memory, says_out_of_memory
from nextbest.models.runtime_text import RuntimeText, read_text
from nextbest.models.signature import Tensor, signature_of

BATCH_ROWS: Final = 1_000

Scores = NDArray[np.float64]


class Scorer:
    """A model that is open, with the output and column that hold its score.

    Args:
        session: ONNX Runtime's.
        output: Holds the scores.
        column: Of the output, from 0.
        row_by_row: Run each row by itself.
    """

    def __init__(self, session: Any, output: str, column: int, *, row_by_row: bool = False) -> None:
        self._session = session
        self._output = output
        self._column = column
        self._row_by_row = row_by_row
        self._inputs = signature_of(session).inputs

    def score(self, rows: Rows) -> Scores:
        """Scores rows, one or `BATCH_ROWS` at a time; NaN where the model answers that.

        Raises:
            ModelError: It fails (NB659), has no such score for every row (NB659), or runs out of memory
                (NB660).
        """
        count = row_count(rows)
        step = 1 if self._row_by_row else BATCH_ROWS
        parts = [
            self._batch(take(rows, np.arange(start, min(start + step, count))))
            for start in range(0, count, step)
        ]
        return np.concatenate(parts) if parts else np.zeros(0)

    def run(self, rows: Rows) -> Any:
        """Runs rows as a server does, and returns the output of the last run as it comes: what is timed."""
        if not self._row_by_row:
            return self._session.run([self._output], self.feeds(rows))[0]
        answer = None
        for row in range(row_count(rows)):
            one = {name: array[row : row + 1] for name, array in rows.items()}
            answer = self._session.run([self._output], self.feeds(one))[0]
        return answer

    def feeds(self, rows: Rows) -> Rows:
        """The rows as ONNX Runtime takes them: an input of the shape [rows] without its axis of columns."""
        vectors = {tensor.name for tensor in self.inputs if tensor.is_vector}
        return {name: array.reshape(-1) if name in vectors else array for name, array in rows.items()}

    def runs(self, count: int) -> int:
        """The number of runs of ONNX Runtime for a number of rows that are scored together."""
        return count if self._row_by_row else 1

    @property
    def column(self) -> int:
        """Of the output, the one that holds the score."""
        return self._column

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        """The model's inputs, in the graph's order."""
        return self._inputs

    def _batch(self, rows: Rows) -> Scores:
        try:
            answer = self.run(rows)
        except Exception as error:  # noqa: BLE001 - its exceptions share no base class but this
            raise explain_failure(error) from None
        count = row_count(rows)
        array = np.asarray(answer)
        if array.dtype.kind not in "fiub":
            message = f"the output `{self._output}` holds no numbers"
            raise ModelError(message, "export it with zipmap disabled", RUNTIME)
        if array.ndim == 1 and len(array) == count:
            return array.astype(np.float64)
        if array.ndim == 2 and len(array) == count and self._column < array.shape[1]:
            return array[:, self._column].astype(np.float64)
        message = f"the output `{self._output}` has the shape {list(array.shape)} for {count} rows"
        raise ModelError(message, "export it with an output of [rows, classes]", RUNTIME)


def explain_failure(error: Exception) -> ModelError:
    """Rewords the error of ONNX Runtime when it opens or runs a model."""
    text = str(error)
    read = read_text(text)
    if isinstance(error, MemoryError) or says_out_of_memory(text):
        return out_of_memory(read.where)
    return RunError(read)


class RunError(ModelError):
    """A model that ONNX Runtime opens and fails to run on some rows.

    Attributes:
        read: What it reports.
    """

    def __init__(self, read: RuntimeText) -> None:
        where = f" at {read.where}" if read.where else ""
        remedy = "score the same rows with onnxruntime where it was exported"
        super().__init__(f"fails when it is run{where}: {read.sentence}", remedy, RUNTIME)
        self.read = read


def row_count(rows: Rows) -> int:
    """How many rows there are."""
    return min((len(array) for array in rows.values()), default=0)


def take(rows: Rows, indices: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
    """Some of the rows, in the order of the indices."""
    return {name: array[indices] for name, array in rows.items()}
