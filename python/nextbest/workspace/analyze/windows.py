"""Reachability -> enabled actions whose window has ended on the day of the check."""

from collections.abc import Iterable, Iterator

from nextbest.diagnostics import Diagnostic, Severity
from nextbest.workspace.analyze.reachability import Reachability


def is_over(reachability: Reachability, now_us: int) -> bool:
    """Whether the window of an action has ended."""
    return reachability.action.HasField("active_until_us") and reachability.action.active_until_us <= now_us


def report_ended(actions: Iterable[Reachability], now_us: int) -> Iterator[Diagnostic]:
    """Reports windows that have ended (NB223), but not empty windows (NB215)."""
    for reachability in actions:
        action = reachability.action
        is_empty = action.HasField("active_from_us") and action.active_from_us >= action.active_until_us
        if action.enabled and is_over(reachability, now_us) and not is_empty:
            message = f"the window of `{action.name}` ended: {reachability.definition.active.until}"
            position = reachability.document.value("actions", action.name, "active", "until")
            remedy = "give it a later end, or `enabled: false` to keep it for another time"
            yield Diagnostic("NB223", message, position, remedy, Severity.WARNING)
