"""Versions never change, names move at once, and nothing that is damaged is taken for whole."""

import hashlib
import json
import multiprocessing
import shutil
from dataclasses import replace

import pytest
from small_versions import WHEN, manifest_of, publish, refused

from nextbest.registry import aliases
from nextbest.registry.manifest import parse_manifest, render_manifest
from nextbest.registry.registry import Registry


@pytest.fixture
def registry(tmp_path):
    return Registry(tmp_path / "registry")


def test_a_version_is_named_by_its_bytes_and_comes_back_whole(registry):
    version = publish(registry, b"onnx", note=b"hello")
    assert version.digest == hashlib.sha256(b"onnx").hexdigest()
    assert registry.names() == ["card"]
    assert registry.versions("card") == [version]
    assert registry.model(version) == b"onnx"
    manifest = registry.manifest(version)
    assert manifest == manifest_of(b"onnx", {"note": b"hello"})
    assert registry.file(version, manifest, "note") == b"hello"
    assert registry.file(version, manifest, "other") is None
    assert not [path for path in version.folder.parent.iterdir() if path.name.startswith(".push")]


def test_a_version_that_is_there_is_left_as_it_is(registry):
    version = publish(registry, b"onnx")
    before = (version.folder / "manifest.json").stat().st_mtime_ns
    registry.publish(replace(manifest_of(b"onnx", {}), pushed_by="eve"), b"onnx", {})
    assert registry.manifest(version).pushed_by == "ana"
    assert (version.folder / "manifest.json").stat().st_mtime_ns == before
    assert [path.name for path in version.folder.parent.iterdir()] == [version.digest]


def test_files_of_a_version_are_read_only(registry):
    version = publish(registry, b"onnx")
    assert {path.stat().st_mode & 0o777 for path in version.folder.iterdir()} == {0o444}


def test_the_manifest_of_another_version_is_none(registry):
    version, other = publish(registry, b"one"), publish(registry, b"two")
    target = version.folder / "manifest.json"
    target.chmod(0o644)
    target.write_bytes((other.folder / "manifest.json").read_bytes())
    with refused("NB618"):
        registry.manifest(version)


def test_references(registry):
    version = publish(registry, b"onnx")
    registry.promote(version, "champion", by="ana", at=WHEN)
    for reference in ("champion", version.digest, version.digest[:6], version.digest[:20]):
        assert registry.resolve("card", reference) == version
    for reference in (
        "challenger",
        "best",
        version.digest[:5],
        "0" * 64,
        "../..",
        "",
        version.digest.upper(),
    ):
        with refused("NB617"):
            registry.resolve("card", reference)
    for name in ("cart", "..", "", "card/versions", ".hidden"):
        with refused("NB617"):
            registry.resolve(name, "champion")


def test_digits_that_several_versions_have(registry):
    folder = registry.root / "card" / "versions"
    for last in "ab":
        (folder / (f"{'1' * 63}{last}")).mkdir(parents=True)
    with refused("NB617"):
        registry.resolve("card", "111111")
    assert registry.resolve("card", f"{'1' * 63}a").digest.endswith("a")


def test_aliases_move_and_remember(registry):
    one, two = publish(registry, b"one"), publish(registry, b"two")
    first = registry.promote(one, "champion", by="ana", at=WHEN)
    second = registry.promote(two, "champion", by="eve", at=WHEN)
    registry.promote(one, "shadow", by="eve", at=WHEN)
    assert (first.before, first.after) == ("", one.digest)
    assert (second.before, second.after, second.by) == (one.digest, two.digest, "eve")
    found = registry.aliases("card")
    assert found.named == {"champion": two.digest, "shadow": one.digest}
    assert found.of(one.digest) == ["shadow"]
    assert [move.alias for move in found.history] == ["champion", "champion", "shadow"]


def test_no_other_alias(registry):
    with refused("NB617"):
        registry.promote(publish(registry, b"one"), "best", by="ana", at=WHEN)


def test_rolling_back_goes_back_step_by_step(registry):
    one, two, three = (publish(registry, data) for data in (b"1", b"2", b"3"))
    for version in (one, two, three):
        registry.promote(version, "champion", by="ana", at=WHEN)
    assert registry.roll_back("card", "champion", by="ana", at=WHEN).after == two.digest
    assert registry.roll_back("card", "champion", by="ana", at=WHEN).after == one.digest
    with refused("NB670"):
        registry.roll_back("card", "champion", by="ana", at=WHEN)
    # What was taken back does not come again.
    registry.promote(three, "champion", by="ana", at=WHEN)
    assert registry.roll_back("card", "champion", by="ana", at=WHEN).after == one.digest
    assert [move.is_rollback for move in registry.aliases("card").history] == [False] * 3 + [True] * 2 + [
        False,
        True,
    ]


def test_a_retired_version_is_passed_over_and_not_promoted(registry):
    one, two, three = (publish(registry, data) for data in (b"1", b"2", b"3"))
    for version in (one, two, three):
        registry.promote(version, "champion", by="ana", at=WHEN)
    registry.retire(two, by="eve", at=WHEN)
    registry.retire(two, by="zoe", at=WHEN)
    assert registry.aliases("card").retired[two.digest].by == "eve"
    assert registry.roll_back("card", "champion", by="ana", at=WHEN).after == one.digest
    with refused("NB619"):
        registry.promote(two, "shadow", by="ana", at=WHEN)
    assert registry.model(two) == b"2"


def test_a_version_that_is_in_use_is_not_retired(registry):
    one = publish(registry, b"1")
    registry.promote(one, "shadow", by="ana", at=WHEN)
    with refused("NB669"):
        registry.retire(one, by="ana", at=WHEN)
    assert registry.aliases("card").retired == {}


def _promote_often(root, digest, by):
    registry = Registry(root)
    version = registry.resolve("card", digest)
    for _ in range(25):
        registry.promote(version, "champion", by=by, at=WHEN)


def test_two_who_promote_at_once_lose_nothing(registry):
    versions = [publish(registry, data) for data in (b"1", b"2")]
    fresh = multiprocessing.get_context("fork")
    workers = [
        fresh.Process(target=_promote_often, args=(registry.root, version.digest, str(number)))
        for number, version in enumerate(versions)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0]
    history = registry.aliases("card").history
    assert sorted(move.by for move in history) == ["0"] * 25 + ["1"] * 25
    # Each move begins where the one before it ended.
    assert [move.before for move in history[1:]] == [move.after for move in history[:-1]]


BAD_RECORDS = [
    "",
    "{",
    "[]",
    '{"named": 3}',
    '{"history": [{"alias": "champion"}]}',
    "[" * 100_000,
    '{"retired": ' * 100_000,
    '{"named": {"champion": "\\ud800"}}',
]


@pytest.mark.parametrize("text", BAD_RECORDS)
def test_damaged_aliases(registry, text):
    version = publish(registry, b"1")
    (registry.root / "card" / aliases.FILE).write_text(text)
    with refused("NB618"):
        registry.aliases("card")
    with refused("NB618"):
        registry.promote(version, "champion", by="ana", at=WHEN)
    assert (registry.root / "card" / aliases.FILE).read_text() == text


@pytest.mark.parametrize("named", ["", "../other", "0" * 64])
def test_an_alias_that_names_no_version_is_damage(registry, named):
    publish(registry, b"1")
    (registry.root / "card" / aliases.FILE).write_text(json.dumps({"named": {"champion": named}}))
    with refused("NB618"):
        registry.resolve("card", "champion")


def test_an_alias_whose_version_is_gone_is_damage(registry):
    version = publish(registry, b"1")
    registry.promote(version, "champion", by="ana", at=WHEN)
    shutil.rmtree(version.folder)
    with refused("NB618"):
        registry.resolve("card", "champion")


def test_a_first_push_that_was_killed_leaves_no_model(registry):
    (registry.root / "card/versions/.push-abc").mkdir(parents=True)
    assert registry.names() == []
    with refused("NB617"):
        registry.versions("card")


def test_an_empty_registry(registry):
    assert registry.names() == []
    with refused("NB617"):
        registry.versions("card")


def test_manifests_travel_whole():
    manifest = manifest_of(b"onnx", {"a": b"b"})
    assert parse_manifest(render_manifest(manifest)) == manifest


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("version",), None),
        (("version",), 3),
        (("report", "facts", "opsets", "ai.onnx"), "17"),
        (("report", "facts", "opsets", "ai.onnx"), True),
        (("report", "facts", "signature", "inputs"), {}),
        (("report", "facts", "signature", "inputs", 0, "element"), "float16"),
        (("report", "latency", "single_us"), "fast"),
        (("report", "latency", "single_us"), 10**400),
        (("pushed_by",), "\ud800"),
        (("binding", "inputs", "x", 0), "customer.age"),
        (("card",), []),
    ],
)
def test_a_manifest_of_another_form_is_none(path, value):
    plain = json.loads(render_manifest(manifest_of(b"onnx", {})))
    place = plain
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with pytest.raises(ValueError, match=r"is not of type|is not a valid|is missing|is too large|surrogates"):
        parse_manifest(json.dumps(plain).encode())
