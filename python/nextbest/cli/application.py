"""All commands, and the messages, remedies and exit codes of their failures."""
# ruff: noqa: PLC0415 - modules that name an error are imported only after an error

import sys
import traceback
from typing import Annotated

import typer

from nextbest.cli import access, bundles, customers, decisions, loads, models, servers, versions, workspaces
from nextbest.cli.exit_codes import ExitCode
from nextbest.cli.output import CommandError, ReaderGoneError, settle_output, write_error

_HELP = """Decide the next best action: write rules, compile, serve, decide, explain.

A workspace is a folder of YAML; a bundle is a workspace compiled; a server runs one bundle at a time.
"""
_EPILOGUE = """[bold]Exit codes[/bold]
   0  done
   1  something was found: errors in a workspace, failed tests, refused rows or models
   2  the command line is wrong, a file cannot be read, a variable cannot be used
   3  no server was reached
   4  the server or the bundle refused
   5  the server failed, or was too late
   6  a server could not start
   7  a server stopped, but had to cut calls off
  70  a fault of nextbest itself
 130  interrupted (143: terminated)"""


def run() -> None:
    """Runs the command line and exits; the codes are those of `ExitCode`."""
    try:
        _run()
    except CommandError as error:
        write_error(error)
        sys.exit(error.code)
    finally:
        settle_output()


def _run() -> None:
    from nextbest import settings, telemetry

    settings.quiet_libraries()
    try:
        assemble()(prog_name="nextbest")
    except CommandError:
        raise
    except (BrokenPipeError, ReaderGoneError):
        # The reader closed the pipe, as `head` does: that is not a failure.
        sys.exit(ExitCode.OK)
    except Exception as error:
        raise _refine(error) from error
    finally:
        telemetry.stop()


def assemble() -> typer.Typer:
    """Builds the application from the commands of every module."""
    app = typer.Typer(
        name="nextbest",
        help=_HELP,
        epilog=_EPILOGUE,
        no_args_is_help=True,
        rich_markup_mode="rich",
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["--help", "-h"]},
    )
    app.callback()(_start)
    for commands in (workspaces, models, servers, access, loads, decisions, customers, bundles, versions):
        commands.register(app)
    return app


def _start(
    *,
    version: Annotated[  # noqa: ARG001 - acts by its callback
        bool,
        typer.Option(
            "--version",
            callback=versions.print_version,
            is_eager=True,
            help="Print nextbest's version and exit.",
        ),
    ] = False,
) -> None:
    # Runs before any command, but not for `--help`. It has no text: the help is the application's.
    from nextbest import settings, telemetry

    telemetry.start(settings.read().otel)


def _refine(error: Exception) -> CommandError:
    """Turns any exception into a message, a remedy and an exit code."""
    from nextbest.cli.failures import explain

    known = explain(error)
    if known is not None:
        return known
    from nextbest import settings

    if settings.read().debug:
        traceback.print_exception(error)
    kind = type(error).__name__
    return CommandError(
        f"a fault of nextbest itself: {kind}: {error}",
        "run it again with NEXTBEST_DEBUG=1 for the traceback, and report it",
        ExitCode.INTERNAL,
    )
