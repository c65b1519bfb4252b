"""A command -> the picture of a terminal in which it ran.

The command runs in a separate terminal, so it shows its colours. The picture names no font that a browser
would have to fetch.
"""

import io
import os
import pty
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

COLUMNS: Final = 100
FORMAT: Final = re.sub(r"@font-face \{\{.*?\}\}\s*", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)


@dataclass(frozen=True, slots=True)
class Screen:
    """A picture of a command.

    Attributes:
        name: Of the file, without its ending.
        command: What is shown, and run.
        before: What is run before, and not shown.
    """

    name: str
    command: str
    before: str = ":"

    def draw(self, folder: Path) -> str:
        """Runs the command in a folder, and returns its picture as SVG."""
        subprocess.run(self.before, shell=True, cwd=folder, check=True)  # noqa: S602 - written in this package
        prompt = Text.assemble(("$ ", "bold green"), (self.command, "bold"), "\n")
        shown = Text.assemble(prompt, Text.from_ansi(_at_a_terminal(self.command, folder)))
        console = Console(
            record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="truecolor"
        )
        console.print(shown, end="", soft_wrap=False)
        picture = console.export_svg(title="nextbest", code_format=FORMAT, unique_id=self.name)
        return "".join(f"{line.rstrip()}\n" for line in picture.splitlines())


def _at_a_terminal(command: str, folder: Path) -> str:
    ours, theirs = pty.openpty()
    environment = {
        **{name: value for name, value in os.environ.items() if name != "NO_COLOR"},
        "COLUMNS": str(COLUMNS),
        "TERM": "xterm-256color",
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    # What a command shows while it works goes to standard error.
    with subprocess.Popen(
        shlex.split(command),
        cwd=folder,
        env=environment,
        stdin=theirs,
        stdout=theirs,
        stderr=subprocess.DEVNULL,
    ):
        os.close(theirs)
        return b"".join(_chunks(ours)).decode().replace("\r\n", "\n").strip("\n")


def _chunks(descriptor: int) -> Iterator[bytes]:
    while True:
        try:
            chunk = os.read(descriptor, 65_536)
        except OSError:  # Linux reports the end of a terminal like this.
            chunk = b""
        if not chunk:
            os.close(descriptor)
            return
        yield chunk
