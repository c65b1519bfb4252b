"""A champion has golden rows, or a recorded reason for not having them."""

import multiprocessing

import pytest
from small_versions import WHEN, manifest_of, publish, refused

from nextbest.registry.aliases import FIRST_WAIVER
from nextbest.registry.registry import Registry, Waiver

STRICT = Waiver(is_first_waived=False)


@pytest.fixture
def registry(tmp_path):
    return Registry(tmp_path / "registry")


def without_golden(registry, onnx):
    return registry.publish(manifest_of(onnx, {}, has_golden=False), onnx, {})


def promote(registry, version, alias="champion", waiver=None):
    return registry.promote(version, alias, by="ana", at=WHEN, waiver=waiver)


def test_a_champion_has_golden_rows_or_a_waiver(registry):
    one, two = without_golden(registry, b"1"), without_golden(registry, b"2")
    with refused("NB673"):
        promote(registry, one, waiver=STRICT)
    assert registry.aliases("card").history == []
    for alias in ("challenger", "shadow"):
        assert promote(registry, one, alias, STRICT).waiver == ""
    # The first one, at its push.
    assert promote(registry, one).waiver == FIRST_WAIVER
    # It is champion already: nothing new is needed.
    assert promote(registry, one, waiver=STRICT).waiver == ""
    with refused("NB673"):
        promote(registry, two)
    move = promote(registry, two, waiver=Waiver("the trainer is gone"))
    assert (move.waiver, move.by, move.before) == ("the trainer is gone", "ana", one.digest)
    assert [each.waiver for each in registry.aliases("card").history if each.alias == "champion"] == [
        FIRST_WAIVER,
        "",
        "the trainer is gone",
    ]


def test_a_waiver_that_is_not_needed_is_not_recorded(registry):
    version = publish(registry, b"1")
    assert promote(registry, version, waiver=Waiver("why not")).waiver == ""


def test_a_champion_that_was_retired_leaves_no_first_one(registry):
    one, two = publish(registry, b"1"), without_golden(registry, b"2")
    promote(registry, one)
    with refused("NB673"):
        promote(registry, two)


def test_a_rollback_goes_back_to_what_has_none(registry):
    one, two = without_golden(registry, b"1"), publish(registry, b"2")
    promote(registry, one)
    promote(registry, two, waiver=STRICT)
    assert registry.roll_back("card", "champion", by="ana", at=WHEN).after == one.digest


def _promote(root, digest, results):
    registry = Registry(root)
    try:
        promote(registry, registry.resolve("card", digest))
        results.put("promoted")
    except Exception as error:  # noqa: BLE001 - the code is the result
        results.put(error.code)


def test_of_two_first_champions_one_is_refused(registry):
    versions = [without_golden(registry, data) for data in (b"1", b"2")]
    fresh = multiprocessing.get_context("fork")
    results = fresh.Queue()
    workers = [
        fresh.Process(target=_promote, args=(registry.root, each.digest, results)) for each in versions
    ]
    for worker in workers:
        worker.start()
    found = sorted(results.get() for _ in workers)
    for worker in workers:
        worker.join()
    assert found == ["NB673", "promoted"]


def test_moves_from_before_there_were_waivers_are_read(registry):
    version = publish(registry, b"1")
    promote(registry, version)
    path = registry.root / "card/aliases.json"
    path.write_text(path.read_text().replace(',\n      "waiver": ""', ""))
    assert "waiver" not in path.read_text()
    assert registry.aliases("card").history[0].waiver == ""
