"""Whole numbers that pick lines of a table, natively: from the front, from the end, and of no line."""

import numpy as np
from corpus_shapes import graph
from onnx import TensorProto, helper, numpy_helper

from nextbest._core import NativeModel
from nextbest.models.native import prove

TABLE = np.array([[0.25], [0.5], [0.75]], dtype=np.float32)


def test_a_place_that_is_not_there_fails_its_row_alone():
    nodes = [helper.make_node("Gather", ["table", "place"], ["p"])]
    onnx = graph(nodes, {"place": (TensorProto.INT64, [None])}, [numpy_helper.from_array(TABLE, "table")])
    model = NativeModel(prove(onnx, "p", [0]).SerializeToString())
    places = [0, 2, -1, -3, 3, -4, 987_654_321]
    scores = np.frombuffer(model.score(len(places), b"", places, [], column=0), "<f4")
    assert scores.tolist()[:4] == [0.25, 0.75, 0.75, 0.25]
    assert np.isnan(scores[4:]).all()
