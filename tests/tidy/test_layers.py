"""The folders of the Python package use one another as `[tool.importlinter]` of pyproject.toml draws it."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def lint(config: Path) -> "subprocess.CompletedProcess[str]":
    code = "from importlinter.cli import lint_imports_command as run; run()"
    return subprocess.run(
        [sys.executable, "-c", code, "--no-cache", str(config)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_each_layer_uses_those_below_it() -> None:
    ran = lint(ROOT / "pyproject.toml")
    assert ran.returncode == 0, ran.stdout


def test_an_arrow_that_runs_back_is_found(tmp_path: Path) -> None:
    config = (ROOT / "pyproject.toml").read_text()
    commands = '    "nextbest.cli",\n'
    lowest = '    "nextbest.ports'
    swapped = config.replace(commands, "").replace(lowest, commands + lowest)
    assert swapped.index(commands) > config.index(commands)
    (tmp_path / "pyproject.toml").write_text(swapped)
    ran = lint(tmp_path / "pyproject.toml")
    assert ran.returncode == 1
    assert "nextbest.cli is not allowed to import nextbest.workspace" in ran.stdout
