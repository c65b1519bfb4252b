"""What a model of the corpus is, and the data it is trained on."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

COLUMNS = 6
JOBS = ("admin", "nurse", "pilot", "welder")
Feeds = Mapping[str, NDArray]


def draw_numbers(name: str = "X", columns: int = COLUMNS):
    """Draws one table of normal numbers."""

    def draw(rng: np.random.Generator, count: int) -> Feeds:
        return {name: rng.normal(size=(count, columns)).astype(np.float32)}

    return draw


NUMBERS = draw_numbers()


@dataclass(frozen=True, eq=False)
class Case:
    """A model.

    Attributes:
        onnx: The file.
        output: The output with the propensities.
        exact: It ends in trees (and at most a post-transform): every bit has to be ONNX Runtime's.
        columns: The columns of the output that are used.
        draw: Draws rows that are finite: inputs by name.
        lost: Whether inputs of floats may hold NaN and infinity.
    """

    onnx: bytes
    output: str = "probabilities"
    exact: bool = False
    columns: tuple[int, ...] = (1,)
    draw: Callable[[np.random.Generator, int], Feeds] = NUMBERS
    lost: bool = True


def table(
    count: int = 600, *, lost: float = 0.0, seed: int = 0
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Numbers of which a share is lost, and whether a customer accepts."""
    rng = np.random.default_rng(seed)
    numbers = rng.normal(size=(count, COLUMNS)).astype(np.float32)
    accepts = numbers[:, 0] + numbers[:, 1] * numbers[:, 2] + rng.normal(size=count) > 0
    numbers[rng.random(numbers.shape) < lost] = np.nan
    return numbers, accepts.astype(np.int64)
