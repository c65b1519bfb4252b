"""`nextbest model pull` and `forget-rows`."""

import json
import subprocess
import sys

import pytest
from test_model_commands import folder, model, pushed, pushed_once  # noqa: F401 - fixtures


def test_a_pull_writes_the_file_of_a_version(nextbest, folder, pushed):  # noqa: F811 - fixtures
    ran = nextbest("model", "pull", "card@champion")
    assert (ran.code, ran.out) == (0, "wrote card.onnx\n")
    assert (folder / "card.onnx").read_bytes() == model(0.1)
    again = nextbest("model", "pull", "card@champion")
    assert again.code == 2
    assert "`card.onnx` exists already" in again.err
    assert nextbest("model", "pull", "card@challenger", "--force").code == 0
    assert (folder / "card.onnx").read_bytes() == model(0.2)
    assert nextbest("model", "pull", "card@challenger", "-o", "deep/other.onnx").code == 0
    assert (folder / "deep/other.onnx").read_bytes() == model(0.2)


def test_a_folder_has_what_another_registry_needs(nextbest, folder, pushed):  # noqa: F811 - fixtures
    (folder / "card.yaml").write_text("owner: Eve\n")
    nextbest("model", "revise", "card@champion", "--card", "card.yaml")
    found = json.loads(nextbest("model", "pull", "card@champion", "--to", "out", "--rows", "--json").out)
    names = ["card.onnx", "binding.yaml", "card.yaml", "background.parquet"]
    assert found["files"] == [f"out/{name}" for name in names]
    assert (folder / "out/card.yaml").read_text() == "owner: Eve\n"
    plain = nextbest("model", "pull", "card@champion", "--to", "plain")
    assert plain.out == "".join(f"wrote plain/{name}\n" for name in names[:3])
    given = (
        "--inputs",
        "out/binding.yaml",
        "--card",
        "out/card.yaml",
        "--background",
        "out/background.parquet",
    )
    ran = nextbest(
        "model", "push", "out/card.onnx", "-n", "card", *given, "--registry", "elsewhere", "--json"
    )
    assert json.loads(ran.out)["version"] == pushed[0]


def test_a_pull_goes_through_a_pipe(folder, pushed):  # noqa: F811 - fixtures
    command = [sys.executable, "-m", "nextbest.cli", "model", "pull", "card@champion", "-o", "-"]
    ran = subprocess.run(command, cwd=folder, capture_output=True, check=True)
    assert (ran.stdout, ran.stderr) == (model(0.1), b"")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("card",), 2, "`card` does not name a version"),
        (("card@shadow",), 1, "NB617"),
        (("card@champion", "-o", "x", "--to", "y"), 2, "give -o or --to"),
        (("card@champion", "--rows"), 2, "give it with --to"),
        (("card@champion", "-o", "-", "--json"), 2, "an ONNX file is not text"),
        (("card@champion", "-o", "binding.yaml/x.onnx"), 2, "cannot be written"),
    ],
)
def test_a_pull_that_is_refused(nextbest, folder, pushed, arguments, code, message):  # noqa: F811 - fixtures
    ran = nextbest("model", "pull", *arguments)
    assert ran.code == code
    assert message in ran.out + ran.err


def test_a_damaged_version_is_not_pulled(nextbest, folder, pushed):  # noqa: F811 - fixtures
    path = folder / f"models/registry/card/versions/{pushed[0]}/model.onnx"
    path.chmod(0o644)
    path.write_bytes(b"damaged")
    ran = nextbest("model", "pull", "card@champion")
    assert (ran.code, "NB618" in ran.out) == (1, True)
    assert not (folder / "card.onnx").exists()


def test_forgetting_rows(nextbest, folder, pushed):  # noqa: F811 - fixtures
    assert json.loads(nextbest("model", "show", "card", "--json").out)["rows"] == {
        "background.parquet": "kept",
        "reference.json": "kept",
    }
    ran = nextbest("model", "forget-rows", "card@champion")
    assert (ran.code, ran.out) == (0, f"forgot background.parquet of card@{pushed[0][:12]}\n")
    assert "forgotten on" in nextbest("model", "show", "card").out
    again = nextbest("model", "forget-rows", "card@champion", "--reference", "--json")
    assert json.loads(again.out)["forgotten"] == ["reference.json"]
    assert "has no rows to delete" in nextbest("model", "forget-rows", "card@champion", "--reference").out
    path = folder / f"models/registry/card/versions/{pushed[1]}/background.parquet"
    path.unlink()
    assert "not in this copy of the registry" in nextbest("model", "show", "card@challenger").out
    assert nextbest("model", "forget-rows", "card").code == 2
