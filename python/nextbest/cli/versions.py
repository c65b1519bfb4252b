"""`nextbest version` and `nextbest --version`."""

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


def print_version(value: bool) -> None:  # noqa: FBT001 - called by typer with the value of an option
    """Prints nextbest's version alone and exits, if asked to."""
    if value:
        say(nextbest.__version__)
        raise typer.Exit


def version(
    *,
    json: Json = False,  # noqa: ARG001 - chooses by its callback
) -> None:
    """Print the versions of nextbest, Python, and the libraries that matter in a report."""
    versions = {"nextbest": nextbest.__version__, "python": platform.python_version()}
    versions |= {name: metadata.version(name) for name in _PARTS}
    if is_for_machines():
        write_json(versions)
        return
    for name, number in versions.items():
        say(f"{name:<16} {number}")
