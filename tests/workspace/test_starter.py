"""The starter is correct, passes its tests, and its files fit the schemas that its first lines name."""

import json
import re
from pathlib import Path

import jsonschema
import pytest

from nextbest import _core, workspace
from nextbest.bundle import seal
from nextbest.workspace import Kind
from nextbest.workspace.json_schema import json_schema, write_schemas
from nextbest.workspace.personas import run
from nextbest.workspace.source import parse
from nextbest.workspace.starter import write_starter


@pytest.fixture
def starter(tmp_path: Path) -> Path:
    folder = tmp_path / "bank"
    write_starter(folder)
    return folder


def test_check_finds_nothing(starter: Path):
    compilation = workspace.compile(starter)
    assert compilation.diagnostics == []
    assert len(compilation.bundle.actions) == 6
    assert len(compilation.bundle.channels) == 2
    assert len(compilation.bundle.issues) == 2


@pytest.mark.parametrize(
    ("folder", "name"),
    [("shop", "shop"), ("My Bank (2026)", "my-bank-2026"), ("2026", "starter"), ("null", "starter")],
)
def test_the_workspace_is_called_as_its_folder(tmp_path: Path, folder: str, name: str):
    write_starter(tmp_path / folder)
    assert workspace.compile(tmp_path / folder).bundle.workspace == name


def test_its_tests_pass(starter: Path):
    compilation = workspace.compile(starter)
    results = run(compilation, _core.Bundle(seal(compilation.bundle).data))
    assert len(results) == 6
    assert {result.name: result.failures for result in results if not result.passed} == {}


def test_files_fit_their_schemas(starter: Path):
    files = sorted(starter.rglob("*.yaml"))
    assert len(files) == 9
    for file in files:
        text = file.read_text()
        pointer = re.match(r"# yaml-language-server: \$schema=(.+)\n", text)
        schema = json.loads((file.parent / pointer[1]).read_text())
        document, _ = parse(file.name, text.encode())
        jsonschema.validate(document.data, schema, jsonschema.Draft202012Validator)


def test_overwrites_nothing(starter: Path):
    (starter / "schema.yaml").write_text("mine\n")
    (starter / "workspace.yaml").unlink()
    with pytest.raises(FileExistsError, match=r"\.yaml"):
        write_starter(starter)
    assert (starter / "schema.yaml").read_text() == "mine\n"
    assert not (starter / "workspace.yaml").exists()


@pytest.mark.parametrize("kind", Kind)
def test_schemas_are_json_schemas(kind: Kind):
    schema = json_schema(kind)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert json.loads(json.dumps(schema)) == schema


def test_schemas_are_written_for_every_kind(tmp_path: Path):
    written = write_schemas(tmp_path)
    assert [path.stem for path in written] == [str(kind) for kind in Kind]
    assert all((tmp_path / path).is_file() for path in written)


def test_every_key_has_a_description():
    for kind in Kind:
        schema = json_schema(kind)
        for definition in [schema, *schema.get("$defs", {}).values()]:
            assert definition["description"]
            for name, entry in definition.get("properties", {}).items():
                assert entry.get("description") or "$ref" in entry, f"{kind}: {name}"


def test_schemas_refuse_what_the_check_refuses():
    validator = jsonschema.Draft202012Validator(json_schema(Kind.ACTIONS))
    wrong = {"issue": "sales", "group": 3, "limit": 0, "actions": {"a": {"propensity": 2, "valu": 1}}}
    assert len(list(validator.iter_errors(wrong))) >= 3
