"""`nextbest bundle show`, and the loading of bundles for all commands: from a file or a workspace."""
# ruff: noqa: PLC0415 - a command loads what it needs when it runs, so that `--help` answers at once

import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nextbest import regular_file
from nextbest.cli.exit_codes import ExitCode
from nextbest.cli.help_text import add_command
from nextbest.cli.output import CommandError, Json, is_for_machines, show, write_json

if TYPE_CHECKING:
    from nextbest.bundle import Sealed

_BYTES_MAX = 1024 * 1024 * 1024
"""Of any file: twice the limit of a bundle, whose own check has a better message."""


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    group = typer.Typer(name="bundle", help="Show the contents of bundle files.", no_args_is_help=True)
    lines = ("nextbest bundle show bank.bundle", "nextbest bundle show bank.bundle --json | jq .actions")
    add_command(group, bundle_show, *lines, name="show")
    app.add_typer(group, rich_help_panel="Workspace")


def load(path: Path) -> "Sealed":
    """Returns a bundle: the file's bytes, or, of a folder, the workspace compiled.

    Raises:
        CommandError: It cannot be read, or the workspace has errors.
        BundleError: The file is not a bundle.
    """
    from nextbest import bundle

    if path.is_dir():
        from nextbest.cli.workspaces import compile_or_fail

        return compile_or_fail(path)
    data = read_bytes(path)
    # Only to fail early, and with the file's name.
    try:
        bundle.read(data)
    except bundle.BundleError as error:
        raise CommandError(f"`{path}`: {error.message}", error.help, ExitCode.REFUSED) from None
    return bundle.Sealed(data, bundle.digest(data))


def read_bytes(path: Path) -> bytes:
    """Reads a whole file, without waiting for a pipe or a device.

    Raises:
        CommandError: It cannot be read.
    """
    try:
        return regular_file.read(path, _BYTES_MAX)
    except OSError as error:
        raise CommandError(
            f"`{path}` cannot be read: {error.strerror}", "check the path", ExitCode.USAGE
        ) from None


def bundle_show(
    file: Annotated[Path, typer.Argument(help="Bundle file, or workspace folder.")],
    *,
    json: Json = False,  # noqa: ARG001 - chooses by its callback
) -> None:
    """Show the contents of a bundle."""
    contents = asdict(_contents(load(file)))
    if is_for_machines():
        write_json(contents)
        return
    from nextbest.cli.bundle_tables import render_bundle

    show(*render_bundle(contents))


@dataclass(frozen=True, slots=True)
class _Contents:
    """The contents of a bundle to show."""

    digest: str
    size_bytes: int
    workspace: str
    currency: str
    time_zone: str
    counts: dict[str, int]
    attributes: list[dict[str, Any]]
    channels: list[dict[str, Any]]
    actions: list[dict[str, Any]]
    models: list[dict[str, Any]]


def _contents(sealed: "Sealed") -> _Contents:
    from nextbest import bundle

    message = bundle.read(sealed.data)
    repeated = (
        "files",
        "attributes",
        "features",
        "literals",
        "clauses",
        "issues",
        "groups",
        "actions",
        "models",
    )
    return _Contents(
        digest=sealed.digest,
        size_bytes=len(sealed.data),
        workspace=message.workspace,
        currency=message.currency,
        time_zone=message.time_zone or "UTC",
        counts={name: len(getattr(message, name)) for name in repeated},
        attributes=[_attribute(attribute) for attribute in message.attributes],
        channels=[
            {"channel": channel.name, "placements": {slot.name: slot.count for slot in channel.placements}}
            for channel in message.channels
        ],
        actions=[_action(message, action) for action in message.actions],
        models=[_model(model) for model in message.models],
    )


def _attribute(attribute: Any) -> dict[str, Any]:
    from nextbest.bundle.schema import TYPE_NAMES
    from nextbest.v1 import bundle_pb2

    root = bundle_pb2.Root.Name(attribute.root).removeprefix("ROOT_").lower()
    kind = TYPE_NAMES.get(attribute.type, "")
    return {
        "attribute": f"{root}.{attribute.name}",
        "label": attribute.label,
        "type": kind,
        "required": attribute.required,
    }


def _model(model: Any) -> dict[str, Any]:
    from nextbest.models.engine import describe

    engine = describe(model.native if model.HasField("native") else None, model.native_refusal)
    return {
        "model": model.name,
        "version": hashlib.sha256(model.onnx).hexdigest(),
        "size_bytes": len(model.onnx),
        "inputs": {tensor.name: len(tensor.columns) for tensor in model.inputs},
        "output": model.output,
        "engine": {"name": engine.name, "reason": engine.reason},
    }


def _action(message: Any, action: Any) -> dict[str, Any]:
    group = message.groups[action.group]
    policies = ("eligibility", "applicability", "suitability")
    value = action.value_constant if action.WhichOneof("value") == "value_constant" else "computed"
    return {
        "action": action.name,
        "label": action.label,
        "issue": message.issues[group.issue].name,
        "group": group.name,
        "enabled": action.enabled,
        "mandatory": action.mandatory,
        "clauses": sum(len(getattr(action, policy)) for policy in policies),
        "value": value,
        "model": message.models[action.model].name if action.HasField("model") else "",
        "prior": action.prior,
        "treatments": [treatment.name for treatment in action.treatments],
    }
