"""Tests of a workspace, run by the engine: what holds, and why something does not."""

import shutil
import textwrap
from datetime import timedelta
from pathlib import Path

import pytest

from nextbest import _core, workspace
from nextbest.bundle import seal
from nextbest.client.explanations import (
    ActionExplanation,
    ClauseExplanation,
    LiteralExplanation,
    Outcome,
    Placing,
    Stage,
    Truth,
    Unavailable,
)
from nextbest.client.scores import PropensitySource, Score
from nextbest.workspace.personas import TestResult, run
from nextbest.workspace.refusal import explain_absence
from nextbest.workspace.starter import write_starter

HEAD = """
- name: {name}
  persona: student
  channel: web
  placements: {{hero: 1, sidebar: 1}}
  now: 2026-06-01T12:00:00Z
"""


@pytest.fixture
def result(tmp_path: Path):
    """Runs one test in the starter's workspace."""

    def result(body: str, head: str = HEAD) -> TestResult:
        folder = tmp_path / "bank"
        shutil.rmtree(folder, ignore_errors=True)
        write_starter(folder)
        test = head.format(name="the test") + textwrap.indent(textwrap.dedent(body), "  ")
        text = (folder / "tests/personas.yaml").read_text().split("tests:\n")[0] + f"tests:{test}"
        (folder / "tests/personas.yaml").write_text(text)
        compilation = workspace.compile(folder)
        assert compilation.errors == []
        (found,) = run(compilation, _core.Bundle(seal(compilation.bundle).data))
        return found

    return result


def test_what_holds(result):
    found = result("expect: {hero: [savings-account], sidebar: [student-card], not: [gold-card]}")
    assert found.passed
    assert found.name == "the test"
    assert found.position.file == "tests/personas.yaml"
    assert found.position.length == len("the test")


def test_placements_that_are_not_mentioned_may_hold_anything(result):
    assert result("expect: {hero: [savings-account]}").passed


def test_an_action_that_fails_a_condition(result):
    (failure,) = result("expect: {hero: [gold-card]}").failures
    assert failure.splitlines() == [
        "`hero` has `savings-account`, but `gold-card` is expected",
        "  `gold-card` is dropped at suitability:",
        "    `customer.income >= 2500` does not hold  actions/credit-cards.yaml:40:15",
        "      customer.income (Net income a month) is 600, required: >= 2500",
        "      reason: may not be able to afford it",
    ]


def test_an_attribute_that_is_missing(result):
    (failure,) = result("customer: {income: null}\nexpect: {hero: [gold-card]}").failures
    assert "`customer.income >= 2500` is unknown" in failure
    assert "customer.income (Net income a month) is missing, required: >= 2500" in failure


def test_an_action_that_loses(result):
    (failure,) = result("expect: {hero: [student-card]}", HEAD.replace(", sidebar: 1", "")).failures
    assert (
        "`student-card` is dropped at arbitration: its priority 1.26 (rank 2) lost to `savings-account`"
        in failure
    )
    assert "times as much" in failure


def test_an_action_in_another_place(result):
    (failure,) = result("expect: {hero: [student-card]}").failures
    assert "`student-card` is offered in `sidebar`, with priority 1.26" in failure


def test_a_placement_that_is_to_stay_empty(result):
    (failure,) = result("expect: {sidebar: []}").failures
    assert failure == "`sidebar` has `student-card`, but nothing is expected"


def test_an_action_outside_of_its_window(result):
    early = HEAD.replace("2026-06-01", "2025-06-01")
    (failure,) = result("expect: {hero: [gold-card]}", early).failures
    assert "`gold-card` is not available: its window has not begun" in failure


def test_refusals(result):
    found = result(
        """
        expect:
          not:
            savings-account: {}
            gold-card: {stage: eligibility}
            investment-plan: {stage: applicability, reason: too old}
            arrears-help: {stage: applicability, reason: is not in arrears}
        """
    )
    offered, elsewhere, otherwise = found.failures
    assert offered == "`savings-account` is offered in `hero`"
    assert elsewhere.startswith(
        "`gold-card` should be dropped at eligibility\n  `gold-card` is dropped at suitability:"
    )
    assert otherwise.startswith("`investment-plan` should be dropped at applicability, because too old\n")
    assert "customer.segment is missing" in otherwise


def test_overriding_attributes(result):
    assert result("customer: {age: 17}\nexpect: {not: {student-card: {stage: eligibility}}}").passed
    assert result("context: {page: cards}\nexpect: {hero: [student-card]}").passed


def test_a_core_that_refuses():
    class Refusing:
        def decide(self, request, customer, *, now_us, seed):
            raise ValueError("no such channel")

        explain = decide

    compilation = workspace.compile(Path(__file__).parents[2] / "python/nextbest/workspace/starter/files")
    results = run(compilation, Refusing())
    assert {failure for result in results for failure in result.failures} == {
        "the decision was refused: no such channel"
    }


def explained(**explanation) -> list[str]:
    action = ActionExplanation(
        **{
            "action": "gold-card",
            "issue": "sales",
            "group": "cards",
            "dropped_at": Stage.ARBITRATION,
            "unavailable": Unavailable.UNSPECIFIED,
            "clauses": (),
            "score": Score(0.1, 1.0, 12.0, 1.0, 1.2, PropensitySource.PRIOR, ""),
            "rank": 2,
            "placing": None,
            "changes": (),
            "context_weights": (),
            **explanation,
        }
    )
    return list(explain_absence("gold-card", "hero", action))


@pytest.mark.parametrize("reason", list(Unavailable)[1:])
def test_every_unavailability_has_words(reason):
    (line,) = explained(dropped_at=Stage.AVAILABILITY, unavailable=reason)
    assert "no reason" not in line


@pytest.mark.parametrize("outcome", list(Outcome)[2:])
def test_every_outcome_has_words(outcome):
    (line,) = explained(placing=Placing(outcome, "hero", "", "silver", 2.5, 150.0))
    assert "no reason" not in line
    if outcome is Outcome.LOST:
        assert line.endswith(
            "its priority 1.2 (rank 2) lost to `silver`; it would need 2.5 times as much, or +150 percentage "
            "points of lever"
        )


def test_an_action_dropped_for_a_duration_reports_it_in_days():
    literal = LiteralExplanation(
        "", Truth.FALSE, "now - customer.last", timedelta(days=151, hours=5), "< 30 days (720h)"
    )
    clause = ClauseExplanation(Stage.ELIGIBILITY, Truth.FALSE, "text", "text", "", None, "", (literal,))
    lines = explained(dropped_at=Stage.ELIGIBILITY, clauses=(clause,))
    assert lines[-1].strip() == "now - customer.last is 151 days 5 hours, required: < 30 days (720h)"
