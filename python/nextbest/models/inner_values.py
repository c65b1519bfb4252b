"""A graph and rows -> every tensor that the graph makes of them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nextbest.models.job import Rows
from nextbest.models.signature import open_session


def inner_values(model: Any, feeds: Rows) -> dict[str, NDArray[Any]]:
    """Runs a graph with all of its tensors as outputs, but for those of a ZipMap.

    Args:
        model: An `onnx.ModelProto` whose structure has been checked.
        feeds: Rows as ONNX Runtime takes them (`Scorer.feeds`).

    Raises:
        Exception: ONNX Runtime does not run it so; its exceptions share no other base class.
    """
    spread = type(model).FromString(model.SerializeToString())
    del spread.graph.output[:]
    names = [name for node in model.graph.node if node.op_type != "ZipMap" for name in node.output if name]
    for name in names:
        spread.graph.output.add(name=name)
    session = open_session(spread.SerializeToString())
    return dict(zip(names, map(np.asarray, session.run(names, feeds)), strict=True))
