"""Inherited policies and levers -> one table for each group, whose actions all inherit the same."""

from collections.abc import Iterable, Iterator
from itertools import groupby

from rich.console import RenderableType
from rich.text import Text

from nextbest.layouts import Listing, clean, name, text
from nextbest.workspace.inheritance import Inheritance


def render_inheritances(inheritances: Iterable[Inheritance]) -> Iterator[RenderableType]:
    """Renders groups in the order of their files."""
    by_file = sorted(inheritances, key=lambda one: (one.file, one.action))
    for file, members in groupby(by_file, key=lambda one: one.file):
        actions = list(members)
        first = actions[0]
        yield clean(Text.assemble((f"{first.issue} > {first.group}", "bold"), (f"  {file}", "dim")))
        yield Text(", ".join(one.action for one in actions))
        if first.policies or first.levers:
            yield _table(first)
        else:
            yield Text("inherit nothing\n", "yellow")


def _table(inheritance: Inheritance) -> Listing:
    columns = (
        name("stage"),
        text("condition", least=44),
        text("reason", least=32, gives_way=1),
        name("from", gives_way=2, below="from {}"),
        name("written at", gives_way=3, below="at {}"),
    )
    table = Listing(columns)
    for policy in inheritance.policies:
        table.add(
            policy.stage,
            " ".join(policy.when.split()),
            policy.reason,
            f"{policy.scope} {policy.name}",
            f"{policy.file}:{policy.line}",
        )
    for lever in inheritance.levers:
        percent = f"{lever.percent:+g} percentage points"
        table.add("lever", percent, "", f"{lever.scope} {lever.name}", f"{lever.file}:{lever.line}")
    return table
