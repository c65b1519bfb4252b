"""What actions inherit -> one table for each group of actions, as all of a group inherit the same."""

from collections.abc import Iterable, Iterator
from itertools import groupby

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from nextbest.workspace.inheritance import Inheritance

# With fewer columns, all but the stage stands below its condition.
_WIDE = 120


def render_inheritances(inheritances: Iterable[Inheritance], width: int) -> Iterator[RenderableType]:
    """Renders groups in the order of their files.

    Args:
        inheritances: Of all actions.
        width: Of the output, in columns.
    """
    by_file = sorted(inheritances, key=lambda one: (one.file, one.action))
    for file, members in groupby(by_file, key=lambda one: one.file):
        actions = list(members)
        first = actions[0]
        yield Text.assemble((f"{first.issue} > {first.group}", "bold"), (f"  {file}", "dim"))
        yield Text(", ".join(one.action for one in actions))
        if first.policies or first.levers:
            yield _table(first, is_wide=width >= _WIDE)
        else:
            yield Text("inherit nothing", "yellow")
        yield Text()


def _table(inheritance: Inheritance, *, is_wide: bool) -> Table:
    table = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False)
    table.add_column("stage", no_wrap=True)
    table.add_column("condition", overflow="fold")
    for column in ("reason", "from", "place") if is_wide else ():
        table.add_column(column, overflow="fold")
    for policy in inheritance.policies:
        row = (" ".join(policy.when.split()), policy.reason, f"{policy.scope} {policy.name}")
        table.add_row(policy.stage, *_cells(*row, f"{policy.file}:{policy.line}", is_wide=is_wide))
    for lever in inheritance.levers:
        row = (f"{lever.percent:+g} percentage points", "", f"{lever.scope} {lever.name}")
        table.add_row("lever", *_cells(*row, f"{lever.file}:{lever.line}", is_wide=is_wide))
    return table


def _cells(condition: str, reason: str, scope: str, place: str, *, is_wide: bool) -> list[RenderableType]:
    if is_wide:
        return [Text(condition), Text(reason), Text(scope), Text(place)]
    below = [Text(reason, "dim")] if reason else []
    return [Group(Text(condition), *below, Text(f"{scope}, {place}", "dim"))]
