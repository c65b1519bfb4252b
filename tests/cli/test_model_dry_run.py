"""`nextbest model push --dry-run` finds what a push would, and writes nothing."""

import json

import pytest
from onnx import TensorProto, helper


def model(slope, operator="Sigmoid"):
    nodes = [helper.make_node("Mul", ["age", "slope"], ["z"]), helper.make_node(operator, ["z"], ["p"])]
    age, p = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, 1]) for name in ("age", "p"))
    slopes = helper.make_tensor("slope", TensorProto.FLOAT, [1], [slope])
    graph = helper.make_graph(nodes, "g", [age], [p], [slopes])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return made.SerializeToString()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "workspace.yaml").write_text("name: shop\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NEXTBEST_MODEL_REGISTRY", raising=False)
    (tmp_path / "schema.yaml").write_text("customer:\n  age: {type: int}\n")
    (tmp_path / "golden.csv").write_text("age,expected\n0,0.5\n")
    (tmp_path / "a.onnx").write_bytes(model(0.1))
    (tmp_path / "b.onnx").write_bytes(model(0.2))
    return tmp_path


def files(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*")}


def test_a_dry_run_writes_nothing_and_a_push_does_what_it_showed(nextbest, folder):
    before = files(folder)
    push = ("model", "push", "a.onnx", "-n", "card", "--golden", "golden.csv", "--promote", "challenger")
    dry = nextbest(*push, "--dry-run")
    assert dry.code == 0
    assert files(folder) == before
    assert "dry run: would push card@" in dry.out
    assert "golden    1 rows" in dry.out
    planned = json.loads(nextbest(*push, "--dry-run", "--json").out)
    assert (planned["is_new"], planned["is_dry_run"]) == (True, True)
    assert planned["move"]["alias"] == "challenger"
    assert planned["move"]["before"] == ""
    assert files(folder) == before

    pushed = json.loads(nextbest(*push, "--json").out)
    assert pushed["version"] == planned["version"] == planned["move"]["after"]
    assert pushed["aliases"] == ["challenger"]
    assert pushed["binding"] == planned["binding"]
    before = files(folder)

    again = nextbest(*push, "--dry-run")
    assert again.code == 0
    assert "already; nothing changes" in again.out
    assert not json.loads(nextbest(*push, "--dry-run", "--json").out)["is_new"]
    other = nextbest("model", "push", "b.onnx", "-n", "card", "--promote", "challenger", "--dry-run")
    assert f"challenger of card would move: {pushed['version'][:12]} -> " in other.out
    assert files(folder) == before


@pytest.mark.parametrize(
    ("change", "code"), [(["--promote", "best"], 2), (["--golden", "none.csv"], 2), ([], 1)]
)
def test_it_ends_as_a_push_does(nextbest, folder, change, code):
    (folder / "golden.csv").write_text("age,expected\n0,0.6\n")
    push = ("model", "push", "a.onnx", "-n", "card", "--golden", "golden.csv", *change)
    before = files(folder)
    dry = nextbest(*push, "--dry-run")
    real = nextbest(*push)
    assert (dry.code, dry.out, dry.err) == (code, real.out, real.err)
    assert files(folder) == before


def test_a_retired_version_would_not_be_promoted(nextbest, folder):
    push = ("model", "push", "a.onnx", "-n", "card", "--golden", "golden.csv")
    digest = json.loads(nextbest(*push, "--json").out)["version"]
    assert nextbest("model", "retire", f"card@{digest[:12]}").code == 0
    dry = nextbest(*push, "--promote", "champion", "--dry-run")
    assert dry.code == 1
    assert "NB619" in dry.out
