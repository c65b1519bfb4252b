"""`--png`: the option of commands that draw what they show."""
# ruff: noqa: PLC0415 - a command loads what it needs when it runs, so that `--help` answers at once

from pathlib import Path
from typing import Annotated

import typer

from nextbest.cli.exit_codes import ExitCode
from nextbest.cli.output import CommandError

Png = Annotated[Path | None, typer.Option("--png", help="Draw it into a file.")]


def require_plots() -> None:
    """Looks for what draws, before a command begins what takes long.

    Raises:
        CommandError: It is not installed.
    """
    from importlib.util import find_spec

    if find_spec("matplotlib") is None:
        raise CommandError(
            "pictures are drawn by matplotlib, which is not installed",
            "pip install 'nextbest[plots]'",
            ExitCode.USAGE,
            "--png",
        )
