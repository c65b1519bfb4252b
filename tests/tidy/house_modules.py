"""Source folders -> which module uses which, of one Rust crate or of the Python package; tests are left out.

A name that a module only passes on (`pub use`, an import in `__init__.py`) counts for the module that
defines it.
"""

import ast
from collections import defaultdict
from collections.abc import Container, Iterator
from pathlib import Path

import house_rust
from house_rust import Token

# Module -> the modules that it uses.
Graph = dict[str, set[str]]

_VISIBLE = {"pub", "crate", "super", "in", "(", ")"}


def rust_graph(source: Path) -> Graph:
    """Returns the modules of a crate by their paths (`native::step`); its root is the empty path."""
    code = {module: _without_tests(house_rust.tokens(text)) for module, text in _rust_files(source)}
    uses = {module: list(_uses(tokens)) for module, tokens in code.items()}
    aliases = {
        (module, name): _absolute(module, path, code)
        for module, found in uses.items()
        for _, name, path in found
        if name != "*"
    }
    graph: Graph = {module: set() for module in code}
    for module, tokens in code.items():
        named = [path for is_public, _, path in uses[module] if not is_public]
        named += _paths(tokens)
        for path in named:
            target = _defining(_absolute(module, path, code), code, aliases)
            if target is not None and target != module:
                graph[module].add(target)
    return graph


def _rust_files(source: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(source.rglob("*.rs")):
        parts = list(path.relative_to(source).with_suffix("").parts)
        if parts[-1] in ("mod", "lib", "main"):
            parts.pop()
        if not {"tests", "testing"} & set(parts):
            yield "::".join(parts), path.read_text()


def _without_tests(code: list[Token]) -> list[Token]:
    """Leaves out each item that follows `#[cfg(test)]`."""
    kept, index = [], 0
    while index < len(code):
        if [token.text for token in code[index : index + 7]] == ["#", "[", "cfg", "(", "test", ")", "]"]:
            index = _item_end(code, index + 7)
        else:
            kept.append(code[index])
        index += 1
    return kept


def _item_end(code: list[Token], start: int) -> int:
    depth = 0
    for index in range(start, len(code)):
        depth += (code[index].text == "{") - (code[index].text == "}")
        if depth == 0 and code[index].text in (";", "}"):
            return index
    return len(code)


def _uses(code: list[Token]) -> Iterator[tuple[bool, str, list[str]]]:
    """Yields whether others see it, the name, and the path of all that `use` brings."""
    for index, token in enumerate(code):
        if token.text == "use" and token.is_word:
            end = next(at for at in range(index, len(code)) if code[at].text == ";")
            before = index - 1
            while before >= 0 and code[before].text in _VISIBLE:
                before -= 1
            is_public = any(found.text == "pub" for found in code[before + 1 : index])
            for name, path in _tree([found.text for found in code[index + 1 : end]], []):
                yield is_public, name, path


def _tree(texts: list[str], prefix: list[str]) -> Iterator[tuple[str, list[str]]]:
    path = list(prefix)
    for index, text in enumerate(texts):
        if text == "{":
            for branch in _branches(texts[index + 1 : -1]):
                yield from _tree(branch, path)
            return
        if text == "as":
            yield texts[index + 1], path
            return
        if text != "::":
            path.append(text)
    if path[-1] == "self" and len(path) > 1:
        path.pop()
    yield path[-1], path


def _branches(texts: list[str]) -> Iterator[list[str]]:
    depth, branch = 0, []
    for text in [*texts, ","]:
        depth += (text == "{") - (text == "}")
        if text == "," and depth == 0:
            if branch:
                yield branch
            branch = []
        else:
            branch.append(text)


def _paths(code: list[Token]) -> Iterator[list[str]]:
    """Yields all paths in code and in `use` up to its braces."""
    index = 0
    while index < len(code):
        path = []
        while code[index].is_word and index + 2 < len(code) and code[index + 1].text == "::":
            path.append(code[index].text)
            index += 2
        if path:
            yield [*path, code[index].text] if code[index].is_word else path
        index += 1


def _absolute(module: str, path: list[str], code: dict[str, list[Token]]) -> list[str]:
    """Returns a path from the root of the crate, or an empty one where it leads to another crate."""
    here = module.split("::") if module else []
    if path[0] == "crate":
        return path[1:]
    if path[0] in ("self", "super"):
        while path and path[0] in ("self", "super"):
            here = here[:-1] if path[0] == "super" else here
            path = path[1:]
        return [*here, *path]
    return [*here, *path] if "::".join([*here, path[0]]) in code else []


def _defining(
    path: list[str], code: dict[str, list[Token]], aliases: dict[tuple[str, str], list[str]]
) -> str | None:
    """Returns the module that defines what a path names."""
    for _ in range(8):
        if not path:
            return None
        module = []
        while len(module) < len(path) and "::".join([*module, path[len(module)]]) in code:
            module.append(path[len(module)])
        rest = path[len(module) :]
        onward = aliases.get(("::".join(module), rest[0])) if rest else None
        if not onward:
            return "::".join(module)
        path = [*onward, *rest[1:]]
    return None


def python_graph(package: Path, skipped: frozenset[str] = frozenset(), *, types: bool = True) -> Graph:
    """Returns the modules of a package (`nextbest.client.aio`); folders in `skipped` are left out.

    Imports for type checkers alone count if `types` is true.
    """
    trees = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package.parent).with_suffix("").parts
        if not skipped & set(parts):
            trees[".".join(parts).removesuffix(".__init__")] = (path, ast.parse(path.read_text()))
    imports = {
        name: list(_imports(name, path.stem == "__init__", tree, types=types))
        for name, (path, tree) in trees.items()
    }
    aliases: dict[str, dict[str, tuple[str, str]]] = defaultdict(dict)
    for name, (path, _) in trees.items():
        if path.stem == "__init__":
            aliases[name] = {item: (module, item) for module, item in imports[name] if item}
    graph: Graph = {name: set() for name in trees}
    for name, (path, _) in trees.items():
        for module, item in imports[name]:
            target = _python_target(module, item, trees.keys(), aliases)
            is_passed_on = path.stem == "__init__" and target.startswith(f"{name}.")
            if target in trees and target != name and not is_passed_on:
                graph[name].add(target)
    return graph


def _imports(name: str, is_package: bool, tree: ast.Module, *, types: bool) -> Iterator[tuple[str, str]]:
    here = name.split(".") if is_package else name.split(".")[:-1]
    for node in _nodes(tree, types=types):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = here[: len(here) - node.level + 1] if node.level else []
            module = ".".join([*base, *(node.module or "").split(".")]).strip(".")
            yield from ((module, alias.name) for alias in node.names)


def _nodes(tree: ast.Module, *, types: bool) -> Iterator[ast.AST]:
    for_types = {
        id(node)
        for test in ast.walk(tree)
        if not types and isinstance(test, ast.If) and "TYPE_CHECKING" in ast.unparse(test.test)
        for node in ast.walk(test)
    }
    return (node for node in ast.walk(tree) if id(node) not in for_types)


def _python_target(
    module: str, item: str, modules: Container[str], aliases: dict[str, dict[str, tuple[str, str]]]
) -> str:
    for _ in range(8):
        if f"{module}.{item}" in modules:
            return f"{module}.{item}"
        if item not in aliases.get(module, {}) or aliases[module][item][0] == module:
            return module
        module, item = aliases[module][item]
    return module


def circles(graph: Graph, separator: str) -> list[list[str]]:
    """Returns the groups of modules that use one another, largest first, parents with children apart."""
    found = []
    for group in _groups(graph):
        head = min(group, key=len)
        if all(name == head or _are_related(name, head, separator) for name in group):
            below = {
                name: {used for used in graph[name] & group if not _are_related(name, used, separator)}
                for name in group
            }
            found += _groups(below)
        else:
            found.append(group)
    return sorted((sorted(group) for group in found), key=lambda group: (-len(group), group))


def _are_related(one: str, other: str, separator: str) -> bool:
    """Whether one is a parent of the other; a crate's root, which has no name, is a parent of all."""
    return "" in (one, other) or one.startswith(other + separator) or other.startswith(one + separator)


def _groups(graph: Graph) -> list[set[str]]:
    """Returns the strongly connected components of two modules or more."""
    reached = {name: _reach(graph, name) for name in graph}
    groups: list[set[str]] = []
    for name in graph:
        if not any(name in group for group in groups):
            group = {other for other in reached[name] if name in reached[other]}
            if len(group) > 1:
                groups.append(group)
    return groups


def _reach(graph: Graph, start: str) -> set[str]:
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        for used in graph[waiting.pop()] - seen:
            seen.add(used)
            waiting.append(used)
    return seen
