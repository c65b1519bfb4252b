"""`nextbest access`: creates keys of callers, and shows the roles of an access file."""
# ruff: noqa: PLC0415 - a command loads what it needs when it runs, so that `--help` answers at once

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nextbest.cli.help_text import add_command
from nextbest.cli.output import Json, is_for_machines, say, say_lines, show, write_json

if TYPE_CHECKING:
    from nextbest.serve.access import Access

_PANEL = "Server"


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    group = typer.Typer(
        no_args_is_help=True, help=("Create keys of callers, and show the roles of an access file.")
    )
    add_command(
        group,
        key,
        "nextbest access key web",
        "nextbest access key releases --role observe --role operate --json",
    )
    add_command(group, show_file, "nextbest access show access.yaml", name="show")
    app.add_typer(group, name="access", rich_help_panel=_PANEL)


def key(
    name: Annotated[str, typer.Argument(help="Name of the caller.")],
    *,
    role: Annotated[
        list[str] | None,
        typer.Option(
            "--role", help="Role of the caller: decide, explain, customers, observe, operate. Repeatable."
        ),
    ] = None,
    json: Json = False,  # noqa: ARG001 - chooses by its callback
) -> None:
    """Create an API key, and the lines of the access file that go with it.

    The key is shown only now and is stored nowhere: the access file has its hash. To replace a key, add the
    new hash next to the old one, give the caller the new key, and then remove the old hash.
    """
    from nextbest.serve.access import check_name, create_key, parse

    check_name(name)
    roles = role or ["decide"]
    created, digest = create_key()
    lines = f'  {name}:\n    roles: [{", ".join(roles)}]\n    keys: ["{digest}"]'
    parse(f"callers:\n{lines}".encode(), "--role")
    if is_for_machines():
        write_json({"name": name, "roles": roles, "key": created, "hash": digest})
        return
    say(f"key   {created}")
    say("      shown only now: give it to the caller, who sends it as `authorization: Bearer KEY`")
    say("")
    say("access file, under `callers:`")
    say("")
    say_lines(lines)


def show_file(
    file: Annotated[Path, typer.Argument(help="Access file.")],
    *,
    json: Json = False,  # noqa: ARG001 - chooses by its callback
) -> None:
    """Check an access file, and show who may do what."""
    from nextbest.serve.access import read

    access = read(file)
    locked_out = access.locked_out()
    if is_for_machines():
        write_json(
            [
                {
                    "name": caller.name,
                    "roles": sorted(caller.roles),
                    "keys": len(caller.key_hashes),
                    "certificates": list(caller.certificate_names),
                    "locked_out": caller.name in locked_out,
                }
                for caller in access.callers
            ]
        )
        return
    _show(access)


def _show(access: "Access") -> None:
    from nextbest.layouts import Listing, name, number, pairs, text
    from nextbest.serve.access import ROLES

    columns = (
        name("caller"),
        text("roles"),
        number("keys"),
        text("certificates", least=40, gives_way=1, below="certificates {}"),
    )
    table = Listing(columns, "Callers")
    for caller in access.callers:
        granted = ", ".join(role for role in ROLES if role in caller.roles)
        certificates = ", ".join(caller.certificate_names)
        table.add(caller.name, granted, f"{len(caller.key_hashes):,}", certificates)
    show(table)
    for warning in access.warnings():
        say(f"warning: {warning}")
    show(pairs("Roles", ROLES.items()))
