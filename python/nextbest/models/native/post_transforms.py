"""What ONNX Runtime does to the scores of several classes or targets before it answers."""

import numpy as np

from nextbest.models.native.program import Program
from nextbest.models.native.refusal import NotLowered
from nextbest.models.native.tensor import References
from nextbest.v1 import native_pb2 as native


def transform(program: Program, kind: str, scores: References) -> References:
    """Returns a line of transformed scores.

    Args:
        program: Takes the steps.
        kind: As ONNX writes it: NONE, LOGISTIC, SOFTMAX.
        scores: A line, of at least two.
    """
    if kind == "NONE":
        return scores
    if kind == "LOGISTIC":
        return program.apply(native.NATIVE_LOGISTIC, scores)
    if kind == "SOFTMAX":
        return program.whole(native.NATIVE_SOFTMAX, scores, len(scores), None)
    raise NotLowered(f"it ends in the post-transform {kind}")


def oppose(program: Program, score: References) -> References:
    """Returns two columns of logistic functions: of the only score of a classifier, and of its opposite."""
    return program.apply(native.NATIVE_LOGISTIC, negate(program, score))


def negate(program: Program, score: References) -> References:
    """Returns two columns: the opposite of the only score of a classifier, and the score."""
    return np.concatenate([program.apply(native.NATIVE_NEGATE, score), score])


def complement(program: Program, score: References) -> References:
    """Returns two columns that are made of a score that is a probability already."""
    one = program.constant(np.ones(1, dtype=np.float32))
    return np.concatenate([program.apply(native.NATIVE_SUBTRACT, one, score), score])
