"""`nextbest init`, `check`, `test`, `compile`, `schema`: the commands of an author of a workspace."""
# ruff: noqa: PLC0415 - a command loads what it needs when it runs, so that `--help` answers at once

import shlex
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nextbest.cli.exit_codes import ExitCode
from nextbest.cli.help_text import add_command
from nextbest.cli.output import (
    CommandError,
    Json,
    is_for_machines,
    plain,
    say,
    say_json,
    say_lines,
    show,
    show_diagnostics,
    show_line,
    write_json,
)
from nextbest.cli.progress import following

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nextbest.bundle import Sealed
    from nextbest.diagnostics import Diagnostic
    from nextbest.workspace import Compilation
    from nextbest.workspace.personas import TestResult

_PANEL = "Workspace"
_INHERITED = "inherited"

Folder = Annotated[Path, typer.Argument(help="Folder of the workspace.")]
Strict = Annotated[bool, typer.Option("--strict", help="Fail on warnings, too.")]


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    add_command(app, init, "nextbest init shop", "cd shop && nextbest check && nextbest test", panel=_PANEL)
    check_examples = (
        "nextbest check",
        "nextbest check bank --json",
        "nextbest check bank --strict",
        "nextbest check bank --show inherited",
        "nextbest check --explain NB201",
    )
    add_command(app, check, *check_examples, panel=_PANEL)
    add_command(app, run_tests, "nextbest test", "nextbest test bank --json", panel=_PANEL, name="test")
    compile_examples = ("nextbest compile", "nextbest compile bank --output bank.bundle")
    add_command(app, compile_, *compile_examples, panel=_PANEL, name="compile")
    schema_examples = ("nextbest schema --list", "nextbest schema actions", "nextbest schema --write bank")
    add_command(app, schema, *schema_examples, panel=_PANEL)


def init(
    folder: Annotated[Path, typer.Argument(help="Folder to create, or to fill.")] = Path(),
    *,
    json: Json = False,  # noqa: ARG001 - chooses by its callback
) -> None:
    """Write a small, commented workspace to start from."""
    from nextbest.workspace.starter import write_starter

    try:
        files = write_starter(folder)
    except FileExistsError as error:
        raise CommandError(
            f"`{error}` exists already, and is unchanged",
            "give a new folder: nextbest init shop",
            ExitCode.USAGE,
        ) from None
    if is_for_machines():
        write_json({"folder": str(folder), "files": [str(file) for file in files]})
        return
    for file in files:
        say(f"wrote {folder / file}")
    say(f"next: cd {folder} && nextbest check && nextbest test")


def check(  # noqa: PLR0913 - one parameter an option
    folder: Folder = Path(),
    *,
    explain: Annotated[
        str, typer.Option("--explain", help=("Explain the code of a diagnostic, and exit."))
    ] = "",
    view: Annotated[
        str, typer.Option("--show", help="`inherited`: list the policies and levers that actions inherit.")
    ] = "",
    now: Annotated[
        str,
        typer.Option(
            "--now",
            help="Date, in the workspace's time zone, or time for which windows are checked; otherwise now.",
        ),
    ] = "",
    strict: Strict = False,
    json: Json = False,  # noqa: ARG001 - chooses by its callback
) -> None:
    """Find all errors of a workspace, each with its position and a remedy.

    The exit code is 1 if there are errors, with --strict also if there are warnings. Notes never count: they
    are about what this version does not apply. Of similar warnings, one is shown completely; --json has all.
    """
    if view not in {"", _INHERITED}:
        raise CommandError(f"`{view}` cannot be shown", f"use `{_INHERITED}`", ExitCode.USAGE, "--show")
    if explain:
        _explain(explain)
        return
    compilation = _compile(folder, now)
    if view:
        _show_inherited(compilation)
    else:
        _report(compilation)
    if _fails(compilation, strict=strict):
        raise typer.Exit(ExitCode.FINDINGS)


def run_tests(
    folder: Folder = Path(),
    *,
    json: Json = False,  # noqa: ARG001 - chooses by its callback
) -> None:
    """Run the persona tests of a workspace: `tests/*.yaml`. The exit code is 1 if one fails."""
    results = _run_tests(folder)
    _report_tests(results)
    if not all(result.passed for result in results):
        raise typer.Exit(ExitCode.FINDINGS)


def compile_(
    folder: Folder = Path(),
    *,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="File to write; otherwise <workspace's name>.bundle."),
    ] = None,
    strict: Strict = False,
    json: Json = False,  # noqa: ARG001 - chooses by its callback
) -> None:
    """Compile a workspace to a bundle: one file, byte for byte the same for the same workspace.

    If there are errors, with --strict also if there are warnings, nothing is written and the exit code is 1.
    """
    compilation = _compile(folder)
    if compilation.bundle is None or _fails(compilation, strict=strict):
        _report_failure(compilation, strict=strict)
        raise typer.Exit(ExitCode.FINDINGS)
    sealed = _seal(compilation)
    target = output or Path(f"{compilation.bundle.workspace}.bundle")
    try:
        target.write_bytes(sealed.data)
    except OSError as error:
        raise CommandError(
            f"`{target}` cannot be written: {error.strerror}", "name another with --output", ExitCode.USAGE
        ) from None
    written = {
        "file": str(target),
        "digest": sealed.digest,
        "size_bytes": len(sealed.data),
        "workspace": compilation.bundle.workspace,
        "actions": len(compilation.bundle.actions),
        "models": len(compilation.bundle.models),
        "warnings": len(compilation.warnings),
    }
    if is_for_machines():
        write_json(written)
        return
    counts = f"{written['actions']} actions, {written['models']} models, {len(sealed.data):,} bytes"
    say(f"wrote {target}: {counts}")
    say(f"digest {sealed.digest}")
    _summarise(compilation)


def schema(
    kind: Annotated[str, typer.Argument(help="Kind of file.")] = "",
    *,
    kinds: Annotated[bool, typer.Option("--list", help="List the kinds of files.")] = False,
    write: Annotated[
        Path | None, typer.Option("--write", help="Write all of them to .nextbest/schemas of this workspace.")
    ] = None,
) -> None:
    """Print the JSON Schema of a kind of workspace file, for editors that complete and check YAML."""
    import json

    from nextbest.workspace import Kind
    from nextbest.workspace.json_schema import json_schema, write_schemas

    names = [str(known) for known in Kind]
    if write is not None:
        for file in write_schemas(write):
            say(f"wrote {write / file}")
    elif kinds:
        for name in names:
            say(name)
    elif kind in names:
        say_json(json.dumps(json_schema(Kind(kind)), indent=2, ensure_ascii=False))
    else:
        raise CommandError(
            f"`{kind}` is not a kind of file", f"use one of {', '.join(names)}", ExitCode.USAGE, "KIND"
        )


def compile_or_fail(folder: Path) -> "Sealed":
    """Compiles and seals a workspace for a command that needs its bundle.

    Raises:
        CommandError: It has errors, which are printed to standard error.
    """
    return _compile_or_fail(folder)[1]


def _compile_or_fail(folder: Path) -> "tuple[Compilation, Sealed]":
    compilation = _compile(folder)
    if compilation.bundle is None:
        from nextbest.diagnostics.rendering import render_all

        sys.stderr.write(render_all(compilation.errors, compilation.sources).plain)
        raise CommandError(
            f"`{folder}` does not compile",
            f"correct the listed findings, or run `{_check_command(compilation)}`",
            ExitCode.FINDINGS,
        )
    return compilation, _seal(compilation)


def _compile(folder: Path, now: str = "") -> "Compilation":
    from nextbest import settings, telemetry, workspace
    from nextbest.cli.moments import parse_now
    from nextbest.client.values import to_microseconds

    moment = parse_now(now) if now else None
    now_us = to_microseconds(moment, "--now") if isinstance(moment, datetime) else None
    today = None if isinstance(moment, datetime) else moment
    registry = settings.read().model_registry
    with telemetry.span("check", folder=folder.name) as found, following() as progress:
        compilation = workspace.compile(folder, progress, registry, now_us, today)
        found["diagnostics"] = len(compilation.diagnostics)
    return compilation


def _seal(compilation: "Compilation") -> "Sealed":
    from nextbest import bundle, telemetry

    assert compilation.bundle is not None  # noqa: S101 - callers have looked
    with telemetry.span("compile", workspace=compilation.bundle.workspace) as found:
        sealed = bundle.seal(compilation.bundle)
        found |= {"bundle_digest": sealed.digest, "bundle_size_bytes": len(sealed.data)}
    return sealed


def _report(compilation: "Compilation") -> None:
    from nextbest.diagnostics.rendering import to_json

    if is_for_machines():
        say_json(to_json(compilation.diagnostics))
    elif compilation.diagnostics:
        show_diagnostics(compilation.diagnostics, compilation.sources)
    elif compilation.bundle is not None:
        bundle = compilation.bundle
        say(f"{bundle.workspace}: {len(bundle.actions)} actions, {len(bundle.models)} models, no errors")


def _show_inherited(compilation: "Compilation") -> None:
    from nextbest.workspace.inheritance import inherited

    found = inherited(compilation.workspace)
    if is_for_machines():
        write_json({"actions": plain(found)})
        return
    from nextbest.cli.inheritance_tables import render_inheritances

    show(*render_inheritances(found))
    _summarise(compilation)


def _summarise(compilation: "Compilation", *, shown: "Sequence[Diagnostic]" = ()) -> None:
    """Prints how many findings there are in addition to those shown."""
    from nextbest.diagnostics.rendering import summarise

    known = set(map(id, shown))
    others = [diagnostic for diagnostic in compilation.diagnostics if id(diagnostic) not in known]
    if others:
        say(f"{summarise(others)}: run `{_check_command(compilation)}`")


def _check_command(compilation: "Compilation") -> str:
    folder = compilation.workspace.root
    return "nextbest check" if folder == Path() else f"nextbest check {shlex.quote(str(folder))}"


def _fails(compilation: "Compilation", *, strict: bool) -> bool:
    return compilation.bundle is None or (strict and bool(compilation.warnings))


def _report_failure(compilation: "Compilation", *, strict: bool) -> None:
    """Shows the errors of a workspace, and only counts the other findings."""
    if strict or is_for_machines():
        _report(compilation)
        return
    show_diagnostics(compilation.errors, compilation.sources)
    _summarise(compilation, shown=compilation.errors)


def _explain(code: str) -> None:
    from nextbest.diagnostics.reference import explain

    text = explain(code)
    if text is None:
        raise CommandError(
            f"`{code}` is not a code of a diagnostic",
            "give a code such as NB201",
            ExitCode.USAGE,
            "--explain",
        )
    if is_for_machines():
        write_json({"code": code.upper(), "explanation": text})
    else:
        say_lines(text.rstrip())


def _run_tests(folder: Path) -> "list[TestResult]":
    from nextbest import _core, models
    from nextbest.workspace.personas import run

    compilation, sealed = _compile_or_fail(folder)
    runtime = models.locate_runtime() if compilation.bundle and compilation.bundle.models else None
    return run(compilation, _core.Bundle(sealed.data, onnxruntime_path=runtime))


def _report_tests(results: "list[TestResult]") -> None:
    failed = [result for result in results if not result.passed]
    if is_for_machines():
        write_json({"passed": len(results) - len(failed), "failed": len(failed), "tests": plain(results)})
        return
    from rich.text import Text

    for result in results:
        mark = ("ok    ", "green") if result.passed else ("FAILED", "bold red")
        place = f"{result.position.file}:{result.position.line}"
        show_line(Text.assemble(mark, f"  {result.name}  ", (place, "dim")))
        for failure in result.failures:
            show_line(Text(f"        {failure}".replace("\n", "\n        ")))
    hint = "" if results else ": there are none, write some in tests/*.yaml"
    say(f"{len(results) - len(failed)} passed, {len(failed)} failed{hint}")
