"""The public classes and functions of the package -> one page, from their docstrings."""

import ast
import importlib
import inspect
import textwrap
from collections.abc import Iterator, Mapping
from enum import Enum
from types import ModuleType
from typing import Any, Final

from reference_pages.docstrings import attributes, render
from reference_pages.markdown import table

INTRODUCTION: Final = """# Python

For programmers who call nextbest from Python: every public class and function, from its docstring. [Decide](../channel/decide.md) and the
other pages for channels show how they are used.
"""
LINE_MAX: Final = 100
CONTENTS: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "Client": ("nextbest", ("Client",)),
    "Client for asyncio": ("nextbest", ("AsyncClient",)),
    "Client for operators": ("nextbest", ("Operator",)),
    "Stored customers": ("nextbest.client.client", ("Customers",)),
    "Connections": ("nextbest", ("Retry", "KeepAlive", "Tls")),
    "Questions": ("nextbest", ("Question",)),
    "Answers": ("nextbest.client.answers", ()),
    "Scores": ("nextbest.client.scores", ()),
    "Explanations": ("nextbest.client.explanations", ()),
    "Errors": ("nextbest.errors", ()),
    "Models": ("nextbest.models", ("push", "promote", "health")),
    "Offline decisions": ("nextbest.bundle.offline", ("OfflineBundle",)),
}
"""For each heading, a module and names in it; without names, all public classes that it defines."""


def write() -> str:
    """Writes the page."""
    return INTRODUCTION + "".join(_chapter(title, *of) for title, of in CONTENTS.items())


def _chapter(title: str, name: str, members: tuple[str, ...]) -> str:
    module = _import(name)
    found = [getattr(module, member) for member in members] or list(_classes(module))
    return f"\n## {title}\n\nModule `{name}`.\n" + "".join(part for one in found for part in _entry(one))


def _import(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        # `nextbest.errors` is a name of the package for one of its modules.
        package, _, last = name.rpartition(".")
        module: ModuleType = getattr(importlib.import_module(package), last)
        return module


def _classes(module: ModuleType) -> Iterator[type]:
    for name, found in vars(module).items():
        if inspect.isclass(found) and found.__module__ == module.__name__ and not name.startswith("_"):
            yield found


def _entry(found: Any) -> Iterator[str]:
    (node,) = ast.parse(textwrap.dedent(inspect.getsource(found))).body
    yield f"\n### {found.__name__}\n"
    if isinstance(node, ast.ClassDef):
        yield from _class(node, is_choice=issubclass(found, Enum))
    else:
        yield from _function(node)


def _class(node: ast.ClassDef, *, is_choice: bool) -> Iterator[str]:
    docstring = ast.get_docstring(node) or ""
    fields = [
        one
        for one in node.body
        if isinstance(one, ast.AnnAssign) and not ast.unparse(one.target).startswith("_")
    ]
    methods = {one.name: one for one in node.body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)}
    is_made_by_callers = "__init__" in methods and ast.get_docstring(methods["__init__"])
    if is_made_by_callers:
        yield _signature(node.name, methods["__init__"])
    yield render(docstring, without="Attributes" if fields else "")
    if is_choice:
        values = [ast.unparse(one.value) for one in node.body if isinstance(one, ast.Assign)]
        yield "\nValues: " + ", ".join(f"`{ast.literal_eval(value)}`" for value in values) + ".\n"
    elif fields:
        meanings = attributes(docstring)
        yield "\n" + table(["attribute", "type", "meaning"], (_field(one, meanings) for one in fields))
    if is_made_by_callers:
        yield render(ast.get_docstring(methods["__init__"]) or "")
    for name, method in methods.items():
        if not name.startswith("_"):
            yield f"\n#### {node.name}.{name}\n"
            yield from _function(method)


def _field(field: ast.AnnAssign, meanings: Mapping[str, str]) -> tuple[str, str, str]:
    name = ast.unparse(field.target)
    default = ast.unparse(field.value) if field.value else ""
    meaning = meanings.get(name, "")
    if default and "field(" not in default:
        meaning = f"{meaning} Default: `{default}`.".strip()
    return f"`{name}`", f"`{ast.unparse(field.annotation)}`", meaning


def _function(node: Any) -> Iterator[str]:
    yield _signature(node.name, node)
    yield render(ast.get_docstring(node) or "")


def _signature(name: str, node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    given = node.args
    defaults = [None] * (len(given.args) - len(given.defaults)) + list(given.defaults)
    parts = [
        _parameter(one, default)
        for one, default in zip(given.args, defaults, strict=True)
        if one.arg != "self"
    ]
    if given.kwonlyargs:
        parts.append("*")
    parts += [
        _parameter(one, default) for one, default in zip(given.kwonlyargs, given.kw_defaults, strict=True)
    ]
    if given.kwarg:
        parts.append(f"**{ast.unparse(given.kwarg)}")
    returned = f" -> {ast.unparse(node.returns)}" if node.returns and node.name != "__init__" else ""
    awaited = "await " if isinstance(node, ast.AsyncFunctionDef) else ""
    line = f"{awaited}{name}({', '.join(parts)}){returned}"
    if len(line) > LINE_MAX:
        line = f"{awaited}{name}(\n" + "".join(f"    {part},\n" for part in parts) + f"){returned}"
    return f"\n```py\n{line}\n```\n"


def _parameter(one: ast.arg, default: ast.expr | None) -> str:
    return ast.unparse(one) if default is None else f"{ast.unparse(one)} = {ast.unparse(default)}"
