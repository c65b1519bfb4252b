"""Everything that messages and pages suggest to type exists: commands, their options, and environment
variables."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from nextbest.cli import application
from nextbest.settings.table import SETTINGS

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "python" / "nextbest"
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*[a-z]")
COMMAND = re.compile(r"nextbest ((?:[a-z]+ ?)+)(.*)")
VARIABLE = re.compile(r"\bNEXTBEST_[A-Z_]+[A-Z]\b")
# Of other programs, which the same texts name.
FOREIGN = {"--force-reinstall"}
FENCED = re.compile(r"```(?:console|sh)\n(.*?)```", re.DOTALL)


def commands(command: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    yield name, command
    for part, below in getattr(command, "commands", {}).items():
        yield from commands(below, f"{name} {part}".strip())


COMMANDS = dict(commands(typer.main.get_command(application.assemble())))
OPTIONS = {
    name: {"--help", *(text for one in command.params for text in (*one.opts, *one.secondary_opts))}
    for name, command in COMMANDS.items()
}
ALL_OPTIONS = set().union(*OPTIONS.values())


def texts(file: Path) -> Iterator[tuple[str, str]]:
    """Yields the texts of a module with their places; docstrings are for readers of the code."""
    tree = ast.parse(file.read_text())
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if id(node) in docstrings:
            continue
        if isinstance(node, ast.JoinedStr):
            parts = [part.value if isinstance(part, ast.Constant) else "{}" for part in node.values]
            yield f"{file.relative_to(ROOT)}:{node.lineno}", "".join(map(str, parts))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield f"{file.relative_to(ROOT)}:{node.lineno}", node.value


MODULES = [file for file in PACKAGE.rglob("*.py") if "v1" not in file.parts and "checked" not in file.parts]
SAID = [(place, text) for file in MODULES for place, text in texts(file)]


def test_commands_were_found():
    assert {"serve", "activate", "status", "model push", "access show"} <= COMMANDS.keys()
    assert "--drain-max" in OPTIONS["serve"]
    assert len(SAID) > 1_000


def test_options_that_are_named_exist():
    unknown = [
        f"{place}: {option}"
        for place, text in SAID
        for option in OPTION.findall(text)
        if option not in ALL_OPTIONS | FOREIGN
    ]
    assert not unknown


def test_commands_that_are_named_have_the_options_beside_them():
    wrong = []
    for place, text in SAID:
        for quoted in re.findall(r"`(nextbest [^`]*)`", text):
            wrong += [f"{place}: {quoted}: {option}" for option in strangers(quoted)]
    assert not wrong


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_of_pages_have_their_options(page):
    text = page.read_text()
    blocks = "\n".join(FENCED.findall(text))
    lines = re.split(r"\n|&&|\||;", re.sub(r"\\\n\s*", "", blocks))
    said = [line.strip().removeprefix("$ ") for line in lines]
    said = [line for line in said if line.startswith("nextbest ")] + re.findall(r"`(nextbest [^`]*)`", text)
    assert not [f"{line}: {option}" for line in said for option in strangers(line)]


def strangers(line: str) -> list[str]:
    """Returns the options that the command of a line does not have; the line, if there is no command."""
    words = line.split()[1:]
    name = ""
    while words and f"{name} {words[0]}".strip() in COMMANDS:
        name = f"{name} {words.pop(0)}".strip()
    if not name:
        return [] if words and words[0].startswith(("-", "COMMAND")) else [line]
    return [option for option in OPTION.findall(" ".join(words)) if option not in OPTIONS[name]]


def test_variables_that_are_named_are_read():
    read = {setting.variable for setting in SETTINGS}
    named = {name: place for place, text in SAID for name in VARIABLE.findall(text)}
    for page in PAGES:
        named |= dict.fromkeys(VARIABLE.findall(page.read_text()), page.name)
    unknown = {name: place for name, place in named.items() if name not in read}
    assert not unknown
