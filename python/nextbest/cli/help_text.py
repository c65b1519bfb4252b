"""Commands with complete help: the docstring, reflowed, and examples at the end."""

import inspect
from collections.abc import Callable
from typing import Any

import typer


def add_command(
    app: typer.Typer,
    command: Callable[..., Any],
    *examples: str,
    panel: str | None = None,
    name: str | None = None,
) -> None:
    """Adds a command to an application.

    Args:
        app: Or a group of commands.
        command: Its docstring is the help.
        examples: Command lines, shown unchanged.
        panel: Heading under which the application's help lists it.
        name: If not the function's.
    """
    paragraphs = (inspect.getdoc(command) or "").split("\n\n")
    reflowed = "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
    # A bracket would begin markup.
    lines = (line.replace("[", "\\[") for line in examples)
    epilogue = "\n".join(("[bold]Examples[/bold]", *(f"  {line}" for line in lines))) if examples else None
    app.command(name, help=reflowed, epilog=epilogue, rich_help_panel=panel)(command)
