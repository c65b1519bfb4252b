"""ARCHITECTURE.md stays true: what it names is there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
ARCHITECTURE = (ROOT / "ARCHITECTURE.md").read_text()


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
