"""`--png`: the option of commands that draw their results."""
# ruff: noqa: PLC0415 - a command loads what it needs when it runs, so that `--help` answers at once

from pathlib import Path
from typing import Annotated

import typer

from nextbest.cli.exit_codes import ExitCode
from nextbest.cli.output import CommandError

Png = Annotated[Path | None, typer.Option("--png", help="Write a picture to this file.")]


def require_plots() -> None:
    """Checks that the drawing library is installed, before a command begins long work.

    Raises:
        CommandError: It is not installed.
    """
    from importlib.util import find_spec

    if find_spec("matplotlib") is None:
        raise CommandError(
            "matplotlib, which draws pictures, is not installed",
            "pip install 'nextbest[plots]'",
            ExitCode.USAGE,
            "--png",
        )
