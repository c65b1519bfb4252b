"""The command line -> one page, from the commands' own help."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, get_args

import typer

from nextbest.cli import application
from reference_pages.markdown import paragraph, table

INTRODUCTION: Final = """# Commands

For everyone who types `nextbest`: every command with its arguments, options and examples, as `--help` has them. Variables that
replace options are in [Settings](../operator/settings.md), exit codes in [Exit codes](exit-codes.md).
"""
VALUES: Final = {str: "text", Path: "path", int: "whole number", float: "number", bool: ""}
OPTION: Final = re.compile(r"(?<![\w`-])--[a-z][a-z-]*(?![\w`-])(?=[^`]*(?:`[^`]*`[^`]*)*$)")
MARKUP: Final = re.compile(r"(?<!\\)\[/?[a-z ]+\]")


def write() -> str:
    """Writes the page."""
    root = typer.main.get_command(application.assemble())
    with root.make_context("nextbest", [], resilient_parsing=True) as context:
        return INTRODUCTION + "".join(
            part for name, found in _commands(root, "nextbest") for part in _command(name, found, context)
        )


def _commands(group: Any, path: str) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if not command.hidden:
            yield f"{path} {name}", command
            if hasattr(command, "commands"):
                yield from _commands(command, f"{path} {name}")


def _command(name: str, command: Any, context: Any) -> Iterator[str]:
    yield f"\n## {name}\n"
    for text in (command.help or "").split("\n\n"):
        yield f"\n{paragraph(_text(text))}\n"
    if hasattr(command, "commands"):
        return
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    options = [one for one in command.params if one.param_type_name == "option" and not one.hidden]
    if arguments:
        yield "\n" + table(
            ["argument", "meaning"], ([f"`{_name(one)}`", _meaning(one, context)] for one in arguments)
        )
    yield "\n" + table(
        ["option", "value", "meaning"],
        ([_flags(one), _value(one), _meaning(one, context)] for one in options),
    )
    examples = _plain(command.epilog or "").partition("\n")[2]
    if examples:
        yield "\n```sh\n" + re.sub(r"^ {2}", "", examples, flags=re.MULTILINE).rstrip() + "\n```\n"


def _name(argument: Any) -> str:
    return str(argument.metavar or argument.name)


def _flags(option: Any) -> str:
    return ", ".join(f"`{flag}`" for flag in (*option.opts, *option.secondary_opts))


def _value(option: Any) -> str:
    annotation = option.type_descriptor.annotation
    (kind, *_) = get_args(annotation) or (annotation,)
    text = option.metavar or VALUES.get(kind, kind.__name__)
    limits = [
        f"{word} {limit:g}" for word, limit in (("from", option.min), ("to", option.max)) if limit is not None
    ]
    repeated = ["repeatable"] if option.multiple else []
    return ", ".join((" ".join((text, *limits)).strip(), *repeated))


def _meaning(one: Any, context: Any) -> str:
    text = _text(one.help or "")
    if one.required and one.param_type_name == "option":
        return f"{text} Required."
    default = one.show_default if isinstance(one.show_default, str) else one.get_default(context, call=False)
    if default in (None, False, "", (), []) or callable(default) or "Default:" in text:
        return text
    return f"{text} Default: `{getattr(default, 'value', default)}`."


def _text(text: str) -> str:
    """Marks options as code."""
    return OPTION.sub(r"`\g<0>`", _plain(text))


def _plain(text: str) -> str:
    return MARKUP.sub("", text).replace("\\[", "[")
