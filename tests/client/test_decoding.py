"""Answers of the protocol as Python values: nothing of a message is lost."""

import dataclasses
from datetime import UTC, datetime
from enum import StrEnum

import pytest
from google.protobuf import text_format

from nextbest.client import answers, decoding, explanations, scores
from nextbest.client.explanations import Stage
from nextbest.v1 import decision_pb2

MESSAGE = """
decision_id: "01890a5d-ac96-774b-bcce-b302099a8057" bundle_digest: "ab12" now_us: 1780315200000000 seed: 7
placements {
  name: "hero"
  actions {
    action: "gold-card" issue: "sales" group: "cards" treatment: "hero-gold" rank: 1
    content: '{"title":"Go gold"}' reason: REASON_PRIORITY
    reason_text: "priority 2.28, first of 34 candidates"
    score {
      propensity: 0.02 context_weight: 1.4 value: 120 lever: 1.15 priority: 2.28
      propensity_source: PROPENSITY_SOURCE_MODEL model: "cards"
    }
  }
}
placements { name: "sidebar" }
degradations { kind: DEGRADATION_KIND_MODEL_FAILED name: "loans" actions: 3 }
explanation {
  funnel { remaining: 50 } funnel { stage: STAGE_ELIGIBILITY remaining: 12 }
  actions {
    action: "loan" issue: "sales" group: "loans" dropped_at: STAGE_ELIGIBILITY
    clauses {
      stage: STAGE_ELIGIBILITY truth: TRUTH_FALSE text: "customer.age >= 18"
      condition: "customer.age >= 18 && true"
      reason: "adults only" position { file: "actions/loans.yaml" line: 4 column: 11 } treatment: "hero-loan"
      literals {
        text: "customer.age >= 18" truth: TRUTH_FALSE feature: "customer.age"
        actual { int: 17 } required: ">= 18" label: "Age"
      }
      literals {
        text: "has(customer.income)" truth: TRUTH_UNKNOWN feature: "customer.income" required: "present"
        reads { name: "customer.income" label: "Income" value { int: 5 } } reads { name: "customer.age" }
        no_result: "it divides by 0"
      }
    }
    changes: "customer.age must be at least 18" context_weights: "+40 % page"
  }
  actions {
    action: "leaflet" dropped_at: STAGE_ARBITRATION rank: 9 score { priority: 0.1 }
    placing {
      outcome: OUTCOME_LOST placement: "hero" treatment: "t" lost_to: "gold-card" factor_needed: 1.12
    }
  }
  actions {
    action: "late" dropped_at: STAGE_ELIGIBILITY
    advice {
      customer { name: "age" value { int: 18 } } context { name: "page" } dropped_at: STAGE_PLACED rank: 2
      score { priority: 0.5 } placing { outcome: OUTCOME_PLACED placement: "hero" treatment: "t" }
    }
  }
  actions { action: "old" dropped_at: STAGE_AVAILABILITY unavailable: UNAVAILABLE_EXPIRED }
}
"""


@pytest.fixture
def decision():
    return decoding.decode_decision(text_format.Parse(MESSAGE, decision_pb2.DecideResponse()))


def test_the_decision_itself(decision):
    assert decision.decision_id == "01890a5d-ac96-774b-bcce-b302099a8057"
    assert decision.bundle_digest == "ab12"
    assert decision.now == datetime(2026, 6, 1, 12, tzinfo=UTC)
    assert decision.seed == 7
    assert decision.degradations == (answers.Degradation(answers.DegradationKind.MODEL_FAILED, "loans", 3),)


def test_placements(decision):
    (action,) = decision["hero"]
    assert (action.action, action.issue, action.group, action.treatment) == (
        "gold-card",
        "sales",
        "cards",
        "hero-gold",
    )
    assert action.content == {"title": "Go gold"}
    assert (action.rank, action.reason) == (1, answers.Reason.PRIORITY)
    assert action.reason_text == "priority 2.28, first of 34 candidates"
    assert action.score == scores.Score(0.02, 1.4, 120.0, 1.15, 2.28, scores.PropensitySource.MODEL, "cards")
    assert decision["sidebar"] == ()
    assert [placement.name for placement in decision.placements] == ["hero", "sidebar"]
    with pytest.raises(KeyError, match="footer"):
        decision["footer"]


def test_explanation(decision):
    loan, leaflet, late, old = decision.explanation.actions
    assert decision.explanation.funnel == (
        explanations.StageCount(explanations.Stage.UNSPECIFIED, 50),
        explanations.StageCount(explanations.Stage.ELIGIBILITY, 12),
    )
    (clause,) = loan.clauses
    assert str(clause.position) == "actions/loans.yaml:4:11"
    age, income = clause.literals
    assert (age.actual, age.label, age.reads, age.no_result) == (17, "Age", (), "")
    assert (income.actual, income.label, income.no_result) == (None, "", "it divides by 0")
    assert income.reads == (
        explanations.ReadAttribute("customer.income", "Income", 5),
        explanations.ReadAttribute("customer.age", "", None),
    )
    assert clause.truth is explanations.Truth.FALSE
    assert clause.treatment == "hero-loan"
    assert loan.score is None
    assert loan.placing is None
    assert loan.changes == ("customer.age must be at least 18",)
    assert leaflet.placing == explanations.Placing(
        explanations.Outcome.LOST, "hero", "t", "gold-card", 1.12, None
    )
    assert leaflet.score.priority == 0.1
    assert (leaflet.advice, late.advice.customer, late.advice.context) == (None, {"age": 18}, {"page": None})
    assert (late.advice.dropped_at, late.advice.rank) == (explanations.Stage.PLACED, 2)
    assert late.advice.placing == explanations.Placing(
        explanations.Outcome.PLACED, "hero", "t", "", 0.0, None
    )
    assert old.unavailable is explanations.Unavailable.EXPIRED


def test_contributions():
    message = text_format.Parse(
        """
        method: CONTRIBUTION_LEVEL_EXACT scale: CONTRIBUTION_SCALE_LOG_ODDS
        base: -3.0 margin: -2.5 others: 0.125
        contributions {
          attribute: "customer.income" label: "income" value { double: 72000 } contribution: 0.5
          text: "income 72,000 raises the odds by 65 %"
        }
        contributions { attribute: "customer.age" label: "age" contribution: -0.125 text: "age" }
        """,
        decision_pb2.Contributions(),
    )
    ranked = decision_pb2.RankedAction(contributions=message)
    answer = decision_pb2.DecideResponse(placements=[decision_pb2.Placement(name="hero", actions=[ranked])])
    (action,) = decoding.decode_decision(answer)["hero"]
    told = action.contributions
    assert (told.method, told.scale) == (scores.ContributionLevel.EXACT, scores.ContributionScale.LOG_ODDS)
    assert (told.base, told.margin, told.others, told.refusal) == (-3.0, -2.5, 0.125, "")
    text = "income 72,000 raises the odds by 65 %"
    income = scores.Contribution("customer.income", "income", 72_000.0, 0.5, text)
    age = scores.Contribution("customer.age", "age", None, -0.125, "age")
    assert list(told) == [income, age]


def test_no_explanation_unless_there_is_one():
    assert decoding.decode_decision(decision_pb2.DecideResponse()).explanation is None


def test_numbers_of_a_newer_server_are_unspecified():
    message = decision_pb2.DecideResponse()
    message.explanation.actions.add(dropped_at=77)
    assert decoding.decode_decision(message).explanation.actions[0].dropped_at is Stage.UNSPECIFIED


ENUMERATIONS = [
    item
    for item in vars(answers).values()
    if isinstance(item, type) and issubclass(item, StrEnum) and item is not StrEnum
]


@pytest.mark.parametrize("kind", ENUMERATIONS)
def test_words_are_those_of_the_protocol(kind):
    enumeration = getattr(decision_pb2, kind.__name__).DESCRIPTOR
    prefix = enumeration.values_by_number[0].name.removesuffix("UNSPECIFIED")
    assert [item.value for item in kind] == [
        value.name.removeprefix(prefix).lower() for value in enumeration.values
    ]


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (answers.Decision, decision_pb2.DecideResponse),
        (answers.RankedAction, decision_pb2.RankedAction),
        (scores.Score, decision_pb2.Score),
        (answers.Degradation, decision_pb2.Degradation),
        (explanations.ActionExplanation, decision_pb2.ActionExplanation),
        (explanations.ClauseExplanation, decision_pb2.ClauseExplanation),
        (explanations.LiteralExplanation, decision_pb2.LiteralExplanation),
        (explanations.Placing, decision_pb2.Placing),
        (scores.Contributions, decision_pb2.Contributions),
        (scores.Contribution, decision_pb2.Contribution),
        (explanations.SourcePosition, decision_pb2.SourcePosition),
    ],
)
def test_every_field_of_a_message_has_its_attribute(kind, message):
    fields = [field.name.removesuffix("_us") for field in message.DESCRIPTOR.fields]
    assert sorted(field.name for field in dataclasses.fields(kind)) == sorted(fields)
