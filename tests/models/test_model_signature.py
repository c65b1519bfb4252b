"""Signatures of real models, and refusals of files that are not models."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from skl2onnx import to_onnx
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from nextbest import models
from nextbest.models import Element, Labels, ModelError, Tensor


def _graph(nodes, inputs, outputs, opset=17, **more):
    graph = helper.make_graph(nodes, "g", inputs, outputs, **more)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def _identity(element, shape):
    return _graph(
        [helper.make_node("Identity", ["x"], ["y"])],
        [helper.make_tensor_value_info("x", element, shape)],
        [helper.make_tensor_value_info("y", element, shape)],
    ).SerializeToString()


def test_a_classifier_of_scikit_learn():
    rows = np.array([[1.0, 2.0], [2.0, 1.0], [3.0, 5.0], [4.0, 2.0]], dtype=np.float32)
    model = LogisticRegression().fit(rows, [0, 1, 0, 1])
    signature = models.inspect(to_onnx(model, rows, options={"zipmap": False}).SerializeToString())
    assert signature.inputs == (Tensor("X", Element.FLOAT32, (None, 2), "tensor(float)"),)
    assert [tensor.name for tensor in signature.outputs] == ["label", "probabilities"]
    classes = Labels(("0", "1"), are_texts=False)
    assert signature.outputs[1] == Tensor(
        "probabilities", Element.FLOAT32, (None, 2), "tensor(float)", labels=classes
    )


def test_a_type_that_is_not_a_tensor_has_its_onnx_name():
    rows = np.array([["a"], ["b"], ["a"], ["b"]])
    model = make_pipeline(OneHotEncoder(), LogisticRegression()).fit(rows, [0, 1, 0, 1])
    signature = models.inspect(to_onnx(model, rows).SerializeToString())
    assert signature.inputs[0].element is Element.STRING
    zipped = signature.outputs[1]
    assert (zipped.element, zipped.shape) == (Element.OTHER, ())
    assert zipped.type_text == "seq(map(int64,tensor(float)))"


@pytest.mark.parametrize(
    ("element", "expected"),
    [
        (TensorProto.FLOAT, Element.FLOAT32),
        (TensorProto.DOUBLE, Element.FLOAT64),
        (TensorProto.INT64, Element.INT64),
        (TensorProto.STRING, Element.STRING),
        (TensorProto.BOOL, Element.BOOLEAN),
        (TensorProto.UINT8, Element.OTHER),
    ],
)
def test_elements(element, expected):
    signature = models.inspect(_identity(element, ["rows", 3]))
    assert signature.inputs[0].element is expected
    assert signature.inputs[0].shape == (None, 3)


def test_a_scalar_has_no_dimension():
    assert models.inspect(_identity(TensorProto.FLOAT, [])).inputs[0].shape == ()


def _with_external_data():
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[1], data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value="/etc/hostname")
    return _graph(
        [helper.make_node("Identity", ["w"], ["y"])],
        [],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])],
        initializer=[tensor],
    ).SerializeToString()


def _with_unknown_operator():
    return _graph(
        [helper.make_node("Frobnicate", ["x"], ["y"])],
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])],
    ).SerializeToString()


def _of_the_future(domain="", ir=8):
    model = onnx.ModelProto.FromString(_identity(TensorProto.FLOAT, [1]))
    model.ir_version = ir
    if ir == 8:
        del model.opset_import[:]
        model.opset_import.extend(helper.make_opsetid(d, 999 if d == domain else 17) for d in {"", domain})
    return model.SerializeToString()


def _of_types_that_do_not_go_together():
    model = onnx.ModelProto.FromString(_identity(TensorProto.FLOAT, [1]))
    model.graph.output[0].type.tensor_type.elem_type = TensorProto.INT64
    return model.SerializeToString()


@pytest.mark.parametrize(
    ("data", "code", "message", "remedy"),
    [
        (b"", "NB651", "the file is empty", "export the model again"),
        (b"PK\x03\x04 a zip file", "NB651", "not an ONNX model", "give the file that skl2onnx"),
        (
            _with_unknown_operator(),
            "NB655",
            "uses `Frobnicate`, which is not allowed",
            "not an operator of ONNX",
        ),
        (_with_external_data(), "NB653", "keeps its weights in another file", "export it as a single file"),
        (
            _of_types_that_do_not_go_together(),
            "NB659",
            "ONNX Runtime does not open it: Type Error",
            "onnx.checker",
        ),
        (
            _of_the_future(),
            "NB658",
            "written for a newer ONNX: opset 999 of ai.onnx, at most 26 is supported",
            "`target_opset=26`",
        ),
        (
            _of_the_future(ir=14),
            "NB658",
            "written for a newer ONNX: IR version 14, at most 13 is supported",
            "`model.ir_version = 13`",
        ),
        (
            _of_the_future(domain="ai.onnx.ml"),
            "NB658",
            "written for a newer ONNX: opset 999 of ai.onnx.ml, at most 5 is supported",
            '`target_opset={"ai.onnx.ml": 5}`',
        ),
    ],
    ids=[
        "empty",
        "zip",
        "unknown operator",
        "external data",
        "types",
        "newer opset",
        "newer IR",
        "newer ML opset",
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_a_remedy(data, code, message, remedy, capfd):
    with pytest.raises(ModelError) as caught:
        models.inspect(data)
    assert caught.value.code == code
    assert caught.value.message.startswith(message)
    assert "\n" not in caught.value.message
    assert remedy in caught.value.help
    assert capfd.readouterr() == ("", ""), "ONNX Runtime wrote to the terminal"


def test_too_large_a_file_is_not_even_opened(monkeypatch):
    monkeypatch.setattr("nextbest.models.wire.SIZE_BYTES_MAX", 10)
    with pytest.raises(ModelError, match="train a smaller model"):
        models.inspect(bytes(11))


def test_the_runtime_is_found_without_importing_the_package(tmp_path):
    code = (
        "import sys, nextbest.models as m; print(m.locate_runtime());"
        "assert not [name for name in sys.modules if name.startswith('onnxruntime')]"
    )
    path = Path(
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout.strip()
    )
    assert path.is_absolute()
    assert path.is_file()
    assert path.name.startswith("libonnxruntime.so.1.")


def test_inspecting_a_model_leaves_no_telemetry_behind(tmp_path):
    file = tmp_path / "m.onnx"
    file.write_bytes(_identity(TensorProto.FLOAT, [1]))
    code = f"import nextbest.models as m; m.inspect(open({str(file)!r}, 'rb').read())"
    environment = {"HOME": str(tmp_path), "PATH": "/usr/bin", "PYTHONPATH": ":".join(sys.path)}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
    assert [path.name for path in tmp_path.rglob("*")] == ["m.onnx"]
