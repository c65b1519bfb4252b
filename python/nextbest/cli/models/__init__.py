"""`nextbest model ...`: the commands of the owner of a model."""

import typer

from nextbest.cli.models import (
    binding,
    catalog,
    comparison,
    evaluation,
    forgetting,
    health,
    inspection,
    moves,
    pulls,
    pushes,
    revisions,
)


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    group = typer.Typer(
        name="model",
        help="Push models, inspect them, choose the version in use, and watch its health.",
        no_args_is_help=True,
    )
    for commands in (
        binding,
        pushes,
        catalog,
        inspection,
        comparison,
        evaluation,
        moves,
        revisions,
        pulls,
        forgetting,
        health,
    ):
        commands.register(group)
    app.add_typer(group, rich_help_panel="Models")
