"""Every code has a title, a section in the reference, and a case; every case shows what it is named after.

A case is a folder `cases/NBxxx-what/` of workspace files, laid over the correct workspace in `base/`:
`remove.txt` names files that go, `repeat.txt` a file, a number and a line to add so often, `onnx.txt` a model
of `small_models.py` that is written to `models/card.onnx`. `meant/` holds what the author meant (see
`test_followed_remedies`), `expected.txt` what `nextbest check` prints. With NEXTBEST_BLESS set, it is
rewritten.

Codes from NB650 to NB699 are about models that are pushed, which no workspace can show: those have their
cases in `tests/models` and `tests/registry`.
"""

import os
import re
import shutil
from pathlib import Path

import pytest
from small_models import MODELS

from nextbest import workspace
from nextbest.diagnostics import CODES, explain, reference
from nextbest.diagnostics.rendering import render_all
from nextbest.workspace.definitions import moment_us

HERE = Path(__file__).parent
CASES = sorted(path for path in (HERE / "cases").iterdir() if path.is_dir())
OF_PUSHES = re.compile(r"NB6[5-9]\d")
# Of the check; some findings are about what is over.
NOW_US = moment_us("2025-12-01")
ABOUT_THE_CASE = {"expected.txt", "remove.txt", "onnx.txt", "repeat.txt", "meant"}


def lay(case: Path, folder: Path) -> Path:
    """Makes the workspace of a case."""
    made = folder / "workspace"
    shutil.copytree(HERE / "base", made)
    shutil.copytree(case, made, dirs_exist_ok=True, ignore=lambda *_: ABOUT_THE_CASE)
    if (case / "remove.txt").exists():
        for name in (case / "remove.txt").read_text().split():
            (made / name).unlink()
    if (case / "repeat.txt").exists():
        name, count, line = (case / "repeat.txt").read_text().rstrip("\n").split(" ", 2)
        with (made / name).open("a") as file:
            file.writelines(line.format(number=n, before=n - 1) + "\n" for n in range(1, int(count) + 1))
    if (case / "onnx.txt").exists():
        (made / "models/card.onnx").write_bytes(MODELS[(case / "onnx.txt").read_text().strip()]())
    return made


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(case: Path, tmp_path: Path) -> None:
    compilation = workspace.compile(lay(case, tmp_path), now_us=NOW_US)
    rendered = render_all(compilation.diagnostics, compilation.sources).plain
    rendered = rendered.replace(str(tmp_path), "...")
    expected = case / "expected.txt"
    if os.environ.get("NEXTBEST_BLESS"):
        expected.write_text(rendered)
    code = case.name.split("-")[0]
    assert code in {diagnostic.code for diagnostic in compilation.diagnostics}
    assert (compilation.bundle is None) == bool(compilation.errors)
    assert rendered == expected.read_text()


def test_base_is_correct(tmp_path: Path) -> None:
    shutil.copytree(HERE / "base", tmp_path / "workspace")
    compilation = workspace.compile(tmp_path / "workspace")
    assert compilation.diagnostics == []
    assert compilation.bundle is not None


def test_codes_reference_and_cases_agree() -> None:
    assert list(CODES) == sorted(CODES)
    assert {code: title for code, (title, _) in reference().items()} == dict(CODES)
    shown = {case.name.split("-")[0] for case in CASES}
    assert shown == {code for code in CODES if not OF_PUSHES.match(code)}
    folders = (HERE.parent / "models", HERE.parent / "registry")
    tests = "".join(path.read_text() for folder in folders for path in folder.glob("*.py"))
    assert {code for code in CODES if f'"{code}"' in tests and OF_PUSHES.match(code)} == set(CODES) - shown


def test_sources_use_only_codes_of_the_registry() -> None:
    package = HERE.parents[1] / "python/nextbest"
    used = {
        code
        for path in sorted(package.rglob("*.py"))
        if path.name != "codes.py"
        for code in re.findall(r'"(NB\d{3})"', path.read_text())
    }
    assert used == set(CODES)


@pytest.mark.parametrize("code", CODES)
def test_reference_explains_and_shows(code: str) -> None:
    text = explain(code)
    assert text is not None
    assert text.startswith(f"{code}: {CODES[code]}\n")
    assert "```" in text, "an example is missing"
    assert text.count("```") % 2 == 0, "an example is cut off"


def test_unknown_code_has_no_explanation() -> None:
    assert explain("NB000") is None
    assert explain("nb204") == explain("NB204")
