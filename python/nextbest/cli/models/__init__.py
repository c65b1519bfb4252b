"""`nextbest model ...`: what the owner of a model does."""

import typer

from nextbest.cli.models import catalog, comparison, moves, pushes


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    group = typer.Typer(
        name="model",
        help="Push models, look into them, and choose which version is used.",
        no_args_is_help=True,
    )
    for commands in (pushes, catalog, comparison, moves):
        commands.register(group)
    app.add_typer(group, rich_help_panel="Models")
