"""`nextbest model ...`: what the owner of a model does."""

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
        help="Push models, look into them, choose which version is used, and see how it fares.",
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
