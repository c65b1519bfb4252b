"""The sizes and walls of this repository, measured from its files: a line of JSON, or a table with `--text`.

What is counted:
- files below `rust/*/src`, and the functions in them from `fn` to the closing brace;
- functions of `python/nextbest` from `def` to the last line without the docstring; not generated code;
- circles: groups of modules that use one another, in a crate or in the Python package; tests are left out,
  and a parent and its children are not a circle;
- back arrows: a crate that names one beside or above it, a stage of a decision that names a later stage, or
  an import against the layers that pyproject.toml draws for Python;
- the median time that `from nextbest import Client` takes in a fresh process, which differs between machines.
"""

import argparse
import ast
import json
import os
import statistics
import subprocess
import sys
import time
import tomllib
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

import house_modules
import house_rust
from test_words import count_banned_words

ROOT = Path(__file__).parents[2]
GENERATED = frozenset({"v1", "checked"})
RUST_LINES_MAX = 70
PYTHON_LINES_MAX = 40
# A crate may name those in the lines below its own. Crates that are not listed are independent.
CRATE_LEVELS = (
    ("python",),
    ("server",),
    ("pipeline",),
    ("store", "journal", "otlp", "onnx"),
    ("engine",),
    ("proto",),
)
# As `decide` calls them. A stage imports the types of earlier ones.
STAGES = (
    "request",
    "attributes",
    "features",
    "availability",
    "eligibility",
    "contact",
    "treatment",
    "propensity",
    "arbitration",
    "claim",
)


@dataclass(frozen=True)
class Named:
    """A function that is longer than wished."""

    line_count: int
    place: str


def rust_files(root: Path) -> dict[str, str]:
    """Returns the texts of all Rust files by their path."""
    return {
        str(path.relative_to(root)): path.read_text()
        for crate in sorted((root / "rust").iterdir())
        for path in sorted((crate / "src").rglob("*.rs"))
    }


def python_files(root: Path) -> dict[str, str]:
    """Returns the texts of all Python files of the package by their path, generated ones apart."""
    return {
        str(path.relative_to(root)): path.read_text()
        for path in sorted((root / "python/nextbest").rglob("*.py"))
        if not GENERATED & set(path.parts)
    }


def rust_functions(files: dict[str, str]) -> list[Named]:
    """Returns all functions, longest first."""
    found = [
        Named(function.line_count, f"{path}:{function.line} {function.name}")
        for path, text in files.items()
        for function in house_rust.functions(text)
    ]
    return sorted(found, key=lambda function: -function.line_count)


def python_functions(files: dict[str, str]) -> list[Named]:
    """Returns all functions, longest first."""
    found = [
        Named(_lines_without_docstring(node), f"{path}:{node.lineno} {node.name}")
        for path, text in files.items()
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    return sorted(found, key=lambda function: -function.line_count)


def _lines_without_docstring(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    lines = (node.end_lineno or node.lineno) - node.lineno + 1
    if ast.get_docstring(node) is None:
        return lines
    docstring = node.body[0]
    return lines - ((docstring.end_lineno or docstring.lineno) - docstring.lineno + 1)


def percentile_90(counts: list[int]) -> int:
    """Returns the count that nine of ten do not pass."""
    return sorted(counts)[len(counts) * 9 // 10]


def percent_over(functions: list[Named], lines_max: int) -> float:
    """Returns how many functions in a hundred are longer."""
    return round(100 * sum(function.line_count > lines_max for function in functions) / len(functions), 2)


def all_circles(root: Path) -> dict[str, list[list[str]]]:
    """Returns the circles of each crate, and of the Python package."""
    found = {
        f"rust/{crate.name}": house_modules.circles(house_modules.rust_graph(crate / "src"), "::")
        for crate in sorted((root / "rust").iterdir())
    }
    graph = house_modules.python_graph(root / "python/nextbest", GENERATED)
    return found | {"python/nextbest": house_modules.circles(graph, ".")}


def back_arrows(root: Path) -> list[str]:
    """Returns `a -> b` for each dependency that runs against the direction of the house."""
    level = {name: number for number, names in enumerate(CRATE_LEVELS) for name in names}
    crates = [
        f"rust/{name} -> rust/{used}"
        for name in level
        for used in _crate_dependencies(root / "rust" / name / "Cargo.toml")
        if used in level and level[used] <= level[name]
    ]
    graph = house_modules.rust_graph(root / "rust/engine/src")
    stages = [
        f"engine::{module} -> engine::{used}"
        for module, named in sorted(graph.items())
        for used in sorted(named)
        if _is_later_stage(module.split("::")[0], used.split("::")[0])
    ]
    return crates + stages + _layer_arrows(root)


def _layer_arrows(root: Path) -> list[str]:
    """Returns the imports that run against the layers which pyproject.toml draws for import-linter."""
    linter = tomllib.loads((root / "pyproject.toml").read_text())["tool"].get("importlinter", {})
    arrows = []
    for contract in linter.get("contracts", []):
        if contract["type"] == "layers":
            level = {
                name: number
                for number, layer in enumerate(contract["layers"])
                for name in layer.replace("|", " ").replace(":", " ").split()
            }
            ignored = [line.split(" -> ") for line in contract.get("ignore_imports", [])]
            graph = house_modules.python_graph(root / "python/nextbest", GENERATED, types=False)
            arrows += [
                f"{module} -> {used}"
                for module, named in sorted(graph.items())
                for used in sorted(named)
                if _level(used, level) < _level(module, level)
                and not any(fnmatch(module, one) and fnmatch(used, other) for one, other in ignored)
            ]
    return arrows


def _level(module: str, level: dict[str, int]) -> int:
    """Returns the layer of a module; one that no layer has is in the lowest."""
    return min((number for name, number in level.items() if f"{module}.".startswith(f"{name}.")), default=99)


def _crate_dependencies(manifest: Path) -> list[str]:
    if not manifest.exists():
        return []
    named = tomllib.loads(manifest.read_text()).get("dependencies", {})
    return sorted(name.removeprefix("nextbest-") for name in named if name.startswith("nextbest-"))


def _is_later_stage(stage: str, used: str) -> bool:
    return stage in STAGES and used in STAGES and STAGES.index(used) > STAGES.index(stage)


def import_client_ms(root: Path, runs: int = 7) -> float:
    """Returns the median time that importing the client takes, beyond that of starting Python."""
    environment = {**os.environ, "PYTHONPATH": str(root / "python")}
    code = "import time; t = time.perf_counter(); from nextbest import Client; print(time.perf_counter() - t)"
    took = []
    for _ in range(runs):
        ran = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
        )
        took.append(float(ran.stdout))
        time.sleep(0.05)
    return round(1000 * statistics.median(took), 1)


def banned_words(root: Path) -> int:
    """Returns how many banned constructions are in texts for people, outside the allow-list.

    The list is about the files of this checkout; for another one there is no figure, and -1 is returned.
    """
    return count_banned_words(root) if root == ROOT else -1


def line_count(path: Path) -> int:
    """Returns the number of lines of a file."""
    return len(path.read_text().splitlines())


def figures(root: Path) -> dict[str, float]:
    """Returns what the line of JSON holds."""
    rust, python = rust_files(root), python_files(root)
    return {
        "rust_file_p90": percentile_90([len(text.splitlines()) for text in rust.values()]),
        "rust_functions_over_70": percent_over(rust_functions(rust), RUST_LINES_MAX),
        "python_functions_over_40": percent_over(python_functions(python), PYTHON_LINES_MAX),
        "circles": sum(len(found) for found in all_circles(root).values()),
        "back_arrows": len(back_arrows(root)),
        "import_client_ms": import_client_ms(root),
        "readme_lines": line_count(root / "README.md"),
        "architecture_lines": line_count(root / "ARCHITECTURE.md"),
        "docs_pages": len(list((root / "docs").rglob("*.md"))),
        "banned_words": banned_words(root),
    }


def text(root: Path) -> str:
    """Returns the figures as a table, and what is behind them."""
    rust, python = rust_files(root), python_files(root)
    lines = [f"{name:<26}{value:>8}" for name, value in figures(root).items()]
    lines += ["", "longest files"]
    longest = sorted(((len(text.splitlines()), path) for path, text in (rust | python).items()), reverse=True)
    lines += [f"{count:>6}  {path}" for count, path in longest[:10]]
    for title, found, lines_max in (
        (f"Rust functions over {RUST_LINES_MAX} lines", rust_functions(rust), RUST_LINES_MAX),
        (f"Python functions over {PYTHON_LINES_MAX} lines", python_functions(python), PYTHON_LINES_MAX),
    ):
        lines += ["", title]
        lines += [f"{one.line_count:>6}  {one.place}" for one in found if one.line_count > lines_max]
    lines += ["", "circles"]
    lines += [
        f"{len(circle):>6}  {folder}: {', '.join(name or '(root)' for name in circle)}"
        for folder, found in all_circles(root).items()
        for circle in found
    ]
    return "\n".join([*lines, "", "back arrows", *(f"        {arrow}" for arrow in back_arrows(root))])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--text", action="store_true", help="a table with what is behind the figures")
    parser.add_argument("--root", type=Path, default=ROOT, help="another checkout to measure")
    arguments = parser.parse_args()
    root = arguments.root.resolve()
    sys.stdout.write((text(root) if arguments.text else json.dumps({"house": figures(root)})) + "\n")


if __name__ == "__main__":
    main()
