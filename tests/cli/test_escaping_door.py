"""What strangers wrote into models, cards and registries reaches a terminal as text only."""

import json
import re
import unicodedata
from pathlib import Path

import pytest
from onnx import TensorProto, helper
from rich.table import Table
from rich.text import Text

from nextbest import cli
from nextbest.cli import output
from nextbest.diagnostics import Diagnostic

ESC, RLO, C1, NUL = "\x1b[2J\x1b]0;title\x07", "\u202e", "\x9b31m", "\x00"
HOSTILE = f"a{ESC}{RLO}{C1}\nFAKE line\rFAKE\u2028FAKE [/red] :smile: "
"""Without NUL, which ONNX Runtime takes for the end of a name."""
UNSAFE = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}


def assert_harmless(raw: str) -> None:
    assert [hex(ord(c)) for c in raw if c != "\n" and unicodedata.category(c) in UNSAFE] == []
    assert [line for line in raw.split("\n") if line.lstrip().startswith("FAKE")] == []


@pytest.mark.parametrize("hostile", [HOSTILE, HOSTILE + NUL, "\ud800\U000e0041\ue000"])
def test_every_way_out_escapes(capsys, monkeypatch, hostile):
    monkeypatch.setenv("COLUMNS", "1000")
    table = Table("title", hostile, title=HOSTILE.replace("\n", ""))
    table.add_row(hostile, Text(hostile, "red"))
    output.show(table, Text(hostile.replace("\n", "")), hostile.replace("\n", ""))
    output.show_line(Text(hostile.replace("\n", "")))
    output.say(hostile)
    output.show_diagnostics([Diagnostic("NB618", hostile, None, hostile)], {})
    output.write_json({hostile: hostile})
    output.write_note(hostile)
    output.write_error(output.CommandError(hostile, "help", 2, hostile))
    captured = capsys.readouterr()
    assert_harmless(captured.out.replace("\\n", ""))
    assert_harmless(captured.err)


@pytest.mark.parametrize("hostile", [HOSTILE + NUL, "\ud800", "\U000e0041 \U0001f600 é"])
def test_json_means_the_same(capsys, hostile):
    output.write_json({hostile: [hostile]})
    assert json.loads(capsys.readouterr().out) == {hostile: [hostile]}


def test_names_that_look_like_markup_are_shown_as_they_are(capsys):
    table = Table("name")
    table.add_row("[/red] [bold]x[/bold] :smile:")
    output.show(table)
    assert "[/red] [bold]x[/bold] :smile:" in capsys.readouterr().out


def hostile_model(slope: float) -> bytes:
    """A classifier in which every text is hostile."""
    score = helper.make_node(
        "LinearClassifier", [HOSTILE], ["label" + HOSTILE, "p" + HOSTILE], name="node" + HOSTILE,
        domain="ai.onnx.ml", coefficients=[-slope, slope], intercepts=[0.0, 0.0], post_transform="LOGISTIC",
        classlabels_strings=["yes" + HOSTILE, "no" + HOSTILE],
    )  # fmt: skip
    graph = helper.make_graph(
        [score],
        "g" + HOSTILE,
        [helper.make_tensor_value_info(HOSTILE, TensorProto.FLOAT, [None, 1])],
        [
            helper.make_tensor_value_info("label" + HOSTILE, TensorProto.STRING, [None]),
            helper.make_tensor_value_info("p" + HOSTILE, TensorProto.FLOAT, [None, 2]),
        ],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    made = helper.make_model(graph, opset_imports=opsets, ir_version=8, producer_name="p" + HOSTILE + NUL)
    helper.set_model_props(made, {"key" + HOSTILE + NUL: "value" + HOSTILE + NUL})
    return made.SerializeToString()


def quoted(plain: object) -> str:
    """As YAML, which reads JSON."""
    return json.dumps(plain)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NEXTBEST_MODEL_REGISTRY", str(tmp_path / "registry"))
    for name, slope in (("a", 0.1), ("b", 0.2)):
        (tmp_path / f"{name}.onnx").write_bytes(hostile_model(slope))
    binding = {
        "inputs": {HOSTILE: "customer.age"},
        "output": "p" + HOSTILE,
        "positive_class": "yes" + HOSTILE,
    }
    (tmp_path / "binding.yaml").write_text(quoted(binding))
    card = {"owner": HOSTILE, "description": HOSTILE, "population": HOSTILE, "limits": [HOSTILE]}
    (tmp_path / "card.yaml").write_text(quoted(card))
    (tmp_path / "sample.csv").write_text("customer.age\n-10\n0\n10\n")
    return tmp_path


def test_models_write_nothing_to_the_terminal(nextbest, folder, monkeypatch):
    monkeypatch.setenv("COLUMNS", "1000")
    pushed = ("-n", "card", "--inputs", "binding.yaml", "--card", "card.yaml", "--background", "sample.csv")
    codes = []
    for arguments in (
        ("bind", "a.onnx"),
        ("push", "a.onnx", "-n", "card"),
        ("push", "a.onnx", *pushed, "--promote", "champion"),
        ("push", "b.onnx", *pushed, "--promote", "challenger", "--dry-run"),
        ("push", "b.onnx", *pushed, "--promote", "challenger"),
        ("list",),
        ("show", "card"),
        ("diff", "card@champion", "card@challenger"),
        ("revise", "card@champion", "--card", "card.yaml"),
        ("promote", "card@champion", "--alias", "shadow"),
        ("retire", "card@champion"),
        ("rollback", "card"),
    ):
        for form in ((), ("--json",)):
            ran = nextbest("model", *arguments, *form)
            assert_harmless(ran.out)
            assert_harmless(ran.err)
            codes.append((arguments[0], ran.code))
    assert {name for name, code in codes if code == 2} == set(), codes
    assert ("show", 0) in codes
    assert ("diff", 0) in codes


def test_the_records_of_a_registry_write_nothing_to_the_terminal(nextbest, folder, monkeypatch):
    monkeypatch.setenv("COLUMNS", "1000")
    assert nextbest("model", "push", "a.onnx", "-n", "card", "--inputs", "binding.yaml").code == 0
    (version,) = (folder / "registry/card/versions").iterdir()
    move = {"alias": "champion", "before": "", "after": version.name, "by": HOSTILE, "at": HOSTILE}
    aliases = {"named": {"champion": version.name}, "retired": {}, "history": [move]}
    (folder / "registry/card/aliases.json").write_text(json.dumps(aliases))
    repair = {"by": HOSTILE, "at": HOSTILE, "files": [HOSTILE]}
    (folder / "registry/card/amendments.json").write_text(json.dumps({"repairs": {version.name: [repair]}}))
    for arguments in (("show", "card"), ("promote", "card@champion"), ("list",)):
        ran = nextbest("model", *arguments)
        assert ran.code == 0
        assert_harmless(ran.out)
    (folder / "registry/card/aliases.json").write_text(json.dumps({"named": HOSTILE}))
    ran = nextbest("model", "show", "card")
    assert ran.code == 1
    assert_harmless(ran.out)


def test_no_command_writes_past_the_door():
    package = Path(cli.__file__).parent
    past = re.compile(r"\bprint\(|std(?:out|err)\.(?:buffer\.)?write|\bConsole\(|typer\.echo|rich\.print")
    doors = {"output.py", "terminal.py", "progress.py"}
    found = {
        f"{path.relative_to(package)}: {line.strip()}"
        for path in package.rglob("*.py")
        if path.name not in doors
        for line in path.read_text().splitlines()
        if past.search(line) and not line.lstrip().startswith("#")
    }
    # Rendered diagnostics have passed already.
    assert found == {
        "workspaces.py: sys.stderr.write(render_all(compilation.errors, compilation.sources).plain)"
    }
