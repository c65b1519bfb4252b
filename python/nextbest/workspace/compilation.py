"""A folder -> a bundle, or every reason why not.

load -> resolve -> check -> lower -> independence -> background -> analyze -> accept
"""

import gc
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from nextbest.diagnostics import Diagnostic, Severity
from nextbest.v1 import bundle_pb2
from nextbest.workspace.acceptance import accept
from nextbest.workspace.analyze import analyze
from nextbest.workspace.background import count_background
from nextbest.workspace.binding import bind
from nextbest.workspace.check import check
from nextbest.workspace.conditions import Conditions
from nextbest.workspace.independence import check_independence
from nextbest.workspace.load import Progress, Workspace, ignore, load
from nextbest.workspace.lower import lower
from nextbest.workspace.versions import resolve


@dataclass(frozen=True, slots=True)
class Compilation:
    """The result of compiling a workspace.

    Attributes:
        bundle: None when there is an error.
        diagnostics: Errors, warnings and notes: those about the whole workspace first, then by file, line and
            column.
        workspace: The definitions, as far as they could be read.
    """

    bundle: bundle_pb2.Bundle | None
    diagnostics: list[Diagnostic]
    workspace: Workspace

    @property
    def sources(self) -> Mapping[str, Sequence[str]]:
        """The lines of each file that was read, for rendering diagnostics."""
        return self.workspace.sources

    @property
    def errors(self) -> list[Diagnostic]:
        """The diagnostics that keep the workspace from being compiled."""
        return [diagnostic for diagnostic in self.diagnostics if diagnostic.severity is Severity.ERROR]

    @property
    def warnings(self) -> list[Diagnostic]:
        """The diagnostics that do not, but need attention; notes are left out."""
        return [diagnostic for diagnostic in self.diagnostics if diagnostic.severity is Severity.WARNING]


def compile(  # noqa: A001 - the word for it
    path: Path | str,
    progress: Progress | None = None,
    registry: Path | None = None,
    now_us: int | None = None,
    today: date | None = None,
) -> Compilation:
    """Compiles a workspace.

    Args:
        path: Its folder.
        progress: Called with a stage (`load`, `models`, `lower`), how much is done, and how much there is.
        registry: The folder that models are pushed to; None: `models/registry` in the workspace.
        now_us: The time of the check, in microseconds since 1970; None: now. The check warns of windows and
            terms that have ended by then; the bundle does not depend on it.
        today: Replaces `now_us`: the first moment of a day in the workspace's time zone.

    Returns:
        The bundle, or all findings. Never raises because of the contents of a workspace. The same files give
        the same bundle, byte for byte, if it is serialised deterministically.
    """
    report = progress or ignore
    with _without_garbage_collection():
        workspace, diagnostics = load(Path(path), report, now_us, today)
        if not workspace.sources:
            return Compilation(None, _ordered(diagnostics), workspace)
        versions, missing = resolve(workspace, registry)
        diagnostics += [*missing, *check(workspace)]
        bindings, found = bind(workspace, versions, report)
        conditions = Conditions(workspace)
        bundle = lower(workspace, conditions, bindings, report)
        diagnostics += [*found, *conditions.diagnostics]
        diagnostics += check_independence(versions, bindings, bundle)
        diagnostics += count_background(workspace, versions, bindings, bundle)
        diagnostics += analyze(workspace, conditions, bundle, diagnostics)
        if not _is_wrong(diagnostics):
            diagnostics += accept(bundle)
    failed = _is_wrong(diagnostics)
    return Compilation(None if failed else bundle, _ordered(diagnostics), workspace)


def _is_wrong(diagnostics: Iterable[Diagnostic]) -> bool:
    return any(diagnostic.severity is Severity.ERROR for diagnostic in diagnostics)


def _ordered(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Each finding once, by position."""

    def key(diagnostic: Diagnostic) -> tuple[str, int, int, str, str]:
        position = diagnostic.position
        if position is None:
            return "", 0, 0, diagnostic.code, diagnostic.message
        return position.file, position.line, position.column, diagnostic.code, diagnostic.message

    return sorted({key(diagnostic): diagnostic for diagnostic in diagnostics}.values(), key=key)


@contextmanager
def _without_garbage_collection() -> Iterator[None]:
    # A large workspace creates millions of objects with hardly any cycles: the search for cycles took a third
    # of the time.
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            # Moves all objects to the oldest generation, or the collector would scan them at once.
            gc.freeze()
            gc.unfreeze()
            gc.enable()
