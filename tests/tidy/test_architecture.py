"""ARCHITECTURE.md stays true: what it names exists, and its code map has every folder of the code.

A row of the map names folders and single modules from the root of the repository. A name in it that ends with
a slash is a folder below the row's folder. Deeper folders, and those of tests and data, are not in the map.
"""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ARCHITECTURE = (ROOT / "ARCHITECTURE.md").read_text()
PACKAGE = "python/nextbest"
# A folder of the map is one of code if it has files of these kinds, at any depth.
CODE = ("*.py", "*.rs", "*.proto")
TESTS = frozenset({"tests", "testing"})


def rows(text: str) -> list[tuple[set[str], set[str]]]:
    """Reads the code map: of each row of code its paths, and the folders that it names below."""
    table = text.split("\n## Code map\n")[1].split("\n## ", maxsplit=1)[0]
    return [
        (set(re.findall(r"`([\w./-]+\w)`", line.split("|")[1])), set(re.findall(r"`([\w-]+)/`", line)))
        for line in re.findall(r"^\| `(?:rust|python|proto)/.*", table, re.MULTILINE)
    ]


def has_code(folder: Path) -> bool:
    return folder.name != "__pycache__" and any(next(folder.rglob(kind), None) for kind in CODE)


def folders(folder: Path) -> set[str]:
    if not folder.is_dir():
        return set()
    return {path.name for path in folder.iterdir() if path.is_dir() and has_code(path)} - TESTS


def in_tree() -> set[str]:
    """Lists what the map has to name in its first column."""
    modules = {path.name for path in (ROOT / PACKAGE).glob("*.py")} - {"__init__.py", "__main__.py"}
    return {
        *(f"rust/{name}" for name in folders(ROOT / "rust")),
        *(f"{PACKAGE}/{name}" for name in folders(ROOT / PACKAGE) | modules),
        *(f"proto/nextbest/{name}" for name in folders(ROOT / "proto/nextbest")),
    }


def below(path: str) -> set[str]:
    folder = ROOT / path
    return folders(folder / "src") if path.startswith("rust/") else folders(folder)


def test_the_code_map_has_every_folder_and_every_entry_exists() -> None:
    assert set().union(*(paths for paths, _ in rows(ARCHITECTURE))) == in_tree()


def test_the_code_map_has_the_folders_below_each_entry() -> None:
    for paths, named in rows(ARCHITECTURE):
        assert named == set().union(*(below(path) for path in paths)), paths


def test_a_folder_that_is_missing_or_gone_is_found() -> None:
    text = "\n## Code map\n\n| `rust/engine` | x | `bundle/`, `gone/` |\n| `rust/none` | y | z |\n\n## Next\n"
    assert rows(text) == [({"rust/engine"}, {"bundle", "gone"}), ({"rust/none"}, set())]
    assert "rust/none" not in in_tree()
    assert "gone" not in below("rust/engine")
    assert "index" in below("rust/engine")


@pytest.mark.parametrize(("page", "line_count_max"), [("README.md", 200), ("ARCHITECTURE.md", 250)])
def test_the_first_pages_stay_short(page: str, line_count_max: int) -> None:
    """What they do not hold is on the page of its reader, below `docs/`."""
    assert len((ROOT / page).read_text().splitlines()) <= line_count_max


def test_paths_exist() -> None:
    named = set(re.findall(r"`((?:python|rust|proto|tests|bench)/[\w./-]+)`", ARCHITECTURE))
    assert len(named) > 20
    assert sorted(path for path in named if not (ROOT / path).exists()) == []


def test_tests_that_hold_the_invariants_exist() -> None:
    table = ARCHITECTURE.split("## Invariants")[1]
    named = set(re.findall(r"`([a-z]+(?:_[a-z0-9]+){2,})`", table))
    sources = "".join(path.read_text() for path in (ROOT / "rust").rglob("*.rs"))
    assert len(named) > 8
    assert sorted(name for name in named if f"fn {name}(" not in sources) == []
