"""Reachability -> placements that stay empty, because no action or no fallback can fill them.

A fallback ignores its own policies, but it has to be enabled and inside its window, with a treatment whose
conditions hold.
"""

from collections.abc import Container, Iterator, Sequence

from nextbest.diagnostics import Diagnostic, Position, Severity
from nextbest.v1 import bundle_pb2
from nextbest.workspace.analyze.reachability import Reachability, Spot
from nextbest.workspace.analyze.windows import is_over
from nextbest.workspace.document import Document
from nextbest.workspace.load import Workspace

NAMED_MAX = 3


def report_fallbacks(
    actions: Sequence[Reachability], workspace: Workspace, bundle: bundle_pb2.Bundle, wrong: Container[str]
) -> Iterator[Diagnostic]:
    """Reports fallbacks that can never fill their placement (NB715), or not always (NB716).

    Args:
        actions: Those of the bundle.
        workspace: As loaded.
        bundle: With or without errors.
        wrong: Files with errors, whose actions are left out.
    """
    for spot, path, placement in _placements(bundle):
        if workspace.channels is None or not placement.HasField("fallback"):
            continue
        fallback = actions[placement.fallback]
        if fallback.document.file not in wrong:
            position = workspace.channels.document.value(*path, "fallback")
            yield from _report_fallback(fallback, spot, position, workspace)


def report_empty_placements(
    actions: Sequence[Reachability],
    unreachable: Container[int],
    workspace: Workspace,
    bundle: bundle_pb2.Bundle,
) -> Iterator[Diagnostic]:
    """Reports placements without a fallback for which no action is left (NB709).

    Args:
        actions: Those of the bundle.
        unreachable: Their indices in the bundle.
        workspace: As loaded.
        bundle: Without errors.
    """
    serving = _Serving(actions, unreachable, workspace.now_us)
    for spot, path, placement in _placements(bundle):
        is_empty = spot in serving.kept_out and spot not in serving.open
        if workspace.channels is not None and is_empty and not placement.HasField("fallback"):
            why = _listed(serving.kept_out[spot])
            message = f"no action can fill `{path[-1]}` of `{path[1]}`: {why}"
            remedy = "give the placement a fallback, or give another action a treatment for it"
            position = workspace.channels.document.name(*path)
            yield Diagnostic("NB709", message, position, remedy, Severity.WARNING)


def _placements(
    bundle: bundle_pb2.Bundle,
) -> Iterator[tuple[Spot, tuple[str, ...], bundle_pb2.PlacementDeclaration]]:
    """Each placement with its indices, and its path in `channels.yaml`."""
    for channel, entry in enumerate(bundle.channels):
        for index, placement in enumerate(entry.placements):
            yield (channel, index), ("channels", entry.name, "placements", placement.name), placement


class _Serving:
    """The actions of each placement.

    Attributes:
        open: Placements that some action may fill.
        kept_out: By placement, actions that have a treatment for it and cannot be placed there, with the
            reason.
    """

    def __init__(self, actions: Sequence[Reachability], unreachable: Container[int], now_us: int) -> None:
        self.open: set[Spot] = set()
        self.kept_out: dict[Spot, dict[str, str]] = {}
        for reachability in actions:
            why = _kept_out(reachability, unreachable, now_us)
            for form in reachability.forms:
                reason = why or ("has a treatment that can never be used" if form.exclusions else "")
                if not reason:
                    self.open |= form.spots
                    continue
                for spot in form.spots - self.open:
                    self.kept_out.setdefault(spot, {})[reachability.action.name] = reason


def _kept_out(reachability: Reachability, unreachable: Container[int], now_us: int) -> str:
    if not reachability.action.enabled:
        return "is disabled"
    if is_over(reachability, now_us):
        return "has a window that has ended"
    if reachability.exclusions or reachability.index in unreachable:
        return "can never be placed"
    return ""


def _listed(kept_out: dict[str, str]) -> str:
    named = [f"`{name}` {why}" for name, why in list(kept_out.items())[:NAMED_MAX]]
    if len(kept_out) > NAMED_MAX:
        named.append(f"and {len(kept_out) - NAMED_MAX:,} more for similar reasons")
    return ", ".join(named)


def _report_fallback(
    fallback: Reachability, spot: Spot, position: Position, workspace: Workspace
) -> Iterator[Diagnostic]:
    name = fallback.action.name
    forms = [form for form in fallback.forms if spot in form.spots]
    if not fallback.action.enabled or not forms:
        return  # Reported as an error already.
    if is_over(fallback, workspace.now_us):
        message = f"the fallback `{name}` cannot fill this placement: its window has ended"
        remedy = "give it a later end, or name another action"
        # Not an error: whether a server starts must not depend on the day.
        yield Diagnostic("NB715", message, position, remedy, Severity.WARNING)
    elif all(form.exclusions for form in forms):
        message = f"the fallback `{name}` can never fill this placement: {forms[0].exclusions[0].message()}"
        remedy = (
            f"change the conditions of its treatment at {_place(fallback.document, name, forms[0].index)}"
        )
        yield Diagnostic("NB715", message, position, remedy)
    elif all(form.places for form in forms):
        what = "its treatment has" if len(forms) == 1 else "all of its treatments for it have"
        message = f"the fallback `{name}` does not always fill this placement: {what} conditions"
        remedy = "if they do not hold, the placement stays empty: add a treatment without conditions"
        yield Diagnostic("NB716", message, position, remedy, Severity.WARNING)


def _place(document: Document, action: str, treatment: int) -> str:
    position = document.value("actions", action, "treatments", treatment)
    return f"{position.file}:{position.line}:{position.column}"
