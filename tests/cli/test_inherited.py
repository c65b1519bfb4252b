"""`nextbest check --show inherited`: which policies and levers each action gets from where."""

import json

import pytest

ISSUES = """\
issues:
  sales:
    lever: 10
    eligibility:
      - when: customer.age >= 16
        reason: nothing is sold to children
  service: {}
"""


@pytest.fixture
def inheriting(shop):
    (shop / "issues.yaml").write_text(ISSUES)
    return shop


def test_an_action_inherits_from_its_issue_and_its_group(nextbest, inheriting):
    ran = nextbest("check", "--show", "inherited", "--json")
    assert ran.code == 0
    actions = {action["action"]: action for action in json.loads(ran.out)["actions"]}
    gold = actions["gold-card"]
    assert (gold["issue"], gold["group"], gold["file"]) == (
        "sales",
        "credit-cards",
        "actions/credit-cards.yaml",
    )
    lines = (inheriting / gold["file"]).read_text().splitlines()
    when = "customer.age >= 18"
    assert gold["policies"] == [
        {
            "stage": "eligibility", "when": "customer.age >= 16", "reason": "nothing is sold to children",
            "scope": "issue", "name": "sales", "file": "issues.yaml", "line": 5,
        },
        {
            "stage": "eligibility", "when": when, "reason": "a credit card needs an adult holder",
            "scope": "group", "name": "credit-cards", "file": "actions/credit-cards.yaml",
            "line": lines.index(f"  - when: {when}") + 1,
        },
    ]  # fmt: skip
    assert [(lever["scope"], lever["percent"]) for lever in gold["levers"]] == [("issue", 10), ("group", 5)]
    assert (actions["newsletter"]["policies"], actions["newsletter"]["levers"]) == ([], [])


@pytest.mark.parametrize("columns", [79, 200])
def test_people_see_it_within_their_columns(nextbest, inheriting, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    ran = nextbest("check", "--show", "inherited")
    assert max(map(len, ran.out.splitlines())) <= columns
    assert "sales > credit-cards  actions/credit-cards.yaml\ngold-card, student-card\n" in ran.out
    assert "service > care  actions/service.yaml\narrears-help, newsletter\ninherit nothing\n" in ran.out
    for shown in (
        "customer.age >= 16",
        "nothing is sold to children",
        "issues.yaml:5",
        "+10 percentage points",
    ):
        assert shown in ran.out


def test_of_a_workspace_with_errors_it_shows_what_could_be_read(nextbest, inheriting):
    (inheriting / "schema.yaml").write_text("customer: {}\n")
    ran = nextbest("check", "--show", "inherited")
    assert ran.code == 1
    assert "customer.age >= 16" in ran.out
    assert "errors: run `nextbest check`" in ran.out


def test_something_else_cannot_be_shown(nextbest, shop):
    ran = nextbest("check", "--show", "levers")
    assert ran.code == 2
    assert "--show: `levers` cannot be shown" in ran.err
