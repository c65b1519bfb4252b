"""What a remedy asks for removes its diagnostic.

Every remedy of every case is a change of a file (`Diagnostic.fix`), which is made here, or a sentence, which
`sentences.txt` lists: a remedy that loses its change fails the test. The folder `meant/` of a case holds
what its author meant: once all remedies of the case are followed, its bundle is the same.
"""

import shutil
import sys
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from test_codes import CASES, NOW_US, lay

from nextbest import workspace
from nextbest.diagnostics import Diagnostic, Fix
from nextbest.v1 import bundle_pb2

SENTENCES = Path(__file__).with_name("sentences.txt")
ROUNDS_MAX = 40
# The least that was ever followed.
FOLLOWED_MIN = 125


def follow(fix: Fix, root: Path) -> None:
    """Makes the change of a remedy."""
    path = root / fix.file
    lines = path.read_text(encoding="utf-8-sig").split("\n")
    before, after = lines[fix.line - 1][: fix.column - 1], lines[fix.end_line - 1][fix.end_column - 1 :]
    lines[fix.line - 1 : fix.end_line] = [before + fix.replacement + after]
    path.write_text("\n".join(lines), encoding="utf-8")


def alike(diagnostic: Diagnostic, diagnostics: list[Diagnostic]) -> int:
    """How often what a diagnostic reports is reported in its file."""
    key = (diagnostic.code, diagnostic.message)
    file = diagnostic.position.file if diagnostic.position else None
    return sum(
        (other.code, other.message) == key and (other.position.file if other.position else None) == file
        for other in diagnostics
    )


def rules(bundle: bundle_pb2.Bundle) -> bytes:
    """A bundle without where its rules are written, and how."""
    plain = bundle_pb2.Bundle()
    plain.CopyFrom(bundle)
    for condition in plain.conditions:
        condition.ClearField("position")
        condition.ClearField("text")
    for clause in plain.clauses:
        clause.ClearField("position")
        clause.ClearField("text")
    return plain.SerializeToString(deterministic=True)


@cache
def diagnose(case: Path) -> list[Diagnostic]:
    with TemporaryDirectory() as folder:
        return workspace.compile(lay(case, Path(folder)), now_us=NOW_US).diagnostics


def repair(root: Path) -> workspace.Compilation:
    """Follows the first remedy again and again, until those that are left are sentences."""
    for _ in range(ROUNDS_MAX):
        compilation = workspace.compile(root, now_us=NOW_US)
        fix = next((diagnostic.fix for diagnostic in compilation.diagnostics if diagnostic.fix), None)
        if fix is None:
            return compilation
        follow(fix, root)
    pytest.fail("the remedies lead nowhere")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_remedy_removes_its_diagnostic(case: Path, tmp_path: Path) -> None:
    found = diagnose(case)
    for index, diagnostic in enumerate(found):
        if diagnostic.fix is None:
            continue
        folder = tmp_path / str(index)
        folder.mkdir()
        root = lay(case, folder)
        follow(diagnostic.fix, root)
        assert alike(diagnostic, workspace.compile(root, now_us=NOW_US).diagnostics) < alike(
            diagnostic, found
        ), diagnostic


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_remedies_come_to_an_end_and_keep_the_meaning(case: Path, tmp_path: Path) -> None:
    if not any(diagnostic.fix for diagnostic in diagnose(case)):
        return
    repaired = repair(lay(case, tmp_path))
    if not (case / "meant").is_dir():
        return
    meant = tmp_path / "meant"
    meant.mkdir()
    shutil.copytree(case / "meant", lay(case, meant), dirs_exist_ok=True)
    expected = workspace.compile(meant / "workspace", now_us=NOW_US)
    assert expected.bundle is not None, expected.diagnostics
    assert repaired.bundle is not None, repaired.diagnostics
    assert rules(repaired.bundle) == rules(expected.bundle)


def test_remedies_are_changes_or_listed_sentences(capsys) -> None:
    changes, sentences = 0, set()
    for case in CASES:
        for diagnostic in diagnose(case):
            if diagnostic.fix is not None:
                assert diagnostic.fix.replacement in diagnostic.help
                changes += 1
            else:
                sentences.add(f"{case.name} {diagnostic.code}")
    with capsys.disabled():
        sys.stdout.write(f" {changes} remedies followed, {len(sentences)} kinds are sentences ")
    assert changes >= FOLLOWED_MIN
    listed = set(SENTENCES.read_text().splitlines())
    assert sentences - listed == set(), "give the remedy a change (`Remedy`), or list it in sentences.txt"
    assert listed - sentences == set(), "take them out of sentences.txt"
