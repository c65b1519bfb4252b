"""The demo's output is readable at 80 columns, without colour."""

import re
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

from nextbest.client import answers, explanations, scores
from nextbest.client.answers import Reason
from nextbest.client.explanations import Outcome, Stage, Truth, Unavailable
from nextbest.client.scores import PropensitySource
from nextbest.demo import customers, epilogue, report
from nextbest.demo.funnel import Coverage, Funnel, LeavingReason, StageMean
from nextbest.demo.latency import Latency
from nextbest.demo.server import Addresses
from nextbest.demo.story import Story, protagonist

LABELS = {"gold-card": "Gold card", "home-insurance-standard": "Home insurance"}


def ranked(action, rank, reason=Reason.PRIORITY):
    score = scores.Score(0.0312, 1.6, 12_345.0, 1.05, 39.37, PropensitySource.MODEL, "sales-propensity")
    text = "priority 39.37, first of 34 candidates" if rank else "fallback: nothing else was left"
    return answers.RankedAction(action, "sales", "credit-cards", "web", {}, rank, score, reason, text)


def decision(*placements):
    return answers.Decision("id", "digest", placements, (), None, datetime(2026, 6, 1, tzinfo=UTC), 1)


def explanation(action, dropped_at, clauses=(), score=None, placing=None):
    changes = ("income of at least 36,000 instead of 31,200",)
    return explanations.ActionExplanation(
        action,
        "sales",
        "credit-cards",
        dropped_at,
        Unavailable.UNSPECIFIED,
        clauses,
        score,
        7,
        placing,
        changes,
        (),
    )


@pytest.fixture
def story():
    literal = explanations.LiteralExplanation("t", Truth.FALSE, "customer.income", 31_200.0, ">= 36000")
    clause = explanations.ClauseExplanation(
        Stage.ELIGIBILITY,
        Truth.FALSE,
        "customer.income >= 36000",
        "customer.income >= action.minimum_income",
        "income below what a gold card asks for",
        explanations.SourcePosition("actions/credit-cards.yaml", 57, 15),
        "",
        (literal,),
    )
    web = decision(
        answers.Placement("hero", (ranked("gold-card", 1),)),
        answers.Placement("sidebar", (ranked("home-insurance-standard", 2), ranked("unlabelled-action", 3))),
        answers.Placement("logout", ()),
    )
    app = decision(answers.Placement("home-card", (ranked("gold-card", 0, Reason.FALLBACK),)))
    placing = explanations.Placing(Outcome.LOST, "sidebar", "web", "gold-card", 1.12, 12.0)
    lost = explanation("home-insurance-standard", Stage.ARBITRATION, (), web["hero"][0].score, placing)
    refused = explanation("gold-card", Stage.ELIGIBILITY, (clause,))
    people = customers.generate(1_000, now=datetime(2026, 6, 1, tzinfo=UTC))
    return Story(protagonist(people), [web, app], refused, lost)


@pytest.fixture
def sections(story):
    stages = [StageMean(stage, 120 - 14.3 * index) for index, stage in enumerate(list(Stage)[:8])]
    reasons = [LeavingReason(Stage.APPLICABILITY, "got an offer less than three days ago", 9_876)]
    coverage = [
        Coverage("web", "hero", 0.92, 0.08, 39),
        Coverage("call-centre", "agent-prompt", 0.71, 0.0, 44),
    ]
    latency = Latency(
        1_000, 1_000, 5, 5_000, 4_999, {"UNAVAILABLE": 1}, 150, 180, 420, 12_900, 25_000, 60, 900
    )
    folder = Path("/a/folder/nextbest-demo-abcdefgh")
    return {
        "opening": report.opening(),
        "story": report.render_story(story, LABELS, "EUR"),
        "why not": report.render_why_not(story, LABELS, "EUR"),
        "funnel": report.render_funnel(Funnel(1_000, 4_000, stages, reasons, coverage)),
        "latency": report.render_latency(latency),
        "headings": report.section(1, "A title", "A note."),
        "next": epilogue.render(story, folder, Addresses(), keep=True, stays=True),
        "later": epilogue.render(story, folder, Addresses(), keep=False, stays=True),
    }


def rendered(renderable, width):
    output = StringIO()
    Console(file=output, width=width, highlight=False, color_system=None).print(renderable)
    return output.getvalue()


@pytest.mark.parametrize("width", [80, 100])
def test_nothing_is_cut_off(sections, width):
    for name, renderable in sections.items():
        text = rendered(renderable, width)
        assert "…" not in text, f"{name}\n{text}"
        assert all(cell_len(line) <= width for line in text.splitlines()), f"{name}\n{text}"


def test_the_story_has_a_customer_decisions_and_reasons(sections):
    text = re.sub(r"\s+", " ", rendered(sections["story"], 80))
    assert "Gold card" in text
    assert "unlabelled-action" in text
    assert "first of 34 candidates" in text
    assert "3.1 % 1.60 12,345 1.05 39.37" in text
    assert "logout no action" in text


def test_why_not_shows_place_reason_and_remedy(sections):
    text = re.sub(r"\s+", " ", rendered(sections["why not"], 80))
    assert "customer.income is 31,200, required >= 36,000" in text
    assert "actions/credit-cards.yaml:57:15" in text
    assert "lost sidebar to Gold card" in text
    assert "income of at least 36,000 instead of 31,200" in text


def test_the_latency_table_shows_errors(sections):
    text = re.sub(r"\s+", " ", rendered(sections["latency"], 80))
    assert "4,999 of 5,000 requests answered with OK, 1 UNAVAILABLE" in text
    assert "12.9 ms" in text


def test_commands_can_be_copied(sections):
    lines = [line.strip() for line in rendered(sections["next"], 100).splitlines()]
    assert any(line.startswith("nextbest decide -c web") for line in lines)
    assert any(line.startswith("nextbest explain gold-card -c web") for line in lines)
