"""The contents of a bundle -> tables."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import RenderableType

from nextbest.layouts import Listing, name, number, pairs, text
from nextbest.wording import word_amounts, word_bytes, word_label, word_percent


def render_bundle(contents: Mapping[str, Any]) -> list[RenderableType]:
    """Renders the contents of a bundle in the form of `--json`, without empty tables."""
    head = {
        "digest": contents["digest"],
        "size": word_bytes(contents["size_bytes"]),
        "currency": contents["currency"],
        "time zone": contents["time_zone"],
        "contents": ", ".join(
            f"{count:,} {what[:-1] if count == 1 else what}" for what, count in contents["counts"].items()
        ),
    }
    tables = [
        pairs(contents["workspace"], ((key, value) for key, value in head.items() if value)),
        _actions(contents["actions"], contents["currency"]),
        _channels(contents["channels"]),
        _models(contents["models"]),
        _attributes(contents["attributes"]),
    ]
    return [table for table in tables if len(table)]


def _actions(actions: Sequence[Mapping[str, Any]], currency: str) -> Listing:
    columns = (
        name("action"),
        text("label", gives_way=1),
        name("issue", gives_way=2, below="issue {}"),
        name("group", gives_way=3, below="group {}"),
        number("clauses"),
        number(f"value {currency}".rstrip()),
        name("propensity"),
        text("treatments", gives_way=4, below="treatments {}"),
        name("notes"),
    )
    table = Listing(columns, "Actions")
    for action, value in zip(actions, _values(action["value"] for action in actions), strict=True):
        table.add(
            action["action"],
            word_label(action["action"], action["label"]),
            action["issue"],
            action["group"],
            f"{action['clauses']:,}",
            value,
            action["model"] or word_percent(action["prior"]),
            ", ".join(action["treatments"]),
            ("mandatory" if action["mandatory"] else "") if action["enabled"] else "disabled",
        )
    return table


def _values(values: Iterable[float | str]) -> list[str]:
    """Constants as money, and `computed` for values that depend on the customer."""
    listed = list(values)
    amounts = iter(word_amounts([value for value in listed if not isinstance(value, str)]))
    return [value if isinstance(value, str) else next(amounts) for value in listed]


def _channels(channels: Iterable[Mapping[str, Any]]) -> Listing:
    table = Listing((name("channel"), text("placements, and how many actions each takes")), "Channels")
    for channel in channels:
        table.add(
            channel["channel"], ", ".join(f"{slot} {count}" for slot, count in channel["placements"].items())
        )
    return table


def _models(models: Iterable[Mapping[str, Any]]) -> Listing:
    columns = (
        name("model"),
        name("version"),
        number("size"),
        name("score", gives_way=1, below="score {}"),
        text("inputs (columns)", gives_way=3, below="inputs (columns): {}"),
        text("engine", gives_way=2, below="engine {}"),
    )
    table = Listing(columns, "Models")
    for model in models:
        table.add(
            model["model"],
            model["version"][:12],
            word_bytes(model["size_bytes"]),
            model["output"],
            ", ".join(f"{tensor} ({count})" for tensor, count in model["inputs"].items()),
            ": ".join(filter(None, model["engine"].values())),
        )
    return table


def _attributes(attributes: Iterable[Mapping[str, Any]]) -> Listing:
    columns = (name("attribute"), text("label", gives_way=1), name("type"), name("required"))
    table = Listing(columns, "Attributes")
    for attribute in attributes:
        is_required = "yes" if attribute["required"] else ""
        label = word_label(attribute["attribute"], attribute["label"])
        table.add(attribute["attribute"], label, attribute["type"], is_required)
    return table
