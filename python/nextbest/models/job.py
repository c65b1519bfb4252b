"""What a child process is asked to do, and the bytes it is asked with.

Arrays are sent in numpy's format without pickles, so that reading them runs no code.
"""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

Rows = Mapping[str, NDArray[Any]]
"""For each input of a model its columns, [rows, columns]: floats, whole numbers, bools or text."""


class Plan(StrEnum):
    """How far to go."""

    INSPECTION = "inspection"
    """What it is made of and what it takes; nothing is scored."""
    REHEARSAL = "rehearsal"
    """Everything."""
    INDEPENDENCE = "independence"
    """Whether the score of a row depends on the rows beside it."""
    SCORING = "scoring"
    """Only the scores of the background rows."""


@dataclass(frozen=True, slots=True)
class Job:
    """A model and what to try with it.

    Attributes:
        onnx: Its bytes.
        plan: How far to go.
        any_operator: Take every standard operator that has a bound at all.
        output: Holds the scores.
        column: Of the output, from 0: the positive class.
        row_by_row: Score each row by itself.
        columns: For each input the names of its columns, for messages.
        golden: Rows with known scores.
        expected: Their scores.
        tolerance: Largest difference allowed, absolute.
        background: Rows as they occur.
        background_places: The position of each row in its file, from 0; empty if the sample is the whole
        file.
        budget_us: Most that scoring one row may take.
    """

    onnx: bytes
    plan: Plan
    any_operator: bool = False
    output: str = ""
    column: int = 0
    row_by_row: bool = False
    columns: Mapping[str, list[str]] = field(default_factory=dict)
    golden: Rows | None = None
    expected: NDArray[np.float64] | None = None
    tolerance: float = 1e-5
    background: Rows | None = None
    background_places: list[int] = field(default_factory=list)
    budget_us: float | None = None


_PLAIN = (
    "plan",
    "any_operator",
    "output",
    "column",
    "row_by_row",
    "columns",
    "tolerance",
    "background_places",
    "budget_us",
)
_TABLES = ("golden", "background")


def encode_job(job: Job) -> bytes:
    """Encodes a job."""
    arrays: dict[str, NDArray[Any]] = {
        "onnx": np.frombuffer(job.onnx, np.uint8),
        "plain": np.frombuffer(json.dumps({name: getattr(job, name) for name in _PLAIN}).encode(), np.uint8),
    }
    if job.expected is not None:
        arrays["expected"] = job.expected
    for table in _TABLES:
        # By position: a name of ONNX is any text, one of an archive is not.
        for index, (name, array) in enumerate((getattr(job, table) or {}).items()):
            arrays[f"{table}/{index}/name"] = np.frombuffer(name.encode(), np.uint8)
            arrays[f"{table}/{index}/rows"] = array.astype(np.str_) if array.dtype == object else array
    target = io.BytesIO()
    np.savez(target, **arrays)  # type: ignore[arg-type]
    return target.getvalue()


def decode_job(data: bytes) -> Job:
    """Decodes what `encode_job` made."""
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        plain = json.loads(arrays["plain"].tobytes())
        tables: dict[str, dict[str, NDArray[Any]]] = {}
        for key in arrays.files:
            table, _, rest = key.partition("/")
            if rest.endswith("/rows"):
                name = arrays[f"{key.removesuffix('rows')}name"].tobytes().decode()
                rows = arrays[key]
                tables.setdefault(table, {})[name] = rows.astype(object) if rows.dtype.kind == "U" else rows
        return Job(
            onnx=arrays["onnx"].tobytes(),
            expected=arrays["expected"] if "expected" in arrays.files else None,
            golden=tables.get("golden"),
            background=tables.get("background"),
            **{**plain, "plan": Plan(plain["plan"])},
        )
