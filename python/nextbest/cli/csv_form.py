"""Options for reading a CSV file, shared by all commands that read one."""

from typing import Annotated

import typer

from nextbest.casting.form import Form

Separator = Annotated[
    str,
    typer.Option("--separator", help="Separator of a CSV file, such as ';' or '\\t'. Default: ','."),
]
Encoding = Annotated[
    str,
    typer.Option(
        "--encoding", help="Encoding of a CSV file, such as latin-1, windows-1252 or utf-16. Default: utf-8."
    ),
]


def form(separator: str, encoding: str) -> Form:
    """Returns the values of the two options."""
    return Form(separator, encoding)
