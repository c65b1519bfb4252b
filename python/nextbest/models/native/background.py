"""Gives a native model what explanations are measured against: a background sample, counted.

ONNX carries neither how often each leaf of a tree was come to nor the means of inputs, and contributions need
both. A sample of the population that a model is used for, 1,000 to 10,000 rows, gives them: of a LightGBM
model and the rows it was trained on they are LightGBM's own; XGBoost counts Hessians instead, and so explains
a little differently.
"""

from nextbest import _core
from nextbest.v1 import native_pb2


class SampleError(ValueError):
    """A background sample that cannot be used with a model; the message has the reason."""


def add_background(
    model: native_pb2.NativeModel, rows: int, floats: bytes, ints: list[int], texts: list[str]
) -> int:
    """Fills the leaf covers and cell means of a native model.

    Args:
        model: Changed in place; what it had of another sample is overwritten.
        rows: How many rows the sample has.
        floats: Its numbers in the form of `_core.NativeModel`, with missing values replaced.
        ints: Its whole numbers, in the same form.
        texts: Its texts, in the same form.

    Returns:
        How many rows count: those that the model has a score for.

    Raises:
        SampleError: No row does.
        ValueError: The lines do not have this number of rows.
    """
    for ensemble in model.ensembles:
        del ensemble.leaf_covers[:]
    del model.cell_means[:]
    engine = _core.NativeModel(model.SerializeToString())
    counted, covers, means = engine.survey(rows, floats, ints, texts)
    if not counted:
        raise SampleError("the model has no score for any row of the background sample")
    for ensemble, of_leaves in zip(model.ensembles, covers, strict=True):
        ensemble.leaf_covers.extend(of_leaves)
    model.cell_means.extend(means)
    return counted
