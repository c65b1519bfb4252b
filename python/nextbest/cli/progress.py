"""Progress of long work: a bar on standard error, for a terminal; removed when the work is done."""
# ruff: noqa: PLC0415 - rich loads slowly, and machines never need it

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from nextbest.cli.output import is_for_machines

if TYPE_CHECKING:
    from rich.progress import Progress


@contextmanager
def advancing(doing: str, total: int) -> Iterator[Callable[[int], None]]:
    """Shows one piece of work; yields a function that advances it.

    Args:
        doing: The text before the bar.
        total: The amount of work.
    """
    with _bars() as progress:
        task = progress.add_task(doing, total=total)
        yield lambda count: progress.advance(task, count)


@contextmanager
def following() -> Iterator[Callable[[str, int, int], None]]:
    """Shows work of several stages; yields a function that reports stage, done and total."""
    with _bars() as progress:
        task = progress.add_task("", total=None)
        yield lambda stage, done, total: progress.update(task, description=stage, completed=done, total=total)


@contextmanager
def timing(total_s: float) -> Iterator[Callable[[str, float], None]]:
    """Shows work of known length; yields a function that reports the text and the seconds that have passed.

    Redrawn only on request: the measured process may run on the same machine.
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    bar = Progress(
        BarColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.description}"),
        console=console,
        disable=is_for_machines() or not console.is_terminal,
        auto_refresh=False,
        transient=True,
    )
    with bar:
        task = bar.add_task("", total=total_s)
        yield lambda doing, passed_s: bar.update(
            task, description=doing, completed=min(passed_s, total_s), refresh=True
        )


def _bars() -> "Progress":
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=is_for_machines() or not console.is_terminal,
        transient=True,
    )
