"""`nextbest model push`."""
# ruff: noqa: PLC0415 - a command loads what it needs when it runs, so that `--help` answers at once

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nextbest.cli.csv_form import Encoding, Separator, form
from nextbest.cli.exit_codes import ExitCode
from nextbest.cli.help_text import add_command
from nextbest.cli.models.registries import (
    AnyOperator,
    OnnxFile,
    RegistryFolder,
    WaiveGolden,
    Workspace,
    chosen,
    open_registry,
    read_waiver,
    refuse,
    refusing,
    unreadable,
)
from nextbest.cli.output import CommandError, Json, is_for_machines, say, show_diagnostics, write_json
from nextbest.cli.progress import following

if TYPE_CHECKING:
    from nextbest.models.owner import PushArguments
    from nextbest.models.pushing.push import Pushed
    from nextbest.registry.registry import Registry, Version


def register(group: typer.Typer) -> None:
    """Adds the command."""
    add_command(
        group,
        push,
        "nextbest model push card.onnx --name card-propensity",
        "nextbest model push card.onnx --name card-propensity --inputs binding.yaml --card card.yaml \\",
        "    --golden golden.parquet --background sample.parquet --budget-us 50 --promote challenger",
        "nextbest model push card.onnx --name card-propensity --inputs binding.yaml --dry-run",
    )


def push(  # noqa: PLR0913 - one a word of the command line
    file: OnnxFile,
    *,
    name: Annotated[str, typer.Option("--name", "-n", help="Name of the model in the workspace.")],
    inputs: Annotated[
        Path | None, typer.Option("--inputs", help="YAML: the attributes of the inputs, as in models/*.yaml.")
    ] = None,
    card: Annotated[Path | None, typer.Option("--card", help="YAML: the model card.")] = None,
    golden: Annotated[
        Path | None,
        typer.Option("--golden", help="Parquet or CSV: rows with a column `expected`, the trainer's scores."),
    ] = None,
    background: Annotated[
        Path | None, typer.Option("--background", help="Parquet or CSV: a sample of real rows.")
    ] = None,
    separator: Separator = "",
    encoding: Encoding = "",
    tolerance: Annotated[
        float, typer.Option("--tolerance", min=0.0, max=1.0, help="Maximum difference of a golden row.")
    ] = 1e-5,
    budget_us: Annotated[
        float | None, typer.Option("--budget-us", min=0.0, help="Maximum time for one row.")
    ] = None,
    allow_any_op: AnyOperator = False,
    promote: Annotated[
        str,
        typer.Option("--promote", help=("Point this alias to the version: champion, challenger or shadow.")),
    ] = "",
    waive_golden: WaiveGolden = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Do everything except write: show the result of the push.")
    ] = False,
    workspace: Workspace = Path(),
    registry: RegistryFolder = None,
    json: Json = False,  # noqa: ARG001 - chooses by its callback
) -> None:
    """Validate a model and add it to the registry as a version that never changes.

    A separate process with limits validates the model: its structure, whether its scores equal those of its
    trainer (golden rows), a score at every threshold of its trees, probabilities that vary (background
    sample), and the time that scoring takes. The exit code is 1 if it is refused; every reason is shown.
    """
    _check_words(name, promote)
    arguments: PushArguments = {
        "model": file,
        "name": name,
        "binding": inputs,
        "card": card,
        "golden": golden,
        "background": background,
        "tolerance": tolerance,
        "budget_us": budget_us,
        "any_operator": allow_any_op,
        "workspace": workspace,
        "form": form(separator, encoding),
        "is_dry_run": dry_run,
        "alias": promote,
        "waiver": read_waiver(waive_golden),
    }
    store = open_registry(workspace, registry)
    with refusing():
        pushed = _push(store, arguments)
        if pushed.version is None:
            refuse(pushed.diagnostics, pushed.sources)
        if dry_run:
            _report_plan(store, pushed, pushed.version)
        else:
            _report(store, pushed, pushed.version, chosen(workspace, registry))


def _check_words(name: str, alias: str) -> None:
    """Checks the arguments before seconds are spent on the model."""
    from nextbest.diagnostics.suggestion import one_of
    from nextbest.registry.aliases import ALIASES
    from nextbest.registry.registry import is_name

    if not is_name(name):
        remedy = "use letters, digits, `-`, `_` and `.`, beginning with a letter or digit; at most 100"
        raise CommandError(f"`{name}` is not a name", remedy, ExitCode.USAGE, "--name")
    if alias and alias not in ALIASES:
        raise CommandError(
            f"there is no alias `{alias}`", f"use {one_of(ALIASES)}", ExitCode.USAGE, "--promote"
        )


def _push(store: "Registry", arguments: "PushArguments") -> "Pushed":
    from nextbest import models, telemetry

    with telemetry.span("model.push", model=arguments["name"]) as found, following() as progress:
        try:
            pushed = models.push(store, progress=progress, **arguments)
        except OSError as error:
            where = error.filename or arguments["model"]
            if error.filename is not None and _is_of_registry(store, Path(where), arguments):
                reason = (error.strerror or str(error)).lower()
                remedy = "name another registry with --registry"
                raise CommandError(f"`{where}` cannot be written: {reason}", remedy, ExitCode.USAGE) from None
            raise unreadable(where, error) from None
        found["refused"] = pushed.is_refused
    return pushed


def _is_of_registry(store: "Registry", path: Path, arguments: "PushArguments") -> bool:
    """Whether a path is in the registry, and not a pushed file."""
    return path not in arguments.values() and path.absolute().is_relative_to(store.root.absolute())


def _report(store: "Registry", pushed: "Pushed", version: "Version", where: str) -> None:
    aliases = store.aliases(version.name)
    if is_for_machines():
        from nextbest.cli.models.inspection import describe
        from nextbest.diagnostics.rendering import to_objects

        warnings = to_objects(pushed.diagnostics)
        write_json({**describe(store, version, aliases), **_done(pushed), "warnings": warnings})
        return
    if pushed.diagnostics:
        show_diagnostics(pushed.diagnostics, pushed.sources)
    known = "" if pushed.is_new else f": it existed already; {_changes(pushed)}"
    say(f"pushed {version} to {store.root}{known}")
    if pushed.is_new and pushed.manifest is not None:
        for line in _found(pushed):
            say(f"  {line}")
    named = aliases.of(version.digest)
    if named:
        say(f"{' and '.join(named)} of {version.name}: {version.digest[:12]}")
    elif version.digest in aliases.retired:
        say(f"{version} is retired, and cannot be promoted")
    elif pushed.manifest is not None and pushed.manifest.report.golden is None:
        say(f"next: nextbest model promote {version} --alias challenger{where}")
        say("      a champion needs golden rows, or a reason without: --waive-golden REASON")
    else:
        say(f"next: nextbest model promote {version} --alias champion{where}")


def _report_plan(store: "Registry", pushed: "Pushed", version: "Version") -> None:
    plan = pushed.move
    if is_for_machines():
        from nextbest.diagnostics.rendering import to_objects
        from nextbest.registry.records import encode

        content = {
            **encode(pushed.manifest),
            **_done(pushed),
            "is_dry_run": True,
            "move": encode(plan) if plan is not None else None,
            "warnings": to_objects(pushed.diagnostics),
        }
        write_json(content)
        return
    if pushed.diagnostics:
        show_diagnostics(pushed.diagnostics, pushed.sources)
    if pushed.is_new:
        say(f"dry run: would push {version} to {store.root}")
        for line in _found(pushed):
            say(f"  {line}")
    else:
        say(f"dry run: {version} is in {store.root} already; {_changes(pushed)}")
    if plan is not None:
        before = plan.before[:12] or "none"
        say(f"dry run: {plan.alias} of {version.name} would move: {before} -> {plan.after[:12]}")


def _done(pushed: "Pushed") -> dict[str, Any]:
    return {"is_new": pushed.is_new, "is_revised": pushed.is_revised, "repaired": pushed.repaired}


def _changes(pushed: "Pushed") -> str:
    """The changes of a push to a version that existed already."""
    changes = ["card revised"] if pushed.is_revised else []
    if pushed.repaired:
        changes.append(f"written again: {', '.join(pushed.repaired)}")
    return "; ".join(changes) or "nothing changes"


def _found(pushed: "Pushed") -> list[str]:
    """The results of the validation, one line each, including what it could not check."""
    from nextbest.cli.models.wording import boundary, golden, independence, latency, spread

    assert pushed.manifest is not None  # noqa: S101 - the caller has checked
    report = pushed.manifest.report
    engine = report.engine
    lines = [
        f"score     {pushed.manifest.binding.score}",
        independence(report, row_by_row=pushed.manifest.binding.row_by_row),
        golden(report.golden),
        boundary(report),
        spread(report.spread),
        latency(report.latency),
    ]
    return [*lines, f"engine    {engine.name}: {engine.reason}"] if engine is not None else lines
