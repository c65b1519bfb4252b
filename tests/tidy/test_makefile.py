"""Commands that pages, hooks and the Makefile itself name are targets of the Makefile."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = set(re.findall(r"^\.PHONY: ([a-z-]+)$", MAKEFILE, re.MULTILINE))
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md")), ROOT / ".pre-commit-config.yaml"]
# In code of a page, at the beginning of a line of a block, in an entry of a hook.
NAMED = re.compile(
    r"(?:`(?:[A-Z_]+=\S+ )*|^|entry: )make (?:--no-print-directory )?([a-z][a-z-]+)\b", re.MULTILINE
)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_named_targets_exist(page: Path) -> None:
    text = page.read_text()
    if page.suffix == ".md":
        # Prose in which a line begins with the verb is not a command.
        text = "\n".join(re.findall(r"```sh\n.*?```|`make [^`]*`|`[A-Z_]+=\S+ make [^`]*`", text, re.DOTALL))
    assert sorted(set(NAMED.findall(text)) - TARGETS) == []


def test_steps_are_targets() -> None:
    steps = re.findall(r"tests/steps\.py (.+)$", MAKEFILE, re.MULTILINE)
    assert len(steps) == 3
    assert sorted({step for line in steps for step in line.split()} - TARGETS) == []


def test_every_rule_without_a_file_is_phony() -> None:
    rules = set(re.findall(r"^([a-z-]+):(?! *=)", MAKEFILE, re.MULTILINE))
    assert rules == TARGETS
