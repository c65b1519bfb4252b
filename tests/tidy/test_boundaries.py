"""The lines that ARCHITECTURE.md draws hold: who depends on whom, and which door leads to which library."""

import ast
import json
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "python" / "nextbest"

# Each crate of ours with those of ours that it names.
CRATES = {
    "nextbest-proto": set(),
    "nextbest-engine": {"nextbest-proto"},
    "nextbest-onnx": {"nextbest-engine"},
    "nextbest-inspection": set(),
    "nextbest-store": {"nextbest-engine", "nextbest-proto"},
    "nextbest-otlp": {"nextbest-engine", "nextbest-proto"},
    "nextbest-load": set(),
    # Neither sockets nor spans: decisions without a server link neither.
    "nextbest-pipeline": {"nextbest-engine", "nextbest-onnx", "nextbest-proto", "nextbest-store"},
    "nextbest-server": {
        "nextbest-engine",
        "nextbest-inspection",
        "nextbest-otlp",
        "nextbest-pipeline",
        "nextbest-proto",
        "nextbest-store",
    },
    "nextbest-python": {
        "nextbest-engine",
        "nextbest-load",
        "nextbest-otlp",
        "nextbest-pipeline",
        "nextbest-server",
    },
}

# A heavy library, and the only places that may name it.
RUST_DOORS = {
    "pyo3": ["nextbest-python"],
    "ort": ["nextbest-onnx"],
    # One serves, the other posts spans to collectors.
    "hyper": ["nextbest-otlp", "nextbest-server"],
}
PYTHON_DOORS = {
    "cel_expr_python": {"expression"},
    # Workspaces, and access files: the one is compiled, the other read by a server.
    "yaml": {"workspace", "serve"},
    "pydantic": {"workspace"},
    "onnxruntime": {"models"},
    "onnx": {"models"},
    "matplotlib": {"charts"},
    "sklearn": {"demo"},
    "skl2onnx": {"demo"},
}


@pytest.fixture(scope="module")
def dependencies() -> dict[str, set[str]]:
    listed = subprocess.run(
        ["cargo", "metadata", "--format-version", "1", "--no-deps", "--offline"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return {
        package["name"]: {entry["name"] for entry in package["dependencies"] if entry["kind"] is None}
        for package in json.loads(listed.stdout)["packages"]
    }


def test_crates_depend_one_way(dependencies: dict[str, set[str]]) -> None:
    assert dependencies.keys() == CRATES.keys()
    for crate, names in dependencies.items():
        assert {name for name in names if name.startswith("nextbest-")} == CRATES[crate], crate


def test_heavy_crates_have_one_door(dependencies: dict[str, set[str]]) -> None:
    for library, doors in RUST_DOORS.items():
        assert [crate for crate, names in sorted(dependencies.items()) if library in names] == doors


def test_unsafe_code_is_allowed_in_kernels_alone() -> None:
    crates = [tomllib.loads(path.read_text()) for path in ROOT.glob("rust/*/Cargo.toml")]
    assert all(crate["lints"] == {"workspace": True} for crate in crates)
    workspace = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]
    assert workspace["lints"]["rust"]["unsafe_code"] == "deny"
    allowing = re.compile(r"(allow|expect)\([^)]*unsafe_code")
    places = [path for path in ROOT.glob("rust/**/*.rs") if allowing.search(path.read_text())]
    assert [str(path.relative_to(ROOT)) for path in places] == ["rust/engine/src/lib.rs"]


def imports(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.add(node.module.split(".")[0])
    return names


def test_heavy_packages_have_one_door() -> None:
    doors: dict[str, set[str]] = {library: set() for library in PYTHON_DOORS}
    for path in sorted(PACKAGE.rglob("*.py")):
        for library in imports(path) & PYTHON_DOORS.keys():
            doors[library].add(path.relative_to(PACKAGE).parts[0])
    assert doors == PYTHON_DOORS


def test_only_settings_reads_the_environment() -> None:
    readers = {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        if "os.environ" in path.read_text() or "getenv" in path.read_text()
    }
    # The package itself switches off ONNX Runtime's telemetry before anything can load it.
    assert readers <= {"settings/environment.py", "__init__.py"}
