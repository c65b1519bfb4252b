"""What the owner of a model does: push, look, compare, promote, go back, retire."""

import json
import shutil

import pytest
from onnx import TensorProto, helper

from nextbest.models.pushing.push import Request, push
from nextbest.registry.registry import Registry

OPSETS = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]


def model(slope: float, operator: str = "Sigmoid") -> bytes:
    """One number -> a probability."""
    nodes = [helper.make_node("Mul", ["x", "slope"], ["z"]), helper.make_node(operator, ["z"], ["p"])]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 1])],
        [helper.make_tensor_value_info("p", TensorProto.FLOAT, [None, 1])],
        [helper.make_tensor("slope", TensorProto.FLOAT, [1], [slope])],
    )
    made = helper.make_model(graph, opset_imports=OPSETS, ir_version=8, producer_name="te\x1b[31mst")
    helper.set_model_props(made, {"run": "17\x1b[2J"})
    return made.SerializeToString()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Two models, and what to push them with."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NEXTBEST_MODEL_REGISTRY", raising=False)
    return fill(tmp_path)


def fill(tmp_path):
    (tmp_path / "workspace.yaml").write_text("name: shop\n")
    (tmp_path / "a.onnx").write_bytes(model(0.1))
    (tmp_path / "b.onnx").write_bytes(model(0.2))
    (tmp_path / "binding.yaml").write_text("inputs: {x: customer.age}\nprior: 0.02\n")
    (tmp_path / "card.yaml").write_text("owner: Ana\nmetrics: {auc: 0.8}\nexpires: 2020-01-01\n")
    (tmp_path / "sample.csv").write_text("customer.age\n-10\n0\n10\n")
    return tmp_path


@pytest.fixture(scope="module")
def pushed_once(tmp_path_factory):
    """Two versions; the first is the champion, the second the challenger."""
    folder = fill(tmp_path_factory.mktemp("pushed"))
    registry, found = Registry(folder / "registry"), []
    for file, alias in (("a.onnx", "champion"), ("b.onnx", "challenger")):
        request = Request(
            model=folder / file, name="card", by="ana", binding=folder / "binding.yaml",
            background=folder / "sample.csv",
        )  # fmt: skip
        version = push(registry, request).version
        registry.promote(version, alias, by="ana", at="2026-01-02T03:04:05Z")
        found.append(version.digest)
    return registry.root, found


@pytest.fixture
def pushed(pushed_once, folder):
    """The digests of two versions that are in the registry of the folder."""
    shutil.copytree(pushed_once[0], folder / "models/registry")
    return pushed_once[1]


def test_a_push_reports_the_findings_and_the_next_step(nextbest, folder):
    ran = nextbest("model", "push", "a.onnx", "-n", "card", "--inputs", "binding.yaml")
    assert (ran.code, ran.err) == (0, "")
    lines = ran.out.splitlines()
    assert lines[0].startswith("pushed card@")
    assert [line.split()[0] for line in lines[1:8]] == [
        "score",
        "rows",
        "golden",
        "boundary",
        "spread",
        "latency",
        "engine",
    ]
    assert lines[1] == "  score     p[0]"
    assert "give rows with the trainer's scores, --golden" in lines[3]
    assert lines[8] == f"next: nextbest model promote {lines[0].split()[1]} --alias challenger"
    assert "--waive-golden REASON" in lines[9]
    again = nextbest("model", "push", "a.onnx", "-n", "card", "--inputs", "binding.yaml")
    assert again.code == 0
    assert "it existed already" in again.out


def test_a_push_for_machines(nextbest, folder):
    ran = nextbest("model", "push", "a.onnx", "--name", "card", "--promote", "champion", "--json")
    assert (ran.code, ran.err) == (0, "")
    found = json.loads(ran.out)
    assert found["is_new"] is True
    assert found["aliases"] == ["champion"]
    assert found["report"]["facts"]["operators"] == {"Mul": 1, "Sigmoid": 1}
    assert found["report"]["engine"]["name"] == "native"
    assert [(each["code"], each["severity"]) for each in found["warnings"]] == [("NB673", "warning")]
    assert found["history"][0]["waiver"] == "it was the first champion"
    assert len(found["version"]) == 64
    (folder / "c.onnx").write_bytes(model(0.3))
    refused = nextbest("model", "push", "c.onnx", "--name", "card", "--promote", "champion", "--dry-run")
    assert (refused.code, "error[NB673]" in refused.out) == (1, True)
    # Nothing is written, so that the same bytes can be pushed with golden rows.
    refused = nextbest("model", "push", "c.onnx", "--name", "card", "--promote", "champion")
    assert (refused.code, "error[NB673]" in refused.out, "push it with --golden" in refused.out) == (
        1,
        True,
        True,
    )
    assert json.loads(nextbest("model", "list", "--json").out)[0]["versions"] == [found["version"]]
    waived = ("--promote", "champion", "--waive-golden", "a test", "--json")
    assert json.loads(nextbest("model", "push", "c.onnx", "--name", "card", *waived).out)["aliases"] == [
        "champion"
    ]


def test_a_push_and_show_name_the_class_of_the_score(nextbest, folder):
    node = helper.make_node(
        "LinearClassifier", ["x"], ["label", "p"], domain="ai.onnx.ml", coefficients=[0.8, -0.8],
        intercepts=[-2.0, 2.0], post_transform="SOFTMAX", classlabels_strings=["accept", "decline"],
    )  # fmt: skip
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 1])]
    outputs = [
        helper.make_tensor_value_info("label", TensorProto.STRING, [None]),
        helper.make_tensor_value_info("p", TensorProto.FLOAT, [None, 2]),
    ]
    graph = helper.make_graph([node], "g", inputs, outputs)
    made = helper.make_model(graph, opset_imports=OPSETS, ir_version=8)
    (folder / "a.onnx").write_bytes(made.SerializeToString())
    ran = nextbest("model", "push", "a.onnx", "-n", "card", "--inputs", "binding.yaml")
    assert (ran.code, ran.out.count("NB676")) == (1, 1)
    assert "in a file for --inputs" not in ran.out
    assert "in a file for --inputs" in nextbest("model", "push", "a.onnx", "-n", "card").out
    (folder / "binding.yaml").write_text("inputs: {x: customer.age}\npositive_class: decline\n")
    ran = nextbest("model", "push", "a.onnx", "-n", "card", "--inputs", "binding.yaml")
    assert "  score     p[1]: decline\n" in ran.out
    shown = nextbest("model", "show", "card").out
    assert "p[1]: decline" in shown
    assert "accept is column 0, decline is column 1" in shown
    found = json.loads(nextbest("model", "show", "card", "--json").out)
    assert found["binding"]["positive_label"] == "decline"
    assert found["report"]["facts"]["signature"]["outputs"][1]["labels"]["names"] == ["accept", "decline"]


@pytest.mark.slow
def test_a_refusal_has_a_code_a_reason_and_a_remedy(nextbest, folder):
    (folder / "a.onnx").write_bytes(model(1.0, "Exp"))
    ran = nextbest(
        "model", "push", "a.onnx", "-n", "card", "--inputs", "binding.yaml", "--background", "sample.csv"
    )
    assert ran.code == 1
    assert "error[NB665]: has scores from 4.53999e-05 to 22026.5" in ran.out
    assert "help: export a classifier's probabilities" in ran.out
    assert not (folder / "models/registry/card/versions").exists()
    for_machines = nextbest("model", "push", "a.onnx", "-n", "card", "--budget-us", "0.01", "--json")
    assert for_machines.code == 1
    (refused,) = json.loads(for_machines.out)["refused"]
    assert (refused["code"], refused["file"]) == ("NB667", None)
    assert nextbest("check", "--explain", "NB667").code == 0


def test_a_wrong_binding_is_shown_at_its_place(nextbest, folder):
    (folder / "binding.yaml").write_text("inputs: {xx: customer.age}\n")
    ran = nextbest("model", "push", "a.onnx", "-n", "card", "--inputs", "binding.yaml")
    assert ran.code == 1
    assert " --> binding.yaml:1:10\n" in ran.out
    assert "^^" in ran.out


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("push", "gone.onnx", "-n", "card"), 2, "`gone.onnx` cannot be read: no such file"),
        (("push", "a.onnx", "-n", "../card"), 2, "`../card` is not a name"),
        (("push", "a.onnx", "-n", "card", "--promote", "best"), 2, "there is no alias `best`"),
        (("push", "a.onnx", "-n", "card", "--card", "gone.yaml"), 2, "`gone.yaml` cannot be read"),
        (("push", "a.onnx"), 2, "Missing option"),
        (("show", "card"), 1, "error[NB617]: no model `card` was pushed"),
        (("promote", "card@champion"), 1, "error[NB617]"),
        (("promote", "card"), 2, "`card` does not name a version"),
        (("retire", "card"), 2, "`card` does not name a version"),
        (("rollback", "card"), 1, "error[NB617]"),
        (("retire", "card@123456"), 1, "error[NB617]"),
        (("diff", "card@champion", "card@challenger"), 1, "error[NB617]"),
    ],
)
def test_what_cannot_be_done(nextbest, folder, arguments, code, message):
    ran = nextbest("model", *arguments)
    assert ran.code == code
    assert message in ran.out + ran.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("push", "a.onnx", "-n", "card", "--inputs", "binding.yaml"),
        ("list",),
        ("show", "card"),
        ("diff", "card@champion", "card@challenger"),
        ("promote", "card@champion"),
        ("rollback", "card"),
        ("retire", "card@champion"),
        ("revise", "card@champion", "--card", "card.yaml"),
    ],
)
def test_outside_a_workspace_a_registry_has_to_be_named(nextbest, folder, arguments):
    (folder / "workspace.yaml").unlink()
    before = sorted(folder.rglob("*"))
    ran = nextbest("model", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert "`.` is not a workspace: it has no `workspace.yaml`" in ran.err
    for way in ("-w", "--registry", "NEXTBEST_MODEL_REGISTRY"):
        assert way in ran.err
    assert sorted(folder.rglob("*")) == before
    (folder / "models/registry").mkdir(parents=True)
    assert "--registry models/registry" in nextbest("model", *arguments).err
    assert "is not a workspace" not in nextbest("model", *arguments, "--registry", "models/registry").err


def test_listing(nextbest, folder, pushed):
    ran = nextbest("model", "list")
    assert ran.code == 0
    assert pushed[0][:12] in ran.out
    (found,) = json.loads(nextbest("model", "list", "--json").out)
    assert found["name"] == "card"
    assert sorted(found["versions"]) == sorted(pushed)
    assert found["aliases"] == {"champion": pushed[0], "challenger": pushed[1]}
    assert "no models in" in nextbest("model", "list", "--registry", "elsewhere").out


@pytest.mark.parametrize("columns", ["79", "200"])
def test_a_list_fits_the_terminal(nextbest, folder, pushed, monkeypatch, columns):
    (folder / "card.yaml").write_text("owner: Ana\nexpires: 2020-01-01\n")
    nextbest("model", "revise", "card@champion", "--card", "card.yaml")
    (folder / "c.onnx").write_bytes(model(0.3, "Cos"))
    nextbest("model", "push", "c.onnx", "--name", "other")
    monkeypatch.setenv("COLUMNS", columns)
    found = nextbest("model", "list").out
    assert all(len(line) <= int(columns) for line in found.splitlines())
    for text in ("challenger", pushed[0][:8], pushed[1][:8], "onnxruntime", "2020-01-01", "(expired)"):
        assert text in found


def test_a_killed_push_and_a_champion_that_is_gone(nextbest, folder, pushed):
    (folder / "models/registry/killed/versions/.push-abc").mkdir(parents=True)
    assert "killed" not in nextbest("model", "list").out
    for version in (folder / "models/registry/card/versions").iterdir():
        shutil.rmtree(version)
    for command in (("list",), ("show", "card"), ("diff", "card", "card")):
        ran = nextbest("model", *command)
        assert (ran.code, ran.err, "NB618" in ran.out) == (1, "", True)


def test_showing(nextbest, folder, pushed):
    ran = nextbest("model", "show", "card")
    assert (ran.code, ran.err) == (0, "")
    for text in (
        "champion",
        "Mul (1), Sigmoid (1)",
        "customer.age",
        "p[0]",
        "3 rows from 0.2689 to 0.7311",
        "Moves",
    ):
        assert text in ran.out
    assert "\x1b" not in ran.out, "a model must not write to the terminal"
    challenger = json.loads(nextbest("model", "show", "card@challenger", "--json").out)
    assert challenger["version"] == pushed[1]
    assert challenger["history"][0]["alias"] == "challenger"
    assert challenger["is_retired"] is False


def test_an_expired_card_is_seen(nextbest, folder):
    ran = nextbest("model", "push", "a.onnx", "-n", "card", "--card", "card.yaml")
    assert ran.code == 0
    assert "warning[NB620]" in ran.out
    assert "2020-01-01 (expired)" in nextbest("model", "show", "card").out
    assert "(expired)" in nextbest("model", "list").out
    assert json.loads(nextbest("model", "list", "--json").out)[0]["is_expired"] is True


@pytest.mark.slow
def test_comparing(nextbest, folder, pushed):
    same = nextbest("model", "diff", "card@champion", "card@champion")
    assert same.code == 0
    assert same.out.splitlines()[1] == "only the bytes differ"
    sample = f"background sample of card@{pushed[0][:12]}"
    assert f"\nrows        3 ({sample})\ndifference  0.0000 on average, " in same.out
    found = json.loads(nextbest("model", "diff", "card@champion", "card@challenger", "--json").out)
    assert found["scores"]["rows"] == 3
    assert found["scores"]["difference_max"] == pytest.approx(0.1497, abs=1e-3)
    (folder / "rows.csv").write_text("customer.age;more\n10;1\n20;2\n")
    command = ("model", "diff", "card@champion", "card@challenger", "--rows", "rows.csv")
    assert "\nrows        2 (rows of the file)\n" in nextbest(*command, "--separator", ";").out
    (folder / "rows.csv").write_text("customer.aged\n10\n")
    refused = nextbest(*command)
    assert refused.code == 1
    assert "error[NB663]: the rows of the file have no column `customer.age`" in refused.out
    absent = nextbest(*command[:-1], "absent.csv")
    assert (absent.code, "--rows: `absent.csv` cannot be read" in absent.err) == (2, True)


def test_promoting_going_back_and_retiring(nextbest, folder, pushed):
    first, second = pushed
    refused = nextbest("model", "promote", "card@challenger")
    assert refused.code == 1
    assert "error[NB673]" in refused.out
    assert nextbest("model", "promote", "card@challenger", "--waive-golden", " ").code == 2
    ran = nextbest("model", "promote", "card@challenger", "--waive-golden", "scored-by-hand")
    assert "warning[NB673]" in ran.out
    assert "scored-by-hand" in nextbest("model", "show", "card").out
    assert (
        json.loads(nextbest("model", "show", "card", "--json").out)["history"][-1]["waiver"]
        == "scored-by-hand"
    )
    assert f"champion of card: {first[:12]} -> {second[:12]}" in ran.out
    assert "nextbest activate" in ran.out
    moved = json.loads(nextbest("model", "rollback", "card", "--json").out)
    assert (moved["move"]["after"], moved["move"]["is_rollback"]) == (first, True)
    assert "error[NB670]" in nextbest("model", "rollback", "card").out
    assert "error[NB669]" in nextbest("model", "retire", f"card@{second[:10]}").out
    nextbest("model", "promote", f"card@{first}", "--alias", "challenger")
    ran = nextbest("model", "retire", f"card@{second[:10]}")
    assert (ran.code, ran.out) == (0, f"retired card@{second[:12]}\n")
    assert "error[NB619]" in nextbest("model", "promote", f"card@{second[:10]}").out
    again = nextbest(
        "model", "push", "b.onnx", "-n", "card", "--inputs", "binding.yaml", "--background", "sample.csv"
    )
    assert again.out.splitlines()[-1] == f"card@{second[:12]} is retired, and cannot be promoted"
    assert "retired" in nextbest("model", "show", f"card@{second[:10]}").out


@pytest.mark.slow
def test_the_registry_may_be_elsewhere(nextbest, folder, monkeypatch):

    monkeypatch.setenv("NEXTBEST_MODEL_REGISTRY", str(folder / "two"))
    nextbest("model", "push", "a.onnx", "-n", "card")
    assert (folder / "two/card/versions").is_dir()
    nextbest("init", "shop")
    (folder / "shop/models").mkdir()
    (folder / "shop/models/card.yaml").write_text("name: card\nversion: champion\nprior: 0.1\n")
    assert (
        "error[NB617]: the alias `champion` of `card` names no version yet" in nextbest("check", "shop").out
    )
