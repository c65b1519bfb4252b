"""Decisions and explanations as people read them."""

import re

import pytest
from google.protobuf import text_format
from rich.console import Console

from nextbest.cli import decision_tables as tables
from nextbest.cli.explanation_tables import render_action
from nextbest.client.decoding import decode_decision
from nextbest.v1 import decision_pb2
from nextbest.wording import zone_named

VIEW = tables.View({"gold-card": "Gold card", "loan": "Loan for you"}, zone_named("Europe/Berlin"))

SCORE = """
    score {
      propensity: 0.02 context_weight: 1.4 value: 1200 lever: 1.15 priority: 38.64
      propensity_source: PROPENSITY_SOURCE_MODEL model: "cards"
    }
"""
DECISION = f"""
decision_id: "01890a5d" bundle_digest: "ab12cd34ef56ab78" now_us: 1780315200000000 currency: "EUR"
placements {{
  name: "hero"
  actions {{
    action: "gold-card" treatment: "hero-gold" rank: 1 {SCORE}
    reason_text: "priority 38.64, first of 2 candidates" reason: REASON_PRIORITY
  }}
}}
placements {{ name: "sidebar" }}
placements {{
  name: "footer"
  actions {{
    action: "newsletter" treatment: "mail" reason_text: "fallback" reason: REASON_FALLBACK score {{}}
  }}
}}
degradations {{ kind: DEGRADATION_KIND_MODEL_FAILED name: "loans" actions: 3 }}
degradations {{ kind: DEGRADATION_KIND_CUSTOMER_UNKNOWN }}
explanation {{
  funnel {{ remaining: 50 }}
  funnel {{ stage: STAGE_AVAILABILITY remaining: 50 }}
  funnel {{ stage: STAGE_ELIGIBILITY remaining: 12 unknown: 9 }}
  actions {{ action: "gold-card" issue: "sales" group: "cards" dropped_at: STAGE_PLACED rank: 1 {SCORE}
    placing {{ outcome: OUTCOME_PLACED placement: "hero" treatment: "hero-gold" }}
    context_weights: '+40 % context.page == "cards"' }}
  actions {{ action: "silver-card" issue: "sales" group: "cards" dropped_at: STAGE_ARBITRATION rank: 2
    score {{
      propensity: 0.01 context_weight: 1 value: 50 lever: 1 priority: 0.5
      propensity_source: PROPENSITY_SOURCE_PRIOR
    }}
    placing {{
      outcome: OUTCOME_LOST placement: "hero" lost_to: "gold-card"
      factor_needed: 77.28 lever_needed_percent: 7628
    }}
    changes: "its lever would have to be 7628 percentage points higher" }}
  actions {{
    action: "loan" issue: "sales" group: "loans" dropped_at: STAGE_ELIGIBILITY
    clauses {{
      stage: STAGE_ELIGIBILITY truth: TRUTH_FALSE text: "customer.age >= 18"
      condition: "customer.age >= 18 && customer.vip"
      reason: "adults [only]" position {{ file: "actions/loans.yaml" line: 4 column: 11 }}
      literals {{
        truth: TRUTH_FALSE feature: "customer.age" label: "Age" actual {{ int: 17 }} required: ">= 18"
      }}
    }}
    clauses {{
      stage: STAGE_SUITABILITY truth: TRUTH_UNKNOWN treatment: "hero-loan"
      text: "customer.income > 2000 || customer.vip"
      condition: "customer.income > 2000 || customer.vip"
      literals {{ truth: TRUTH_UNKNOWN feature: "customer.income" required: "> 2000" }}
      literals {{
        truth: TRUTH_FALSE feature: "customer.vip && customer.joined < now" actual {{ bool: false }}
        required: "true" reads {{ name: "customer.vip" label: "VIP" value {{ bool: false }} }}
        reads {{ name: "customer.joined" }}
      }}
    }}
    changes: "customer.age must be at least 18"
  }}
  actions {{
    action: "news" issue: "care" group: "mail" dropped_at: STAGE_ELIGIBILITY
    placing {{ outcome: OUTCOME_FALLBACK fallback_placements: "footer" fallback_placements: "aside" }}
    clauses {{ stage: STAGE_ELIGIBILITY truth: TRUTH_FALSE text: "customer.age >= 18" reason: "adults" }}
  }}
  actions {{ action: "tip" issue: "care" group: "mail" dropped_at: STAGE_PLACED rank: 3 {SCORE}
    placing {{
      outcome: OUTCOME_PLACED placement: "aside" treatment: "t" fallback_placements: "footer"
    }}
  }}
  actions {{
    action: "old" issue: "sales" group: "cards" dropped_at: STAGE_AVAILABILITY
    unavailable: UNAVAILABLE_EXPIRED
  }}
}}
"""


@pytest.fixture
def decision():
    return decode_decision(text_format.Parse(DECISION, decision_pb2.DecideResponse()))


def _text(*renderables, width=140):
    console = Console(width=width, no_color=True, highlight=False, force_terminal=False)
    with console.capture() as capture:
        for renderable in renderables:
            console.print(renderable)
    return "\n".join(line.rstrip() for line in capture.get().splitlines())


def _action(decision, name):
    (action,) = [action for action in decision.explanation.actions if action.action == name]
    return _text(render_action(action, decision, VIEW), width=100)


def _row(text, name):
    (line,) = [line for line in text.splitlines() if name in line]
    return re.split(r"\s{2,}", line.strip())


def test_a_decision(decision):
    text = _text(*tables.render_decision(decision, VIEW), width=100)
    assert text.startswith("Decision 01890a5d\n2026-06-01 14:00:00 Europe/Berlin, bundle ab12cd34ef56\n")
    assert _row(text, "placement  ") == ["placement", "#", "action", "P", "C", "V EUR", "L", "priority"]
    assert _row(text, "hero ") == ["hero", "1", "gold-card", "2.0 %", "1.40", "1,200", "1.15", "38.64"]
    assert _row(text, "sidebar") == ["sidebar", "no action"]
    assert _row(text, "footer") == ["footer", "newsletter"]
    assert "\n  fallback: no action remains for the placement; treatment mail\n" in text
    assert "P propensity, C context weight, V value, L lever\n" in text
    assert text.rstrip().endswith(
        "degraded: loans: the model failed, its prior is used (3 actions)\n"
        "degraded: the customer is not stored, only the request was read"
    )


def test_headings_are_words_where_there_is_room(decision):
    text = _text(*tables.render_decision(decision, VIEW), width=220)
    assert _row(text, "placement  ") == [
        "placement", "rank", "action", "treatment", "propensity", "context weight", "value EUR", "lever",
        "priority", "why",
    ]  # fmt: skip
    assert "P propensity" not in text


def test_the_factors_that_made_an_action_win(decision):
    text = _text(*tables.render_decision(decision, VIEW), width=220)
    assert _row(text, "hero-gold")[-1] == (
        "first of 2 candidates; ahead of silver-card: value 1,200 EUR against 50 EUR"
        " and propensity 2.0 % against 1.0 %"
    )


def test_the_funnel(decision):
    text = _text(tables.render_funnel(decision.explanation.funnel))
    assert _row(text, "all actions") == ["all actions", "50"]
    assert _row(text, "availability") == ["availability", "50"]
    assert _row(text, "eligibility") == ["eligibility", "12", "38", "9"]
    assert "for lack of data" in text
    text = _text(tables.render_funnel(decision.explanation.funnel[:2]))
    assert "for lack of data" not in text


def test_the_ranking(decision):
    text = _text(*tables.render_ranking(decision.explanation.actions, 20), width=180)
    assert _row(text, "gold-card  ")[-1] == "placed in hero"
    silver = _row(text, "silver-card")
    assert silver[:3] == ["2", "silver-card", "1.0 %"]
    assert (
        silver[-1]
        == "lost hero to gold-card; needs 77.3 times its priority, as with a lever of +7628 percentage points"
    )
    assert " EUR" not in text
    assert "value EUR" in _text(*tables.render_ranking(decision.explanation.actions, 20, "EUR"), width=200)
    shortened = _text(*tables.render_ranking(decision.explanation.actions, 1))
    assert "silver-card" not in shortened
    assert "... and 2 more: --rows 3 shows all" in shortened
    assert _text(*tables.render_ranking([], 5)) == "No action reached the ranking."


def test_a_star_marks_a_prior_in_place_of_a_model_alone(decision):
    degraded = DECISION.replace(
        "propensity_source: PROPENSITY_SOURCE_PRIOR",
        'propensity_source: PROPENSITY_SOURCE_DEGRADED model: "cards"',
    )
    found = decode_decision(text_format.Parse(degraded, decision_pb2.DecideResponse()))
    text = _text(*tables.render_ranking(found.explanation.actions, 20), width=100)
    assert (_row(text, "silver-card")[2], _row(text, "gold-card  ")[2]) == ("1.0 %*", "2.0 %")
    assert "* the prior of the model" in text
    assert "*" not in _text(*tables.render_ranking(decision.explanation.actions, 20), width=100)


def test_what_was_dropped_earlier(decision):
    text = _text(*tables.render_dropped(decision.explanation.actions, 20))
    assert _row(text, "loan ") == ["loan", "eligibility", "adults [only]", "actions/loans.yaml:4:11"]
    assert _row(text, "old ") == ["old", "availability", "its window has ended"]
    assert tables.render_dropped([], 5) == []


def test_why_not_an_action(decision):
    assert _action(decision, "loan").splitlines() == [
        "Why not loan?  Loan for you, sales > loans",
        "Not placed: dropped at eligibility",
        "",
        "eligibility: customer.age >= 18  is false",
        "  reason: adults [only]",
        "  at actions/loans.yaml:4:11, in: customer.age >= 18 && customer.vip",
        "  customer.age (Age) is 17, required: >= 18",
        "",
        "suitability of treatment hero-loan: customer.income > 2000 || customer.vip  is unknown",
        "  any one of these would do:",
        "    customer.income is missing, required: > 2000",
        "    customer.vip && customer.joined < now is false, required: true",
        "      customer.vip (VIP) is false, customer.joined is missing",
        "",
        "What would have to change",
        "  - customer.age must be at least 18",
    ]


def test_why_not_an_action_that_lost(decision):
    lines = _action(decision, "silver-card").splitlines()
    assert lines[1:4] == [
        "Not placed: dropped at arbitration, rank 2 lost hero to gold-card",
        "gold-card is ahead: value 1,200 EUR against 50 EUR and propensity 2.0 % against 1.0 %; silver-card",
        "needs 77.3 times its priority, as with a lever of +7628 percentage points",
    ]
    formula = (
        "propensity 1.0 % (a constant, as there is no model) x context weight 1.00 x value 50 EUR x lever"
    )
    assert f"priority 0.5 = {formula} 1.00" in " ".join(map(str.strip, lines))
    assert "  - its lever would have to be 7628 percentage points higher" in lines


def test_why_an_action(decision):
    text = _action(decision, "gold-card")
    assert text.startswith("Why gold-card?  sales > cards\nPlaced in hero, treatment hero-gold, rank 1\n")
    assert "\nAhead of silver-card: value 1,200 EUR against 50 EUR and propensity 2.0 %" in text
    assert "(of model cards)" in text
    assert '  context weight +40 % context.page == "cards"' in text


def test_why_a_fallback(decision):
    news = _action(decision, "news")
    assert "The fallback of footer and aside; dropped at eligibility" in news
    assert "Not placed" not in news
    assert "Placed in aside, treatment t, rank 3; also the fallback of footer" in _action(decision, "tip")
    text = _text(*tables.render_dropped(decision.explanation.actions, 20))
    assert _row(text, "news ")[-1] == "adults; is the fallback of footer and aside"
    text = _text(*tables.render_ranking(decision.explanation.actions, 20))
    assert _row(text, "tip ")[-1] == "placed in aside; is the fallback of footer"


def test_why_not_an_action_that_was_not_available(decision):
    assert "Not placed: dropped at availability, its window has ended" in _action(decision, "old")


def test_lines_that_a_narrow_terminal_breaks_stay_below_their_beginning(decision):
    (loan,) = [action for action in decision.explanation.actions if action.action == "loan"]
    lines = _text(render_action(loan, decision), width=40).splitlines()
    first = next(index for index, line in enumerate(lines) if "VIP" in line)
    assert lines[first : first + 2] == [
        "      customer.vip (VIP) is false,",
        "      customer.joined is missing",
    ]


LONG = "an-action-whose-name-alone-takes-half-of-a-terminal"


@pytest.mark.parametrize("width", [60, 80, 100, 200])
@pytest.mark.parametrize("action", ["gold-card", LONG])
def test_no_width_cuts_a_number(width, action):
    text = DECISION.replace("gold-card", action)
    found = decode_decision(text_format.Parse(text, decision_pb2.DecideResponse()))
    shown = _text(*tables.render_decision(found), width=width)
    ranking = _text(*tables.render_ranking(found.explanation.actions, 20), width=width)
    for table, why in ((shown, "first of 2 candidates"), (ranking, "placed in hero")):
        assert "…" not in table
        assert all(len(line) <= width for line in table.splitlines())
        for number in ("2.0 %", "1.40", "1,200", "1.15", "38.64"):
            assert re.search(rf"(^| ){re.escape(number)}( |$)", table, re.MULTILINE), table
        assert why in table


def test_the_reason_is_below_a_row_that_is_too_narrow_for_it(decision):
    wide = _text(*tables.render_ranking(decision.explanation.actions, 20), width=140)
    assert re.search(r"38\.64 +placed in hero", wide)
    narrow = _text(*tables.render_ranking(decision.explanation.actions, 20), width=60)
    assert re.search(r"38\.64\n  placed in hero$", narrow, re.MULTILINE)
