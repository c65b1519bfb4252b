"""Deciding, explaining and testing on a bundle file or a workspace, without a server."""

import json

import pytest

from nextbest import bundle

ADULT = ("-a", "age=40", "-a", "income=3000", "-a", "products=current-account")


@pytest.fixture
def shop(nextbest, tmp_path, monkeypatch):
    nextbest("init", tmp_path)
    monkeypatch.chdir(tmp_path)
    nextbest("compile", "--output", "shop.bundle")
    return tmp_path


def test_deciding_on_a_bundle_file(nextbest, shop):
    ran = nextbest("decide", "-b", "shop.bundle", "-c", "web", *ADULT)
    assert (ran.code, ran.err) == (0, "")
    assert "gold-card" in ran.out
    assert bundle.digest((shop / "shop.bundle").read_bytes())[:12] in ran.out


def test_a_bundle_shows_its_currency_and_time_zone(nextbest, shop):
    assert "currency EUR, time zone Europe/Berlin" in nextbest("bundle", "show", "shop.bundle").out
    shown = json.loads(nextbest("bundle", "show", "shop.bundle", "--json").out)
    assert (shown["currency"], shown["time_zone"]) == ("EUR", "Europe/Berlin")


def test_deciding_on_a_workspace(nextbest, shop):
    ran = nextbest("decide", "-b", ".", "-c", "web", "-p", "hero", *ADULT, "--json")
    (hero,) = json.loads(ran.out)["placements"]
    assert [action["action"] for action in hero["actions"]] == ["gold-card"]


def test_all_placements_of_the_channel_without_any(nextbest, shop):
    found = json.loads(nextbest("decide", "-b", "shop.bundle", "-c", "web", "--json").out)
    assert [placement["name"] for placement in found["placements"]] == ["hero", "sidebar"]


def test_placements_are_filled_as_the_workspace_writes_them(nextbest, shop):
    written = "  web:\n    placements:\n"
    channels = (shop / "channels.yaml").read_text()
    (shop / "channels.yaml").write_text(channels.replace(written, written + "      top: {count: 1}\n"))
    found = json.loads(nextbest("decide", "-b", ".", "-c", "web", *ADULT, "--json").out)
    names = [placement["name"] for placement in found["placements"]]
    assert names == ["top", "hero", "sidebar"]


def test_the_schema_types_what_is_typed(nextbest, shop):
    # `current-account` is a list with one text, `3000` a double: without the schema they would be neither.
    explained = nextbest("explain", "gold-card", "-b", "shop.bundle", "-c", "web", *ADULT, "--json")
    assert explained.code == 0
    assert nextbest("decide", "-b", "shop.bundle", "-c", "web", "-a", "age=old").code == 2


def test_the_same_question_gives_the_same_answer(nextbest, shop):
    asked = ("decide", "-b", "shop.bundle", "-c", "web", "-i", "c-1", *ADULT, "--json")
    moment = ("--now", "2026-06-01T12:00:00Z", "--seed", "7")
    assert nextbest(*asked, *moment).out == nextbest(*asked, *moment).out
    found = json.loads(nextbest(*asked, *moment).out)
    assert (found["now"], found["seed"]) == ("2026-06-01T12:00:00Z", 7)


def test_a_customer_of_json(nextbest, shop):
    customer = '{"age": 40, "income": 3000, "products": ["current-account"]}'
    ran = nextbest("decide", "-b", "shop.bundle", "-c", "web", "--customer-json", customer, "--json")
    assert json.loads(ran.out)["placements"][0]["actions"][0]["action"] == "gold-card"


def test_why_not_an_action(nextbest, shop):
    ran = nextbest("explain", "gold-card", "-b", "shop.bundle", "-c", "web", "-a", "age=17")
    assert ran.code == 0
    for line in (
        "Not placed: left at eligibility",
        "eligibility: customer.age >= 18  is false",
        "reason: a credit card needs an adult holder",
        "at actions/credit-cards.yaml:",
        "customer.age is 17, required: >= 18",
        "What would have to change",
    ):
        assert line in ran.out


def test_why_the_whole_decision(nextbest, shop):
    ran = nextbest("explain", "-b", "shop.bundle", "-c", "web", *ADULT)
    assert ran.code == 0
    for title in ("Decision", "Funnel", "Ranking", "Left earlier"):
        assert title in ran.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("decide", "-c", "fax", "-p", "hero"), "channel: no channel `fax`"),
        (("decide", "-c", "web", "-p", "footer"), "placements[0].name: "),
        (("decide", "-c", "web", "-a", "agee=1"), "did you mean `age`?"),
        (("explain", "golden-card", "-c", "web"), "golden-card"),
    ],
)
def test_what_the_bundle_refuses(nextbest, shop, arguments, message):
    ran = nextbest(*arguments, "-b", "shop.bundle")
    assert ran.code == 4
    assert message in ran.err


def test_persona_tests_that_pass(nextbest, shop):
    ran = nextbest("test")
    assert ran.code == 0
    assert " passed, 0 failed" in ran.out
    found = json.loads(nextbest("test", "--json").out)
    assert (found["failed"], found["passed"]) == (0, len(found["tests"]))


def test_a_persona_test_that_fails(nextbest, shop):
    file = shop / "actions" / "credit-cards.yaml"
    file.write_text(file.read_text().replace("customer.age >= 18", "customer.age >= 81"))
    ran = nextbest("test")
    assert ran.code == 1
    assert "FAILED" in ran.out
    assert "tests/personas.yaml:" in ran.out
    assert json.loads(nextbest("test", "--json").out)["failed"] > 0


def test_a_workspace_without_tests(nextbest, shop):
    (shop / "tests" / "personas.yaml").unlink()
    ran = nextbest("test")
    assert ran.code == 0
    assert "there are none, write some" in ran.out
