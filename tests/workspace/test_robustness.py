"""Whatever a workspace contains, the compiler answers with findings, and never raises."""

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nextbest import workspace
from nextbest.diagnostics.rendering import render_all, to_json
from nextbest.workspace.starter import FILES

STARTER = {path.relative_to(FILES).as_posix(): path.read_text() for path in sorted(FILES.rglob("*.yaml"))}
PIECES = st.sampled_from(
    [
        "",
        "\n",
        "  ",
        ": ",
        "- ",
        "{",
        "}",
        "[",
        "]",
        "'",
        '"',
        "&a ",
        "*a ",
        "!x ",
        "|\n",
        ">\n",
        "#",
        "\t",
        "\x00",
        "null",
        "true",
        "-1",
        "1e400",
        ".nan",
        "2026-13-45",
        "1" * 400,
        "日本",
        "not",
        "in",
        "&&",
        "web",
        "hero",
        "gold-card",
        "customer",
        "customer.age",
        "action.monthly_fee",
        "when: ",
        "x: ",
        "expression: ",
    ]
)
EDITS = st.lists(
    st.tuples(st.sampled_from(sorted(STARTER)), st.floats(0, 1), st.integers(0, 30), PIECES),
    min_size=1,
    max_size=4,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("edited")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(EDITS)
def test_edited_workspaces(folder: Path, edits):
    files = dict(STARTER)
    for name, place, length, piece in edits:
        text = files[name]
        start = int(place * len(text))
        files[name] = text[:start] + piece + text[start + length :]
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    compilation = workspace.compile(folder)
    assert (compilation.bundle is None) == bool(compilation.errors)
    assert to_json(compilation.diagnostics)
    render_all(compilation.diagnostics, compilation.sources)
    for diagnostic in compilation.diagnostics:
        assert diagnostic.help, diagnostic
        if diagnostic.position is not None and diagnostic.position.file in compilation.sources:
            lines = compilation.sources[diagnostic.position.file]
            assert 1 <= diagnostic.position.line <= len(lines)
            assert 1 <= diagnostic.position.column <= len(lines[diagnostic.position.line - 1]) + 1


def test_pipes_links_and_foreign_names(tmp_path: Path):
    shutil.copytree(FILES, tmp_path / "bank")
    bank = tmp_path / "bank"
    os.mkfifo(bank / "actions/pipe.yaml")
    (bank / "actions/self.yaml").symlink_to("self.yaml")
    (bank / "actions/gone.yaml").symlink_to("nowhere.yaml")
    (bank / "actions/loop").symlink_to(bank)
    (bank / "issues.yaml").unlink()
    (bank / "issues.yaml").mkdir()
    Path(os.fsdecode(os.fsencode(bank) + b"/actions/\xff.yaml")).write_text("issue: sales\n")
    compilation = workspace.compile(bank)
    assert sorted((d.code, d.position.file if d.position else "") for d in compilation.diagnostics) == [
        ("NB102", ""),
        ("NB102", "actions/gone.yaml"),
        ("NB102", "actions/pipe.yaml"),
        ("NB102", "actions/self.yaml"),
        ("NB102", "issues.yaml"),
        ("NB109", "actions/loop"),
    ]
    assert to_json(compilation.diagnostics).encode()


def test_a_single_file_is_not_a_workspace(tmp_path: Path):
    (tmp_path / "workspace.yaml").write_text("name: x\n")
    assert [d.code for d in workspace.compile(tmp_path / "workspace.yaml").diagnostics] == ["NB101"]
