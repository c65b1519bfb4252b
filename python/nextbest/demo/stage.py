"""The steps of the demo -> lines with a mark and a time, as they are done."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.text import Text

_CELLS_FOR_TIME: Final = 8


class Stage:
    """Prints what is being done, and how long it took.

    Attributes:
        seconds: How long each step took, in their order.
    """

    def __init__(self, console: Console) -> None:
        """Prints to `console`; nothing when it is quiet."""
        self.console = console
        self.seconds: dict[str, float] = {}

    @contextmanager
    def step(self, doing: str) -> Iterator[list[str]]:
        """Shows a step while it runs. The text that the block puts into the list is shown when it is done."""
        notes: list[str] = []
        started = time.perf_counter()
        with self.console.status(f"{doing} ..."):
            yield notes
        self._done(doing, notes, time.perf_counter() - started)

    @contextmanager
    def still(self, doing: str) -> Iterator[list[str]]:
        """Does a step without anything moving: a spinner would take its share of what is being measured."""
        notes: list[str] = []
        started = time.perf_counter()
        yield notes
        self._done(doing, notes, time.perf_counter() - started)

    @contextmanager
    def counted(self, doing: str, total: int) -> Iterator["Advance"]:
        """Shows a step of `total` parts with a bar."""
        started = time.perf_counter()
        with Progress(
            TextColumn("  {task.description} ..."),
            BarColumn(),
            MofNCompleteColumn(),
            console=self.console,
            transient=True,
            # Elsewhere it would leave an empty line behind.
            disable=not self.console.is_terminal,
        ) as progress:
            advance = Advance(progress, doing, total)
            yield advance
        self._done(doing, advance.notes, time.perf_counter() - started)

    def note(self, text: str) -> None:
        """Prints a detail of the step before."""
        self.console.print(Text(f"      {text}", "dim"), overflow="ellipsis", no_wrap=True)

    def _done(self, doing: str, notes: list[str], seconds: float) -> None:
        self.seconds[doing] = round(seconds, 3)
        text = ", ".join(notes) or doing
        room = max(self.console.width - 4 - _CELLS_FOR_TIME, 10)
        line = Text(text)
        line.truncate(room, overflow="ellipsis", pad=True)
        self.console.print(Text.assemble(("  ✓ ", "bold green"), line, (f"{seconds:6.1f} s", "dim")))


class Advance:
    """A bar that moves.

    Attributes:
        notes: The text to show when all is done.
    """

    def __init__(self, progress: Progress, doing: str, total: int) -> None:
        """Adds a bar with `total` parts."""
        self.notes: list[str] = []
        self._progress = progress
        self._task = progress.add_task(doing, total=total)

    def __call__(self, count: int = 1) -> None:
        """Moves the bar."""
        self._progress.advance(self._task, count)
