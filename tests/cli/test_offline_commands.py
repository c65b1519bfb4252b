"""Deciding, explaining and testing on a bundle file or a workspace, without a server."""

import json

import pytest

from nextbest import bundle
from nextbest.bundle.offline import OfflineBundle
from nextbest.client.answers import DegradationKind

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


def test_a_date_of_the_command_line_is_a_day_of_the_workspace(nextbest, shop):
    schema = (shop / "schema.yaml").read_text()
    (shop / "schema.yaml").write_text(
        schema.replace("customer:\n", "customer:\n  born: {type: timestamp}\n", 1)
    )
    actions = (shop / "actions/service.yaml").read_text()
    when = "      - when: customer.born.getDate() == 1 && customer.born.getHours() == 0\n"
    (shop / "actions/service.yaml").write_text(
        actions.replace("  newsletter:\n", f"  newsletter:\n    eligibility:\n{when}", 1)
    )
    asked = ("explain", "newsletter", "-b", ".", "-c", "web", "-a", "born=1990-03-01", "-a", "products=[]")
    (explained,) = json.loads(nextbest(*asked, "--json").out)["explanation"]["actions"]
    assert explained["clauses"] == []


def test_a_name_that_is_not_text_is_refused_by_its_option(nextbest, shop):
    ran = nextbest("decide", "-b", "shop.bundle", "-c", "web", "-a", "\udcff=1")
    assert ran.code == 4
    assert "--attribute \\udcff" in ran.err


def test_a_day_before_all_timestamps_is_refused(nextbest, shop):
    ran = nextbest("decide", "-b", ".", "-c", "web", "--now", "0001-01-01")
    assert (ran.code, "begins before the year 1" in ran.err) == (2, True)


def test_a_bundle_shows_its_currency_and_time_zone(nextbest, shop):
    shown = nextbest("bundle", "show", "shop.bundle").out.splitlines()
    assert {"currency   EUR", "time zone  Europe/Berlin"} <= set(shown)
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


@pytest.mark.parametrize("command", [("decide",), ("explain", "gold-card")])
def test_the_date_of_a_decision_begins_in_the_time_zone_of_the_bundle(nextbest, shop, command):
    asked = (*command, "-b", "shop.bundle", "-c", "web", "--json", *ADULT)
    assert json.loads(nextbest(*asked, "--now", "2026-12-25").out)["now"] == "2026-12-24T23:00:00Z"
    ran = nextbest(*asked, "--now", "2026-12-25T08:00")
    assert (ran.code, ran.out) == (2, "")
    assert "`2026-12-25T08:00` has no time zone" in ran.err


def test_a_customer_of_json(nextbest, shop):
    customer = '{"age": 40, "income": 3000, "products": ["current-account"]}'
    ran = nextbest("decide", "-b", "shop.bundle", "-c", "web", "--customer-json", customer, "--json")
    assert json.loads(ran.out)["placements"][0]["actions"][0]["action"] == "gold-card"


def test_why_not_an_action(nextbest, shop):
    ran = nextbest("explain", "gold-card", "-b", "shop.bundle", "-c", "web", "-a", "age=17")
    assert ran.code == 0
    for line in (
        "Not placed: dropped at eligibility",
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
    for title in ("Decision", "Funnel", "Ranking", "Dropped earlier"):
        assert title in ran.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("decide", "-c", "fax", "-p", "hero"), "--channel: no channel `fax`"),
        (("decide", "-c", "web", "-p", "hero", "-p", "footer"), "--placement footer: "),
        (("decide", "-c", "web", "-p", "hero=101"), "--placement hero: 101: at most 100"),
        (("decide", "-c", "web", "-a", "age=1", "-a", "incom=1"), "--attribute incom: no customer attribute"),
        (("decide", "-c", "web", "-i", "c-1", "-a", "agee=1"), "--attribute agee: no customer attribute"),
        (("decide", "-c", "web", "--customer-json", '{"agee": 1}'), "--customer-json agee: no customer"),
        (("explain", "-c", "web", "-x", "pag=1"), "--context pag: no context attribute `pag`"),
        (("explain", "gold-card", "golden-card", "-c", "web"), "ACTIONS golden-card: "),
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


@pytest.fixture
def customers(shop):
    """A file in which ids have zeros at their beginning, and values the types of the schema only."""
    lines = ["customer_id,age,income,products", '00123,40.0,3000,"[""current-account""]"', "123,17,,[]"]
    (shop / "c.csv").write_text("\n".join(lines))
    return shop / "c.csv"


def hero_of(ran):
    assert (ran.code, ran.err) == (0, "")
    (hero,) = json.loads(ran.out)["placements"]
    return [action["action"] for action in hero["actions"]]


def test_a_customer_is_looked_up_in_a_file(nextbest, customers):
    asked = ("decide", "-b", ".", "-c", "web", "-p", "hero", "--json", "--customers", "c.csv")
    assert hero_of(nextbest(*asked, "-i", "00123")) == ["gold-card"]
    assert hero_of(nextbest(*asked, "-i", "123")) != ["gold-card"]
    # What is given along takes precedence, as it does before a server.
    assert hero_of(nextbest(*asked, "-i", "00123", "-a", "age=17")) != ["gold-card"]
    explained = nextbest("explain", "gold-card", "-b", ".", "-c", "web", "-i", "123", "--customers", "c.csv")
    assert "customer.age is 17" in explained.out


def test_the_last_of_several_rows_counts(nextbest, customers):
    customers.write_text(customers.read_text() + '\n00123,17,3000,"[""current-account""]"\n')
    ran = nextbest("explain", "gold-card", "-b", ".", "-c", "web", "-i", "00123", "--customers", "c.csv")
    assert "customer.age is 17" in ran.out


@pytest.mark.parametrize("command", [("decide",), ("explain", "gold-card")])
def test_columns_that_are_left_out_are_reported(nextbest, customers, command):
    customers.write_text("customer_id,age,incom\n00123,40,3000\n")
    asked = (*command, "-b", ".", "-c", "web", "-i", "00123", "--customers", "c.csv")
    note = "`c.csv`: left out, because the schema does not have them: incom (did you mean `income`?)"
    ran = nextbest(*asked)
    assert (ran.code, ran.err) == (0, f"note: {note}\n")
    ran = nextbest(*asked, "--json")
    assert json.loads(ran.err) == {"note": {"message": note}}
    assert json.loads(ran.out)["placements"]


@pytest.mark.parametrize("command", [("decide",), ("explain", "gold-card")])
@pytest.mark.parametrize(
    ("arguments", "code", "message", "remedy"),
    [
        (("-b", ".", "-i", "anna"), 2, "`anna` is unknown", "--customers FILE"),
        (("-b", ".", "-i", "0123", "--customers", "c.csv"), 4, "no customer `0123`", "did you mean `00123`?"),
        (("-b", ".", "--customers", "c.csv"), 2, "needs the id of a customer", "--customer-id"),
        (("-i", "00123", "--customers", "c.csv"), 2, "does not read a file", "customers load"),
        (
            ("-b", ".", "-i", "1", "--customers", "c.csv", "--id-column", "id"),
            2,
            "no column `id`",
            "customer_id",
        ),
        (("-b", ".", "-i", "1", "--customers", "e.csv"), 2, "no column of `e.csv` is an attribute", "`age`?"),
        (("-b", ".", "-i", "123", "--customers", "d.csv"), 2, "row 2 of `d.csv`, column `age`", "such as 42"),
    ],
)
def test_an_id_that_nothing_is_known_of_is_refused(
    nextbest, customers, command, arguments, code, message, remedy
):
    customers.with_name("e.csv").write_text("customer_id,agee\n1,40\n")
    customers.with_name("d.csv").write_text("customer_id,age\n00123,x\n123,old\n")
    ran = nextbest(*command, "-c", "web", *arguments)
    assert (ran.code, ran.out) == (code, "")
    assert message in ran.err
    assert remedy in ran.err


def test_an_id_of_a_customer_whose_attributes_are_given_decides_between_equals(nextbest, shop):
    asked = ("decide", "-b", ".", "-c", "web", "-p", "hero", "--json", "-i", "c-1")
    assert hero_of(nextbest(*asked, *ADULT)) == ["gold-card"]


def test_of_an_id_without_attributes_nothing_is_known(shop):
    offline = OfflineBundle((shop / "shop.bundle").read_bytes())
    question = {"channel": "web", "placements": {"hero": 1}, "customer_id": "anna"}
    kinds = [degradation.kind for degradation in offline.decide(**question).degradations]
    assert kinds == [DegradationKind.CUSTOMER_UNKNOWN]
    assert offline.decide(**question, customer={"age": 40}).degradations == ()


def test_a_placement_is_named_once(nextbest, shop):
    ran = nextbest("decide", "-b", shop, "-c", "web", "-p", "hero", "-p", "hero=2")
    assert ran.code == 2
    assert "the placement `hero` is given twice" in ran.err
