"""`nextbest model bind`."""
# ruff: noqa: PLC0415 - a command loads what it needs when it runs, so that `--help` answers at once

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nextbest.cli.exit_codes import ExitCode
from nextbest.cli.help_text import add_command
from nextbest.cli.models.registries import AnyOperator, OnnxFile, chosen, refuse
from nextbest.cli.output import CommandError, Json, is_for_machines, say, say_lines, write_json, write_note
from nextbest.cli.progress import following

if TYPE_CHECKING:
    from nextbest.workspace.proposal import Proposal


def register(group: typer.Typer) -> None:
    """Adds the command."""
    add_command(
        group,
        bind,
        "nextbest model bind card.onnx",
        "nextbest model bind card.onnx --workspace bank --output binding.yaml",
        "nextbest model push card.onnx --name card-propensity --inputs binding.yaml",
    )


def bind(
    file: OnnxFile,
    *,
    workspace: Annotated[
        Path,
        typer.Option("--workspace", "-w", help="Folder of the workspace whose schema has the attributes."),
    ] = Path(),
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help=("File to write, which must not exist; otherwise standard output.")
        ),
    ] = None,
    allow_any_op: AnyOperator = False,
    json: Json = False,  # noqa: ARG001 - chooses by its callback
) -> None:
    """Write a draft of a binding: the inputs of a model, and the attributes that have their names.

    Ambiguous inputs stay without a value, with the most similar attribute in a comment; a push refuses the
    file until they are filled in. Nothing is overwritten. The exit code is 1 if the model is refused.
    """
    from nextbest.workspace.proposal import propose

    if output is not None and output.exists():
        raise CommandError(
            f"`{output}` exists already, and is unchanged", "name a new file", ExitCode.USAGE, "--output"
        )
    with following() as progress:
        proposal, diagnostics = propose(file, workspace, any_operator=allow_any_op, progress=progress)
    if proposal is None:
        refuse(diagnostics, {})
    if output is not None:
        # Fails where the file has come into being in between.
        with output.open("x", encoding="utf-8") as target:
            target.write(proposal.text)
    if not proposal.has_schema:
        write_note(f"`{workspace}` has no schema to find attributes in: give --workspace")
    _report(proposal, file, output, chosen(workspace, None))


def _report(proposal: "Proposal", file: Path, output: Path | None, where: str) -> None:
    if is_for_machines():
        by_name = {match.name: match.reference for match in proposal.by_name}
        written = str(output) if output is not None else None
        write_json(
            {"binding": proposal.text, "by_name": by_name, "missing": proposal.missing, "written": written}
        )
        return
    if output is None:
        say_lines(proposal.text.rstrip("\n"))
        return
    say(f"wrote {output}: {len(proposal.by_name)} by name, {len(proposal.missing)} to fill in")
    say(f"next: nextbest model push {file} --name NAME --inputs {output}{where}")
