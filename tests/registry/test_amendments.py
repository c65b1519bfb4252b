"""What happens to a version after its push is kept: each revision, who made it, and nothing is lost."""

import json
import multiprocessing
import os
import signal
from dataclasses import replace

import pytest
from small_versions import WHEN, manifest_of, publish, refused

from nextbest.registry import amendments
from nextbest.registry.amendments import CardRevision
from nextbest.registry.card import Card
from nextbest.registry.registry import Registry


@pytest.fixture
def registry(tmp_path):
    return Registry(tmp_path / "registry")


def revision(owner: str, **changes) -> CardRevision:
    return CardRevision(owner, WHEN, Card(owner, **changes), "1" * 64, f"owner: {owner}\n")


def test_the_last_card_holds_and_each_is_kept(registry):
    version, other = publish(registry, b"one"), publish(registry, b"two")
    before = {path.name: path.read_bytes() for path in version.folder.iterdir()}
    registry.revise_card(version, revision("Eve", expires="2030-01-01"))
    registry.revise_card(version, revision("Zoe"))
    assert registry.manifest(version).card == Card("Zoe")
    assert registry.manifest(version).sources == {"model card": "1" * 64}
    assert [found.by for found in registry.amendments("card").cards[version.digest]] == ["Eve", "Zoe"]
    assert {path.name: path.read_bytes() for path in version.folder.iterdir()} == before
    assert registry.manifest(other) == manifest_of(b"two", {})


@pytest.mark.parametrize("text", ["", "[]", '{"cards": 3}', '{"repairs": {"1": [{}]}}', "{"])
def test_damaged_amendments(registry, text):
    version = publish(registry, b"1")
    path = registry.root / "card" / amendments.FILE
    path.write_text(text)
    with refused("NB618"):
        registry.manifest(version)
    with refused("NB618"):
        registry.revise_card(version, revision("Eve"))
    assert path.read_text() == text


def _change_often(root, digest, by):
    registry = Registry(root)
    version = registry.resolve("card", digest)
    for number in range(15):
        registry.revise_card(version, revision(by, population=f"{number}"))
        registry.promote(version, "shadow", by=by, at=WHEN)


def test_two_who_change_a_model_at_once_lose_nothing(registry):
    version = publish(registry, b"1")
    fresh = multiprocessing.get_context("fork")
    workers = [fresh.Process(target=_change_often, args=(registry.root, version.digest, by)) for by in "ab"]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0]
    found = registry.amendments("card").cards[version.digest]
    for by in "ab":
        assert [each.card.population for each in found if each.by == by] == [f"{n}" for n in range(15)]
    assert len(registry.aliases("card").history) == 30


def _revise_for_ever(root, digest, told):
    registry = Registry(root)
    version = registry.resolve("card", digest)
    number = 0
    while True:
        registry.revise_card(version, revision("Eve", population=f"{number}"))
        told.send(number)
        number += 1


@pytest.mark.parametrize("count", [1, 3, 7])
def test_who_is_killed_leaves_what_was_recorded(registry, count):
    version = publish(registry, b"1")
    fresh = multiprocessing.get_context("fork")
    heard, told = fresh.Pipe(duplex=False)
    worker = fresh.Process(target=_revise_for_ever, args=(registry.root, version.digest, told))
    worker.start()
    for _ in range(count):
        heard.recv()
    os.kill(worker.pid, signal.SIGKILL)
    worker.join()
    found = [int(each.card.population) for each in registry.amendments("card").cards[version.digest]]
    assert found == list(range(len(found)))
    assert len(found) >= count
    # The lock went with the process.
    registry.revise_card(version, revision("Zoe"))
    assert registry.manifest(version).card == Card("Zoe")


def test_what_an_older_version_of_this_program_wrote_is_read(registry):
    version = publish(registry, b"1")
    registry.revise_card(version, revision("Eve"))
    path = registry.root / "card" / amendments.FILE
    plain = json.loads(path.read_text())
    path.write_text(json.dumps({"cards": plain["cards"], "added_later": 1}))
    assert registry.amendments("card") == replace(registry.amendments("card"), forgotten={}, repairs={})
    assert registry.manifest(version).card == Card("Eve")
