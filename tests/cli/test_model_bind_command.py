"""`nextbest model bind`: where it writes, and where it does not."""

import json

import pytest
from onnx import TensorProto, helper


@pytest.fixture
def folder(tmp_path):
    nodes = [helper.make_node("Sigmoid", ["age"], ["p"])]
    age, p = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, 1]) for name in ("age", "p"))
    graph = helper.make_graph(nodes, "g", [age], [p])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    (tmp_path / "m.onnx").write_bytes(made.SerializeToString())
    (tmp_path / "workspace.yaml").write_text("name: shop\n")
    (tmp_path / "schema.yaml").write_text("customer:\n  age: {type: int}\n")
    return tmp_path


def test_it_writes_and_never_overwrites(nextbest, folder):
    command = ("model", "bind", folder / "m.onnx", "-w", folder)
    shown = nextbest(*command)
    assert shown.code == 0
    assert "  age: customer.age  # float32, by its name\n" in shown.out
    assert json.loads(nextbest(*command, "--json").out) == {
        "binding": shown.out, "by_name": {"age": "customer.age"}, "missing": [], "written": None,
    }  # fmt: skip
    target = folder / "binding.yaml"
    written = nextbest(*command, "--output", target)
    assert written.code == 0
    assert "1 by name, 0 to fill in" in written.out
    assert target.read_text() == shown.out
    pushed = nextbest(
        "model", "push", folder / "m.onnx", "-n", "m", "-w", folder, "--inputs", target, "--json"
    )
    assert json.loads(pushed.out)["binding"]["inputs"]["age"][0]["attribute"] == "customer.age"
    target.write_text("mine")
    again = nextbest(*command, "-o", target)
    assert again.code == 2
    assert "exists already" in again.err
    assert target.read_text() == "mine"
    assert nextbest(*command, "-o", folder / "none" / "b.yaml").code == 2


def test_without_a_schema_nothing_is_bound_and_a_note_has_the_reason(nextbest, folder):
    (folder / "empty").mkdir()
    found = nextbest("model", "bind", folder / "m.onnx", "-w", folder / "empty")
    assert found.code == 0
    assert "  age:  # float32\n" in found.out
    assert "has no schema" in found.err


def test_what_a_push_refuses_has_no_binding(nextbest, folder):
    (folder / "text.onnx").write_text("not a model")
    found = nextbest("model", "bind", folder / "text.onnx", "-o", folder / "b.yaml", "--json")
    assert found.code == 1
    assert [one["code"] for one in json.loads(found.out)["refused"]] == ["NB651"]
    assert not (folder / "b.yaml").exists()
    assert nextbest("model", "bind", folder / "none.onnx").code == 2
