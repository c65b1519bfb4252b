"""The measures of the house count what they say, and its sizes do not grow."""

from pathlib import Path

import house
import house_modules
import house_rust
import pytest

# As measured when these limits were set; a smaller figure becomes the limit.
RUST_FILE_P90_MAX = 320
RUST_FUNCTIONS_OVER_70_MAX = 0.38
PYTHON_FUNCTIONS_OVER_40_MAX = 0.25
CIRCLES_MAX = 0

LENGTHS = {
    "fn a() {}": {"a": 1},
    "fn a() {\n    b();\n}\n": {"a": 3},
    "fn a()\nwhere\n    T: Copy,\n{\n}": {"a": 5},
    # No body, and types that begin with `fn`.
    "trait T {\n    fn a();\n    fn b() {}\n}": {"b": 1},
    "struct S {\n    f: fn(u8) -> u8,\n}\nfn a(f: fn()) {}": {"a": 1},
    "fn a(x: [u8; 4]) -> [u8; 4] {\n    x\n}": {"a": 3},
    # Braces outside code.
    'fn a() {\n    "}";\n}': {"a": 3},
    'fn a() {\n    "\\"}";\n    b"}";\n}': {"a": 4},
    'fn a() {\n    r#"}"}"#;\n}': {"a": 3},
    'fn a() {\n    r"\\";\n}': {"a": 3},
    "fn a() {\n    '}';\n    '\\'';\n    b'{';\n    '\\u{7d}';\n}": {"a": 6},
    "fn a() {\n    // }\n    /* } /* } */ } */\n}": {"a": 4},
    "fn a<'a, 'b>(x: &'a str, y: &'b str) -> &'a str {\n    x\n}": {"a": 3},
    "fn a() {\n    'outer: loop {\n        break 'outer;\n    }\n}": {"a": 5},
    # Within others, within text, and names that are keywords.
    "fn a() {\n    fn b() {\n    }\n}": {"a": 4, "b": 2},
    '// fn a() {}\n"fn b() {}";\nfn r#type() {}': {"r#type": 1},
    '"two\nlines";\nfn a() {\n}': {"a": 2},
    "const fn a() -> usize {\n    if true { 1 } else { 2 }\n}": {"a": 3},
    "fn a<const N: usize>() -> Array<{ N + 1 }>\n{\n}": {"a": 1},
}


@pytest.mark.parametrize("source", LENGTHS)
def test_lengths_of_rust_functions(source: str) -> None:
    assert {found.name: found.line_count for found in house_rust.functions(source)} == LENGTHS[source]


def test_length_of_a_python_function_is_without_its_docstring() -> None:
    files = {"a.py": 'def a(\n    x: int,\n) -> int:\n    """One.\n\n    Two.\n    """\n    return x\n'}
    assert [(found.line_count, found.place) for found in house.python_functions(files)] == [(4, "a.py:1 a")]


def test_nine_of_ten_files_are_no_longer() -> None:
    assert house.percentile_90(list(range(1, 101))) == 91


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


CRATES = {
    "one names the other": ({"a.rs": "use crate::b::B;", "b.rs": ""}, []),
    "both name each other": ({"a.rs": "use crate::b::B;", "b.rs": "fn f() { crate::a::g(); }"}, [["a", "b"]]),
    "three in a ring": (
        {"a.rs": "use super::b;", "b.rs": "use crate::{c::{C, D as E}, x};", "c.rs": "use crate::a::*;"},
        [["a", "b", "c"]],
    ),
    "a parent and its child": (
        {"a/mod.rs": "mod b; use b::B; struct A;", "a/b.rs": "use super::A; struct B;"},
        [],
    ),
    "children of one parent": (
        {
            "a.rs": "mod b; mod c; use b::B; struct A;",
            "a/b.rs": "use super::{A, c::C};",
            "a/c.rs": "use super::b::B;",
        },
        [["a::b", "a::c"]],
    ),
    "a child, a stranger, the parent": (
        {
            "a.rs": "mod b; fn f() { b::g() } struct A;",
            "a/b.rs": "use crate::d::D;",
            "d.rs": "use crate::a::A;",
        },
        [["a", "a::b", "d"]],
    ),
    "through a name that the root passes on": (
        {
            "lib.rs": "mod a; mod b; pub use a::A; pub use b::B as C;",
            "a.rs": "use crate::C;",
            "b.rs": "use crate::A;",
        },
        [["a", "b"]],
    ),
    "a name that the root passes on, one way": (
        {"lib.rs": "mod a; mod b; pub use a::A;", "a.rs": "", "b.rs": "use crate::A;"},
        [],
    ),
    "tests that name what uses them": (
        {"a.rs": "#[cfg(test)]\nmod tests {\n    use crate::b::B;\n}\nstruct A;", "b.rs": "use crate::a::A;"},
        [],
    ),
    "comments and texts": ({"a.rs": '// use crate::b;\n"crate::b";', "b.rs": "use crate::a::A;"}, []),
    "another crate": ({"a.rs": "use other::b::B;", "b.rs": "use crate::a::A;"}, []),
}


@pytest.mark.parametrize("case", CRATES)
def test_circles_of_a_crate(case: str, tmp_path: Path) -> None:
    files, expected = CRATES[case]
    graph = house_modules.rust_graph(write(tmp_path, {"lib.rs": "", **files}))
    assert house_modules.circles(graph, "::") == expected


PACKAGES = {
    "one names the other": ({"a.py": "from p.b import f", "b.py": ""}, []),
    "both name each other": ({"a.py": "from p import b", "b.py": "import p.a"}, [["p.a", "p.b"]]),
    "late and for types alone": (
        {
            "a.py": "def f():\n    from p.b import g",
            "b.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from .a import f",
        },
        [["p.a", "p.b"]],
    ),
    "a package that passes names on": (
        {"q/__init__.py": "from p.q.a import f", "q/a.py": "", "q/b.py": "from p.q import f"},
        [],
    ),
    "through a package that passes names on": (
        {
            "q/__init__.py": "from p.q.a import f",
            "q/a.py": "from p.r import g",
            "r.py": "from p.q import f",
        },
        [["p.q.a", "p.r"]],
    ),
}


@pytest.mark.parametrize("case", PACKAGES)
def test_circles_of_a_package(case: str, tmp_path: Path) -> None:
    files, expected = PACKAGES[case]
    graph = house_modules.python_graph(write(tmp_path / "p", {"__init__.py": "", **files}))
    assert house_modules.circles(graph, ".") == expected


def test_arrows_that_run_back(tmp_path: Path) -> None:
    manifest = "[dependencies]\nserde = '1'\nnextbest-{}.workspace = true\n"
    write(
        tmp_path / "rust",
        {
            "engine/Cargo.toml": manifest.format("store"),
            "store/Cargo.toml": manifest.format("otlp"),
            "server/Cargo.toml": manifest.format("engine"),
            "engine/src/features.rs": "use crate::arbitration::Ranked;",
            "engine/src/arbitration.rs": "use crate::features::Features;",
        },
    )
    write(
        tmp_path,
        {
            "pyproject.toml": """[[tool.importlinter.contracts]]
type = "layers"
layers = ["nextbest.cli", "nextbest.a : nextbest.b", "nextbest.c"]
ignore_imports = ["nextbest.c -> nextbest.b.late"]
""",
            "python/nextbest/__init__.py": "",
            "python/nextbest/cli/__init__.py": "",
            "python/nextbest/cli/run.py": "from nextbest import a, c",
            "python/nextbest/a.py": "from nextbest.b import late\nfrom nextbest.cli.run import main",
            "python/nextbest/b/__init__.py": "",
            "python/nextbest/b/late.py": "from nextbest import a",
            "python/nextbest/c.py": "from typing import TYPE_CHECKING\nfrom nextbest.b import late\n"
            "if TYPE_CHECKING:\n    from nextbest import cli\ndef f():\n    import nextbest.a",
        },
    )
    assert house.back_arrows(tmp_path) == [
        "rust/store -> rust/otlp",
        "rust/engine -> rust/store",
        "engine::features -> engine::arbitration",
        "nextbest.a -> nextbest.cli.run",
        "nextbest.c -> nextbest.a",
    ]


def test_files_and_functions_do_not_grow() -> None:
    rust, python = house.rust_files(house.ROOT), house.python_files(house.ROOT)
    assert house.percentile_90([len(text.splitlines()) for text in rust.values()]) <= RUST_FILE_P90_MAX
    assert house.percent_over(house.rust_functions(rust), 70) <= RUST_FUNCTIONS_OVER_70_MAX
    assert house.percent_over(house.python_functions(python), 40) <= PYTHON_FUNCTIONS_OVER_40_MAX


def test_no_circle_and_no_arrow_that_runs_back() -> None:
    assert {folder: found for folder, found in house.all_circles(house.ROOT).items() if found} == {}
    assert house.back_arrows(house.ROOT) == []
