"""Issues and groups: where `issues.yaml` declares them, nothing else inherits in silence."""

import pytest

from nextbest import workspace
from nextbest.diagnostics import Severity

CARDS = """\
issue: {issue}
group: {group}
actions: {{{action}: {{propensity: 0.1, treatments: [{{channel: web}}]}}}}
"""


def found(lay, issues: str, files: dict[str, tuple[str, str]], **others: str) -> list[tuple[str, str, str]]:
    written = {
        f"actions/{name}.yaml": CARDS.format(issue=issue, group=group, action=name)
        for name, (issue, group) in files.items()
    }
    written |= {f"{name}.yaml": text for name, text in others.items()}
    diagnostics = workspace.compile(lay({"issues.yaml": issues, **written})).diagnostics
    return [(d.code, d.position.file, d.message) for d in diagnostics]


SALES = "issues:\n  sales: {eligibility: [{when: customer.age >= 18, reason: adults only}]}\n"


def test_a_misspelt_issue_is_an_error_that_names_the_right_one(lay):
    files = {"actions/cards.yaml": CARDS.format(issue="sale", group="cards", action="gold")}
    (diagnostic,) = workspace.compile(lay({"issues.yaml": SALES, **files})).errors
    assert diagnostic.code == "NB212"
    assert diagnostic.message == "`issues.yaml` does not declare the issue `sale`"
    assert diagnostic.help.startswith("did you mean `sales`, issues.yaml:2? Otherwise declare it there")
    assert (diagnostic.position.file, diagnostic.position.line) == ("actions/cards.yaml", 1)
    assert diagnostic.fix.replacement == "sales"


def test_every_undeclared_issue_is_reported_and_every_unused_one(lay):
    assert found(
        lay, SALES + "  billing: {}\n", {"cards": ("sales", "cards"), "care": ("service", "care")}
    ) == [
        ("NB212", "actions/care.yaml", "`issues.yaml` does not declare the issue `service`"),
        ("NB212", "issues.yaml", "no action is in the issue `billing`"),
    ]


@pytest.mark.parametrize("issues", ["", "issues: {}\n", SALES, SALES + "  service: {}\n"])
def test_without_declarations_any_issue_goes(lay, issues):
    files = {
        "cards": ("sales", "cards"),
        "care": ("service" if "service" in issues or "sales" not in issues else "sales", "care"),
    }
    assert [code for code, _, _ in found(lay, issues, files) if code != "NB111"] == []


def test_a_misspelt_issue_has_no_consequences_elsewhere(lay):
    weights = "context_weights: [{when: customer.age > 60, percent: 10, issue: sales}]\n"
    codes = [code for code, _, _ in found(lay, SALES, {"cards": ("sale", "cards")}, arbitration=weights)]
    assert codes == ["NB212"]


@pytest.mark.parametrize(
    "broken", ["issues: [\n", "issues: 3\n", "issues: {sales: {lever: x}, service: {}}\n"]
)
def test_a_broken_declaration_is_the_only_finding(lay, broken):
    files = {"cards": ("sales", "cards"), "care": ("service", "care")}
    assert {file for _, file, _ in found(lay, broken, files)} == {"issues.yaml"}


def test_a_missing_issue_is_reported_once(lay):
    text = CARDS.format(issue="sales", group="cards", action="gold").replace("issue: sales\n", "")
    compilation = workspace.compile(lay({"issues.yaml": SALES, "actions/cards.yaml": text}))
    assert [d.code for d in compilation.diagnostics] == ["NB202"]


GROUPS = "issues:\n  sales: {groups: [cards, savings]}\n  service: {}\n"


def test_groups_are_compared_where_their_issue_declares_them(lay):
    files = {"cards": ("sales", "crads"), "gold": ("sales", "savings"), "care": ("service", "anything")}
    weights = "context_weights: [{when: customer.age > 60, percent: 10, group: cards}]\n"
    assert found(lay, GROUPS, files, arbitration=weights) == [
        (
            "NB213",
            "actions/cards.yaml",
            "`issues.yaml` does not declare the group `crads` for the issue `sales`",
        )
    ]


def test_a_declared_group_that_no_file_has(lay):
    assert found(lay, GROUPS, {"cards": ("sales", "cards"), "care": ("service", "care")}) == [
        ("NB213", "issues.yaml", "no action is in the group `savings`")
    ]


def test_a_group_of_another_issue(lay):
    files = {"cards": ("sales", "cards"), "gold": ("service", "savings")}
    assert found(lay, GROUPS, files) == [("NB213", "issues.yaml", "no action is in the group `savings`")]


def test_an_unused_declaration_holds_nothing_up(lay):
    """Who removes the last action of an issue can compile; a misspelt name is an error where it is used."""
    text = CARDS.format(issue="sales", group="cards", action="gold")
    compilation = workspace.compile(
        lay({"issues.yaml": SALES + "  service: {}\n", "actions/cards.yaml": text})
    )
    assert [(d.code, d.severity) for d in compilation.diagnostics] == [("NB212", Severity.WARNING)]
    assert compilation.bundle is not None
