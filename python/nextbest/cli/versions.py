"""`nextbest version`."""

import platform
from importlib import metadata

import typer

import nextbest
from nextbest.cli.help_text import add_command
from nextbest.cli.output import Json, is_for_machines, say, write_json

_PARTS = ("cel-expr-python", "grpcio", "onnxruntime", "polars", "protobuf")


def register(app: typer.Typer) -> None:
    """Adds the command."""
    add_command(app, version, "nextbest version --json", panel="Workspace")


def version(
    *,
    json: Json = False,  # noqa: ARG001 - chooses by its callback
) -> None:
    """Print versions: nextbest's, Python's, and those of the libraries that matter in a report."""
    versions = {"nextbest": nextbest.__version__, "python": platform.python_version()}
    versions |= {name: metadata.version(name) for name in _PARTS}
    if is_for_machines():
        write_json(versions)
        return
    for name, number in versions.items():
        say(f"{name:<16} {number}")
