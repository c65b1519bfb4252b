"""Environment variables of the product -> one page for operators."""

from collections.abc import Iterator
from dataclasses import fields
from typing import Any, Final

from nextbest.settings import Settings
from nextbest.settings.table import SETTINGS, Group, Setting
from reference_pages.markdown import table

INTRODUCTION: Final = """# Settings

For operators: how a server and the commands are configured. An option of the command line comes before its environment variable, and
a variable comes before the default. An empty variable counts as unset. A variable with a value that cannot be used ends the command
with exit code 2 and a message that names it.

Options of each command are in the [reference of commands](../reference/commands.md). Variables of OpenTelemetry (`OTEL_*`) are in
[OpenTelemetry](opentelemetry.md#variables). What each limit bounds, and which status a call beyond it gets, is in
[Limits](limits.md).
"""
HEAD: Final = ("variable", "type", "range", "unit", "default", "meaning")


def write() -> str:
    """Writes the page."""
    return INTRODUCTION + "".join(f"\n## {group}\n\n{table(HEAD, map(_row, _of(group)))}" for group in Group)


def _of(group: Group) -> Iterator[Setting]:
    return (setting for setting in SETTINGS if setting.group is group)


def _row(setting: Setting) -> tuple[str, ...]:
    kind = setting.kind
    default = setting.default or _shown(_DEFAULTS[setting.name])
    return f"`{setting.variable}`", kind.name, kind.range, kind.unit, default, setting.meaning


def _shown(value: Any) -> str:
    match value:
        case bool():
            return "on" if value else "off"
        case int() | float():
            return f"{value:,g}"
    return f"`{value}`"


_DEFAULTS: Final = {field.name: field.default for field in fields(Settings)}
