"""The command line in this process, as a shell would see it."""

import sys
from dataclasses import dataclass

import pytest

from nextbest import cli
from nextbest.cli import output


@dataclass
class Ran:
    code: int
    out: str
    err: str


@pytest.fixture
def nextbest(capsys, monkeypatch):
    """Runs `nextbest ...`, 100 columns wide and without colour."""
    for name in ("OTEL_EXPORTER_OTLP_ENDPOINT", "NEXTBEST_DEBUG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setenv("COLUMNS", "100")

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["nextbest", *map(str, arguments)])
        capsys.readouterr()
        try:
            cli.main()
            code = 0
        except SystemExit as exit_:
            code = exit_.code or 0
        finally:
            output._machine[0] = False
        captured = capsys.readouterr()
        return Ran(int(code), captured.out, captured.err)

    return run


@pytest.fixture
def shop(nextbest, tmp_path, monkeypatch):
    """A fresh workspace, and where commands run."""
    assert nextbest("init", tmp_path / "shop").code == 0
    monkeypatch.chdir(tmp_path / "shop")
    return tmp_path / "shop"
