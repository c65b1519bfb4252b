"""The engine of a model: native, unless its push found that ONNX Runtime is faster."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
from onnx import TensorProto, helper
from test_model_push import SHOP, fill, pushing

from nextbest import workspace
from nextbest.models.engine import engine_of
from nextbest.models.latency import is_slower, measure_latency, of_onnxruntime
from nextbest.models.native import prove
from nextbest.models.report import Engine, Latency
from nextbest.models.scoring import Scorer
from nextbest.models.signature import open_session
from nextbest.registry.registry import Registry

FASTER = Engine("onnxruntime", "faster than its native form: 4.0 us for one row", is_by_time=True)


def absolute() -> bytes:
    graph = helper.make_graph(
        [helper.make_node("Abs", ["x"], ["p"])],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 1])],
        [helper.make_tensor_value_info("p", TensorProto.FLOAT, [None, 1])],
    )
    opsets = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()


def test_what_a_push_has_measured_holds():
    onnx = absolute()
    chosen = engine_of(onnx, "p", [0], FASTER)
    assert (chosen.engine, chosen.native) == (FASTER, None)


def test_what_could_not_be_lowered_once_is_looked_at_again():
    """A later version of the server may have a native form of it."""
    for recorded in (None, Engine("onnxruntime", "its operator has no native kernel"), Engine("native", "")):
        assert engine_of(absolute(), "p", [0], recorded).engine.name == "native"


@pytest.mark.parametrize(
    ("native", "onnxruntime", "expected"),
    [
        ((4.0, 0.5), (4.0, 0.5), False),
        ((4.7, 0.59), (4.0, 0.5), False),
        ((4.9, 0.1), (4.0, 0.5), False),
        ((5.1, 0.1), (4.0, 0.5), True),
        ((0.2, 0.16), (2.0, 0.07), False),
        ((1.0, 0.59), (4.0, 0.5), False),
        ((1.0, 0.61), (4.0, 0.5), True),
    ],
)
def test_a_native_model_may_take_a_little_longer(native, onnxruntime, expected):
    assert is_slower(Latency(native[0], native[0], native[1], 100, *onnxruntime)) is expected


def test_without_a_native_form_nothing_is_compared():
    assert not is_slower(Latency(4.0, 4.0, 0.5, 100))


def test_the_reason_has_the_times_of_both():
    latency, reason = of_onnxruntime(Latency(20.0, 25.0, 19.5, 100, 4.0, 4.2))
    assert (latency.single_us, latency.batch_row_us, latency.onnxruntime_single_us) == (4.0, 4.2, None)
    assert "4.0 us for one row and 4.200 us a row of a hundred, native 20.0 and 19.500" in reason


def test_both_engines_are_timed():
    onnx = absolute()
    scorer, rows = Scorer(open_session(onnx), "p", 0), {"x": np.zeros((3, 1), np.float32)}
    found = measure_latency(scorer, rows, prove(onnx, "p", [0]), {"x": [False]})
    assert found.onnxruntime_single_us is not None
    assert found.onnxruntime_batch_row_us is not None
    assert min(found.single_us, found.onnxruntime_single_us, found.onnxruntime_batch_row_us) > 0
    assert measure_latency(scorer, rows, None, {"x": [False]}).onnxruntime_single_us is None


def test_a_compilation_takes_the_engine_that_the_version_records(tmp_path):
    folder = fill(tmp_path)
    assert pushing(folder).version is not None
    (pushed,) = Registry(folder / "models/registry").versions("card")
    found, onnx = (given := Registry(folder / "models/registry")).verify(pushed), given.model(pushed)
    files = {name: given.file(pushed, found, name) for name in found.files}
    shutil.rmtree(folder / "models/registry")
    slow = replace(found, report=replace(found.report, engine=FASTER))
    registry = Registry(folder / "models/registry")
    version = registry.publish(slow, onnx, files)
    registry.promote(version, "champion", by="ana", at="2026-01-01T00:00:00Z")
    for file, text in SHOP.items():
        (folder / file).parent.mkdir(exist_ok=True)
        (folder / file).write_text(text)
    for name in ("binding.yaml", "card.yaml"):
        (folder / name).unlink()
    (folder / "models/card.yaml").write_text("name: card\nversion: champion\n")
    (model,) = workspace.compile(folder).bundle.models
    assert not model.HasField("native")
    assert model.native_refusal == FASTER.reason
