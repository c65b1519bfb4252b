"""How a CSV file is written, as options of every command that reads one."""

from typing import Annotated

import typer

from nextbest.casting.form import Form

Separator = Annotated[
    str,
    typer.Option("--separator", help="Between the values of a CSV file, such as ';' or '\\t'. Default: ','."),
]
Encoding = Annotated[
    str,
    typer.Option(
        "--encoding", help="Of a CSV file, such as latin-1, windows-1252 or utf-16. Default: utf-8."
    ),
]


def form(separator: str, encoding: str) -> Form:
    """Returns what the two options say."""
    return Form(separator, encoding)
