"""Rows of customers stay out of version control, can be forgotten, and are not missed as damage."""

import multiprocessing
import shutil
import subprocess

import pytest
from small_versions import WHEN, publish, refused
from test_model_push import SHOP, codes, folder, published, pushed_once, pushing, version_of  # noqa: F401

from nextbest import workspace
from nextbest.models import comparison
from nextbest.registry.kept_rows import create_ignore_file, exposed
from nextbest.registry.registry import Registry

ROWS = ["golden.parquet", "background.parquet"]


@pytest.fixture
def shop(published):  # noqa: F811 - fixtures
    """A workspace that uses the version."""
    for file, text in SHOP.items():
        (published / file).parent.mkdir(exist_ok=True)
        (published / file).write_text(text)
    (published / "models/card.yaml").write_text("name: card\nversion: champion\n")
    store(published).promote(version_of(published), "champion", by="ana", at=WHEN)
    return published


def store(folder) -> Registry:  # noqa: F811 - a path
    return Registry(folder / "models/registry")


def test_a_registry_that_is_created_ignores_rows(tmp_path):
    registry = Registry(tmp_path / "registry")
    publish(registry, b"1")
    lines = (tmp_path / "registry/.gitignore").read_text().splitlines()
    assert lines[1:] == ROWS
    (tmp_path / "registry/.gitignore").unlink()
    publish(registry, b"2")
    assert not (tmp_path / "registry/.gitignore").exists(), "an ignore file is its owner's"


PATTERNS = [
    ("golden.parquet\nbackground.parquet\n", []),
    ("*.parquet\n", []),
    ("card/\n", []),
    ("/card\n", []),
    ("versions\n", []),
    ("card/**/*.parquet\n", []),
    ("**/golden.parquet\n", ["background.parquet"]),
    ("golden.parque?\n", ["background.parquet"]),
    ("*.parquet\n!golden.parquet\n", ["golden.parquet"]),
    ("# *.parquet\n", ROWS),
    ("golden.parquet/\n", ROWS),
    ("/golden.parquet\n", ROWS),
    ("other/*.parquet\n", ROWS),
    ("", ROWS),
]


@pytest.mark.parametrize(("text", "expected"), PATTERNS)
def test_what_git_does_not_ignore_is_exposed(tmp_path, text, expected):
    folder = tmp_path / "work/registry/card/versions/1"  # noqa: F811 - a path
    folder.mkdir(parents=True)
    for name in ROWS:
        (folder / name).write_bytes(b"")
    assert exposed(folder, ROWS) == [], "there is no work tree"
    subprocess.run(["git", "init", "-q", tmp_path / "work"], check=True)
    (tmp_path / "work/registry/.gitignore").write_text(text)
    assert exposed(folder, ROWS) == expected
    command = ["git", "-C", tmp_path / "work", "status", "--porcelain", "--untracked-files=all"]
    seen = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert [name for name in ROWS if name in seen] == expected


def test_a_push_warns_of_rows_that_git_takes_up(folder):  # noqa: F811 - fixtures
    (folder / ".git").mkdir()
    assert codes(pushing(folder)) == []
    (folder / "models/registry/.gitignore").unlink()
    (found,) = pushing(folder).diagnostics
    assert (found.code, found.severity) == ("NB674", "warning")
    assert "`golden.parquet` and `background.parquet`" in found.message
    assert f"`{folder}/models/registry/.gitignore`" in found.help
    create_ignore_file(folder / "models/registry")
    assert not (folder / "models/registry/.gitignore").exists()
    (folder / ".gitignore").write_text("models/registry/\n")
    assert codes(pushing(folder)) == []


def test_rows_that_are_forgotten_are_gone_and_recorded(shop):
    registry, version = store(shop), version_of(shop)
    before = registry.manifest(version)
    assert registry.forget_rows(version, by="eve", at=WHEN) == ROWS
    assert not [name for name in ROWS if (version.folder / name).exists()]
    assert registry.forget_rows(version, by="zoe", at=WHEN) == []
    (event,) = registry.amendments("card").forgotten[version.digest]
    assert (event.by, event.at, event.files) == ("eve", WHEN, ROWS)
    assert registry.verify(version) == before
    assert registry.fate_of(version, before, "golden.parquet") == f"forgotten on {WHEN} by eve"
    # A copy that comes back, such as from a backup, is not used, nor looked at.
    (version.folder / "background.parquet").write_bytes(b"PAR1")
    assert registry.file(version, before, "background.parquet") is None
    registry.verify(version)
    assert registry.forget_rows(version, by="zoe", at=WHEN) == []
    assert not (version.folder / "background.parquet").exists()
    # Nor does a push bring forgotten rows back.
    pushed = pushing(shop)
    assert (pushed.repaired, codes(pushed)) == ([], [])


@pytest.mark.parametrize("way", ["forgotten", "not in this copy"])
def test_check_and_diff_show_what_is_lost_without_rows(shop, way):
    registry, version = store(shop), version_of(shop)
    for name in ("binding.yaml", "card.yaml"):
        (shop / name).unlink()
    assert workspace.compile(shop).diagnostics == []
    if way == "forgotten":
        registry.forget_rows(version, by="eve", at=WHEN)
    else:
        for name in ROWS:
            (version.folder / name).unlink()
    compiled = workspace.compile(shop)
    (found,) = compiled.diagnostics
    assert (found.code, found.severity) == ("NB675", "warning")
    assert f"is missing ({way}" in found.message
    assert "contributions" in found.message
    assert not compiled.bundle.models[0].native.cell_means
    assert compiled.bundle.models[0].HasField("reference"), "histograms stay"
    compared = comparison.compare(registry, version, version, lambda *_: None)
    assert compared.scores is None
    assert f"are not there ({way}" in compared.reason
    # Another sample beside the model file takes its place.
    (shop / "models/card.yaml").write_text("name: card\nversion: champion\nbackground: ../sample.csv\n")
    assert workspace.compile(shop).diagnostics == []


def test_histograms_can_be_forgotten_too(shop):
    registry, version = store(shop), version_of(shop)
    assert registry.forget_rows(version, by="eve", at=WHEN, with_reference=True) == [*ROWS, "reference.json"]
    registry.verify(version)
    (found,) = (each for each in workspace.compile(shop).diagnostics if each.code == "NB675")
    assert "`model health` has no baseline" in found.message


def test_a_repair_that_comes_too_late_brings_no_forgotten_rows_back(tmp_path):
    registry = Registry(tmp_path / "registry")
    version = publish(registry, b"1", **{"golden.parquet": b"rows", "note": b"x"})
    registry.forget_rows(version, by="eve", at=WHEN)
    registry.repair(version, {"golden.parquet": b"rows"}, by="ana", at=WHEN)
    assert not (version.folder / "golden.parquet").exists()
    registry.repair(version, {"golden.parquet": b"rows", "note": b"x"}, by="ana", at=WHEN)
    assert not (version.folder / "golden.parquet").exists()
    assert [event.files for event in registry.amendments("card").repairs[version.digest]] == [["note"]]


def test_rows_that_are_added_again_are_not_a_repair(tmp_path):
    registry = Registry(tmp_path / "registry")
    version = publish(registry, b"1", **{"golden.parquet": b"rows", "background.parquet": b"more"})
    (version.folder / "golden.parquet").unlink()
    registry.repair(version, {"golden.parquet": b"rows"}, by="ana", at=WHEN)
    assert (version.folder / "golden.parquet").read_bytes() == b"rows"
    assert registry.amendments("card").repairs == {}
    (version.folder / "background.parquet").chmod(0o644)
    (version.folder / "background.parquet").write_bytes(b"damaged")
    registry.repair(version, {"background.parquet": b"more"}, by="ana", at=WHEN)
    (repair,) = registry.amendments("card").repairs[version.digest]
    assert repair.files == ["background.parquet"]


def test_rows_that_killed_processes_left_are_forgotten_too(tmp_path):
    registry = Registry(tmp_path / "registry")
    version = publish(registry, b"1", **{"golden.parquet": b"rows"})
    unfinished = version.folder.parent / ".push-abc"

    def leave():
        unfinished.mkdir()
        (unfinished / "golden.parquet").write_bytes(b"rows")
        (version.folder / ".golden.parquet.17").write_bytes(b"rows")

    leave()
    registry.forget_rows(version, by="eve", at=WHEN)
    assert not list(version.folder.parent.rglob("*golden*"))
    leave()
    publish(registry, b"2")
    assert not unfinished.exists()


def test_a_version_without_rows_has_none_to_forget(tmp_path):
    registry = Registry(tmp_path / "registry")
    version = publish(registry, b"1", note=b"x")
    assert registry.forget_rows(version, by="eve", at=WHEN) == []
    assert registry.amendments("card").forgotten == {}
    publish(registry, b"2")
    shutil.rmtree(version.folder)
    with refused("NB618"):
        registry.forget_rows(version, by="eve", at=WHEN)


def _forget(root, digest, by):
    registry = Registry(root)
    registry.forget_rows(registry.resolve("card", digest), by=by, at=WHEN)


def test_two_who_forget_at_once_both_succeed(tmp_path):
    registry = Registry(tmp_path / "registry")
    version = publish(registry, b"1", **dict.fromkeys(ROWS, b"rows"))
    fresh = multiprocessing.get_context("fork")
    workers = [fresh.Process(target=_forget, args=(registry.root, version.digest, by)) for by in "ab"]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0]
    assert registry.amendments("card").forgotten[version.digest][0].files == ROWS
    registry.verify(version)
