"""A version whose files are not as they were written is not used, and can be repaired."""

import hashlib
import multiprocessing
import os
import resource
import signal
from dataclasses import replace

import pytest
from small_versions import WHEN, manifest_of, publish, refused

from nextbest.models import comparison
from nextbest.registry.amendments import CardRevision
from nextbest.registry.card import Card
from nextbest.registry.manifest import render_manifest
from nextbest.registry.registry import Registry

FILES = ["model.onnx", "manifest.json", "manifest.json.sha256", "note"]
ANOTHER = CardRevision("eve", WHEN, Card("Eve"), "0" * 64, "owner: Eve\n")


@pytest.fixture
def registry(tmp_path):
    return Registry(tmp_path / "registry")


def write(path, data):
    path.chmod(0o644)
    path.write_bytes(data)


def add_a_space(path):
    write(path, path.read_bytes() + b" ")


def empty(path):
    write(path, b"")


def remove(path):
    path.unlink()


def make_a_pipe(path):
    path.unlink()
    os.mkfifo(path)


def make_a_folder(path):
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("change", [add_a_space, empty, remove, make_a_pipe, make_a_folder])
@pytest.mark.parametrize("name", FILES)
def test_a_damaged_version_is_not_used(registry, name, change):
    version = publish(registry, b"one", note=b"hello")
    other = publish(registry, b"two")
    registry.promote(version, "champion", by="ana", at=WHEN)
    registry.promote(other, "champion", by="ana", at=WHEN)
    change(version.folder / name)
    with refused("NB618"):
        registry.verify(version)
    with refused("NB618"):
        registry.promote(version, "champion", by="ana", at=WHEN)
    with refused("NB618"):
        registry.roll_back("card", "champion", by="ana", at=WHEN)
    with refused("NB618"):
        registry.revise_card(version, ANOTHER)
    with refused("NB618"):
        comparison.compare(registry, other, version, lambda *_: None)
    assert registry.aliases("card").named == {"champion": other.digest}
    assert registry.verify(other).version == other.digest


def test_each_value_of_a_manifest_is_protected(registry):
    version = publish(registry, b"one")
    changed = replace(registry.manifest(version), budget_us=1.0)
    write(version.folder / "manifest.json", render_manifest(changed))
    with refused("NB618"):
        registry.manifest(version)


def test_manifests_from_before_they_had_a_digest_are_read(registry):
    version = publish(registry, b"one")
    before = replace(registry.manifest(version), format=1)
    write(version.folder / "manifest.json", render_manifest(before))
    (version.folder / "manifest.json.sha256").unlink()
    assert registry.verify(version) == before


def test_the_digest_is_in_the_form_of_sha256sum(registry):
    version = publish(registry, b"one")
    digest = hashlib.sha256((version.folder / "manifest.json").read_bytes()).hexdigest()
    assert (version.folder / "manifest.json.sha256").read_text() == f"{digest}  manifest.json\n"


@pytest.mark.parametrize("change", [add_a_space, remove, make_a_folder])
def test_a_repair_is_whole_read_only_and_recorded(registry, change):
    version = publish(registry, b"one", note=b"hello")
    for name in ("model.onnx", "note"):
        change(version.folder / name)
    assert list(registry.damage(version, registry.manifest(version))) == ["model.onnx", "note"]
    registry.repair(version, {"model.onnx": b"one", "note": b"hello"}, by="eve", at=WHEN)
    assert registry.verify(version) == manifest_of(b"one", {"note": b"hello"})
    assert {path.stat().st_mode & 0o777 for path in version.folder.iterdir()} == {0o444}
    (repair,) = registry.amendments("card").repairs[version.digest]
    assert (repair.by, repair.at, repair.files) == ("eve", WHEN, ["model.onnx", "note"])


def _fill(root, told):
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8_000, 8_000))
    registry = Registry(root)
    for attempt in (
        lambda: publish(registry, b"two", note=b"hello" * 10_000),
        lambda: registry.promote(registry.resolve("card", "champion"), "shadow", by="n" * 10_000, at=WHEN),
    ):
        try:
            attempt()
        except OSError as error:
            told.send(error.filename)


def test_a_write_that_has_no_room_names_its_file_and_changes_nothing(registry):
    version = publish(registry, b"one")
    registry.promote(version, "champion", by="ana", at=WHEN)
    before = registry.aliases("card")
    fresh = multiprocessing.get_context("fork")
    heard, told = fresh.Pipe(duplex=False)
    worker = fresh.Process(target=_fill, args=(registry.root, told))
    worker.start()
    assert os.path.basename(heard.recv()) == "note"  # noqa: PTH119 - a text
    assert heard.recv() == str(registry.root / "card/aliases.json")
    worker.join()
    assert registry.versions("card") == [version]
    assert registry.aliases("card") == before


def _publish_for_ever(root, told):
    number = 0
    while True:
        publish(Registry(root), f"{number}".encode(), note=b"hello" * 10_000)
        told.send(number)
        number += 1


@pytest.mark.parametrize("count", [1, 4, 9])
def test_a_push_that_is_killed_leaves_whole_versions_only(registry, count):
    fresh = multiprocessing.get_context("fork")
    heard, told = fresh.Pipe(duplex=False)
    worker = fresh.Process(target=_publish_for_ever, args=(registry.root, told))
    worker.start()
    for _ in range(count):
        heard.recv()
    os.kill(worker.pid, signal.SIGKILL)
    worker.join()
    versions = registry.versions("card")
    assert len(versions) >= count
    for version in versions:
        registry.verify(version)
