"""Levers, context weights and thresholds -> percentages and fractions that were probably confused."""

from collections.abc import Iterator

from nextbest.diagnostics import Diagnostic, Remedy, Severity
from nextbest.workspace.document import Document
from nextbest.workspace.load import Workspace

Percentage = tuple[Document, tuple[str | int, ...], float]


def check_numbers(workspace: Workspace) -> Iterator[Diagnostic]:
    """Finds percentage points that are fractions or factors, and a threshold of propensities that is 1."""
    for document, path, percent in _percentages(workspace):
        if percent and -1 < percent < 1:
            message = f"a `{path[-1]}` of {percent:g} is less than one percentage point"
            meant = f"{percent * 100:g}"
            remedy = Remedy(f"write {{}} for {meant} percent", meant)
            position = document.value(*path)
            yield Diagnostic("NB226", message, position, remedy, Severity.WARNING)
        elif 1 < percent < 2:
            message = f"a `{path[-1]}` of {percent:g} adds {percent:g} percent: it is not a factor"
            meant = f"{round((percent - 1) * 100, 6):g}"
            remedy = Remedy(f"to raise by {meant} percent, write {{}}", meant)
            yield Diagnostic("NB226", message, document.value(*path), remedy, Severity.WARNING)
    if workspace.arbitration is not None:
        document = workspace.arbitration.document
        if workspace.arbitration.definition.arbitration.thresholds.propensity == 1:
            position = document.value("arbitration", "thresholds", "propensity")
            message = "with a threshold of 1, only actions that are certain to be accepted are placed"
            remedy = Remedy("propensities are fractions: write {} for 1 percent", "0.01")
            yield Diagnostic("NB226", message, position, remedy, Severity.WARNING)


def _percentages(workspace: Workspace) -> Iterator[Percentage]:
    """All values in percentage points, with their places."""
    if workspace.issues is not None:
        for name, issue in workspace.issues.definition.issues.items():
            yield workspace.issues.document, ("issues", name, "lever"), issue.lever
    for source in workspace.groups:
        yield source.document, ("lever",), source.definition.lever
        for name, action in source.definition.actions.items():
            yield source.document, ("actions", name, "lever"), action.lever
    if workspace.arbitration is not None:
        for index, weight in enumerate(workspace.arbitration.definition.context_weights):
            yield workspace.arbitration.document, ("context_weights", index, "percent"), weight.percent
