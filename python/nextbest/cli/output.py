"""The output of a command: text and tables for people, JSON for programs, and never both on standard output.

All output passes here, where control characters are removed from text of models, registries, workspaces and
servers (`nextbest.printable`, `nextbest.cli.terminal`).
"""

import contextlib
import dataclasses
import json
import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from nextbest.casting.duration import spell_duration
from nextbest.printable import escape_json, printable, printable_lines

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from nextbest.diagnostics import Diagnostic

_WIDTH_PIPED: Final = 140

_machine: list[bool] = [False]


def _choose(value: bool) -> bool:  # noqa: FBT001 - the form of a callback
    _machine[0] = value
    return value


Json = Annotated[bool, typer.Option("--json", help="Write JSON, for programs.", callback=_choose)]


class CommandError(Exception):
    """An error that ends a command with a message.

    Attributes:
        message: Lower-case fragment without full stop.
        help: The remedy.
        code: The exit code.
        field: The field of the request concerned; may be empty.
    """

    def __init__(self, message: str, remedy: str, code: int, field: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.help = remedy
        self.code = code
        self.field = field


def is_for_machines() -> bool:
    """Whether the command was called with `--json`."""
    return _machine[0]


class ReaderGoneError(Exception):
    """Standard output has no reader any more, for example behind `head`."""


@contextlib.contextmanager
def _writing() -> Iterator[None]:
    # An error type of this program: frameworks give the system's their own exit code.
    try:
        yield
    except BrokenPipeError:
        raise ReaderGoneError from None


def settle_output() -> None:
    """Ends standard output here: the flush when the interpreter ends would change the exit code."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        with contextlib.suppress(OSError, ValueError):
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, sys.stdout.fileno())


def console() -> "Console":
    """Returns the console for standard output: colours and widths of the terminal, plain text without one."""
    # Loads slowly, and machines never need it.
    from nextbest.cli.terminal import Terminal  # noqa: PLC0415

    # COLUMNS, else the terminal's. A pipe has no width: 80 columns would wrap what a pager shows whole.
    return Terminal(width=shutil.get_terminal_size((_WIDTH_PIPED, 0)).columns)


def show(*renderables: "RenderableType") -> None:
    """Prints for people."""
    target = console()
    with _writing():
        for renderable in renderables:
            target.print(renderable)


def show_line(line: "RenderableType") -> None:
    """Prints for people, and lets the terminal wrap long lines."""
    with _writing():
        console().print(line, soft_wrap=True)


def show_diagnostics(diagnostics: "Iterable[Diagnostic]", sources: "Mapping[str, Sequence[str]]") -> None:
    """Prints diagnostics for people, source lines cut to the terminal so that markers stay below their text.

    Messages and remedies are not wrapped: the terminal does it, so that they can be copied whole.
    """
    from nextbest.diagnostics.rendering import render_grouped  # noqa: PLC0415 - loads rich

    columns = console().width if sys.stdout.isatty() else None
    show_line(render_grouped(diagnostics, sources, columns))


def say(line: str) -> None:
    """Prints one line for people, without wrapping it."""
    _write(printable(line))


def say_lines(text: str) -> None:
    """Prints text for people with exactly the command's line feeds."""
    _write(printable_lines(text))


def say_json(document: str) -> None:
    """Prints JSON that has been rendered already."""
    _write(escape_json(document))


def write_bytes(data: bytes) -> None:
    """Writes a file to standard output, for another program."""
    with _writing():
        sys.stdout.buffer.write(data)
        sys.stdout.flush()


def _write(text: str) -> None:
    with _writing():
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()


def write_json(value: object) -> None:
    """Prints a JSON document on one line, or indented on a terminal."""
    indent = 2 if sys.stdout.isatty() else None
    say_json(json.dumps(plain(value), ensure_ascii=False, indent=indent))


def write_error(error: CommandError) -> None:
    """Prints an error to standard error: one JSON line for programs, two lines for people.

    If standard error cannot be written, only the exit code reports the error.
    """
    with contextlib.suppress(OSError, ValueError):
        _write_error(error)


def write_note(text: str) -> None:
    """Prints a warning about an answer to standard error: one JSON line for programs."""
    line = (
        escape_json(json.dumps({"note": {"message": text}}, ensure_ascii=False))
        if is_for_machines()
        else f"note: {printable(text)}"
    )
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(f"{line}\n")


def _write_error(error: CommandError) -> None:
    if is_for_machines():
        content = {"message": error.message, "help": error.help, "field": error.field}
        sys.stderr.write(escape_json(json.dumps({"error": content}, ensure_ascii=False)) + "\n")
        return
    from rich.text import Text  # noqa: PLC0415

    from nextbest.cli.terminal import Terminal  # noqa: PLC0415

    where = f"{error.field}: " if error.field else ""
    text = Text.assemble(("error: ", "bold red"), printable(f"{where}{error.message}"))
    if error.help:
        text.append("\n help: ", "bold cyan")
        text.append(error.help)
    Terminal(stderr=True, soft_wrap=True).print(text)


def plain(value: Any) -> Any:
    """Turns answers into JSON types.

    Moments become RFC 3339 text, durations text such as `720h`, dataclasses objects: stored values can be
    loaded again.
    """
    match value:
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case timedelta():
            return spell_duration(value)
        case Mapping():
            return {str(key): plain(item) for key, item in value.items()}
        case list() | tuple():
            return [plain(item) for item in value]
        case _ if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return {entry.name: plain(getattr(value, entry.name)) for entry in dataclasses.fields(value)}
        case _:
            return value
