"""Versions that are in a registry without a push: small graphs, bound or not, and rows."""

import hashlib
import io

import numpy as np
import polars as pl
from onnx import TensorProto, helper, numpy_helper

from nextbest.models.report import Confinement, Facts, Report
from nextbest.models.signature import Element, Signature, Tensor
from nextbest.registry.manifest import Binding, BoundColumn, Manifest
from nextbest.registry.registry import Registry

OPSETS = [helper.make_opsetid("", 17)]


def logistic(*weights, intercept=0.0):
    """The logistic function of a weighted sum of the columns of `x`."""
    nodes = [
        helper.make_node("Gemm", ["x", "w", "b"], ["z"]),
        helper.make_node("Sigmoid", ["z"], ["p"]),
    ]
    made = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, len(weights)])],
        [helper.make_tensor_value_info("p", TensorProto.FLOAT, [None, 1])],
        [
            numpy_helper.from_array(np.array(weights, np.float32).reshape(-1, 1), "w"),
            numpy_helper.from_array(np.array([intercept], np.float32), "b"),
        ],
    )
    return helper.make_model(made, opset_imports=OPSETS, ir_version=8).SerializeToString()


def identity():
    """A model whose score is its input."""
    made = helper.make_graph(
        [helper.make_node("Identity", ["x"], ["p"])],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 1])],
        [helper.make_tensor_value_info("p", TensorProto.FLOAT, [None, 1])],
    )
    return helper.make_model(made, opset_imports=OPSETS, ir_version=8).SerializeToString()


def parquet(frame):
    target = io.BytesIO()
    frame.write_parquet(target)
    return target.getvalue()


def publish(
    root,
    onnx,
    columns,
    *,
    name="card",
    element=Element.FLOAT32,
    pushed_at="2026-01-02",
    positive_label="",
    labels=None,
    **rows,
):
    """Adds a version.

    Args:
        root: Of the registry.
        onnx: A model with the input `x` and the output `p`.
        columns: Attributes, or pairs with a value for missing ones; a number of columns leaves it unbound.
        name: Of the model.
        element: Of the input, in the manifest's spelling.
        pushed_at: A day.
        positive_label: The class that is scored.
        labels: Of the output.
        rows: `background` and `golden`: frames.
    """
    width = columns if isinstance(columns, int) else len(columns)
    files = {f"{kind}.parquet": parquet(pl.DataFrame(frame)) for kind, frame in rows.items()}
    inputs = Tensor("x", element, (None, width), "tensor(float)")
    outputs = Tensor("p", Element.FLOAT32, (None, 1), "tensor(float)", labels=labels)
    facts = Facts(
        len(onnx), 3, "tests", 8, {"ai.onnx": 17}, {"Gemm": 1}, {}, Signature((inputs,), (outputs,))
    )
    pairs = [] if isinstance(columns, int) else [c if isinstance(c, tuple) else (c, "") for c in columns]
    manifest = Manifest(
        name=name,
        version=hashlib.sha256(onnx).hexdigest(),
        pushed_at=f"{pushed_at}T00:00:00Z",
        pushed_by="ana",
        files={file: hashlib.sha256(data).hexdigest() for file, data in files.items()},
        report=Report(facts, Confinement(files=True, network=True, privileges=True)),
        binding=Binding(
            {"x": [BoundColumn(*pair) for pair in pairs]} if pairs else {}, "p", 0, None, positive_label
        ),
    )
    return Registry(root).publish(manifest, onnx, files)
