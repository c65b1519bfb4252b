"""The bank's customers -> an interesting one, the decisions for that customer, and why not another."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from nextbest.client.answers import Decision
from nextbest.client.client import Client
from nextbest.client.explanations import ActionExplanation, ClauseExplanation, Outcome, Stage, Truth
from nextbest.client.scores import Score
from nextbest.demo.questions import Moment

MOMENTS = (
    Moment("web", {"page": "cards", "device": "desktop", "authenticated": True}),
    Moment("app", {"page": "home", "device": "phone", "authenticated": True}),
)
POLICY_STAGES = (Stage.ELIGIBILITY, Stage.APPLICABILITY, Stage.SUITABILITY)
CLAUSES_MAX = 2
FAVOURITE_GROUP = "credit-cards"
RICH = 75_000
"""An income from which a platinum card is offered to everybody affluent."""


@dataclass(frozen=True, slots=True)
class Story:
    """One customer.

    Attributes:
        customer: All attributes, `customer_id` among them; those that are missing are None.
        decisions: What was decided at each of `MOMENTS`.
        refused: Of the first decision, an action that a policy kept out.
        lost: Of the first decision, an action that came close.
        ranked: At each of `MOMENTS`, all ranked actions with their scores, by rank.
    """

    customer: dict[str, Any]
    decisions: list[Decision]
    refused: ActionExplanation | None
    lost: ActionExplanation | None
    ranked: list[dict[int, tuple[str, Score]]] = field(default_factory=list)


def make_story(client: Client, people: pl.DataFrame) -> Story:
    """Picks a customer, decides, and asks why not something else.

    Args:
        client: Of a server that has these customers.
        people: As `customers.generate` gives them.

    Raises:
        NextbestError: The server did not answer.
    """
    customer = protagonist(people)
    decisions = [client.decide(**_arguments(moment, customer)) for moment in MOMENTS]
    explained = [
        client.explain(**_arguments(moment, customer), now=decision.now, seed=decision.seed)
        for moment, decision in zip(MOMENTS, decisions, strict=True)
    ]
    first, *_ = of_each = [one.explanation.actions if one.explanation else () for one in explained]
    ranked = [
        {action.rank: (action.action, action.score) for action in actions if action.rank and action.score}
        for actions in of_each
    ]
    return Story(customer, decisions, _refused(first), _lost(first), ranked)


def protagonist(people: pl.DataFrame) -> dict[str, Any]:
    """Returns an interesting customer: the first of those who meet the most of some criteria.

    A customer without sales offers is chosen only if there is no other.
    """
    wishes = [
        pl.col("segment") == "affluent",
        pl.col("children") > 0,
        pl.col("home_owner"),
        pl.col("app_user"),
        pl.col("employment") == "employed",
        pl.col("savings") > 8_000,
        pl.col("age").is_between(30, 50),
        pl.col("products").list.contains("classic-card"),
        ~pl.col("products").list.contains("gold-card"),
        ~pl.col("products").list.contains("platinum-card"),
        pl.col("products").list.contains("mortgage"),
        pl.col("risk_profile").is_not_null(),
        pl.col("credit_score").is_not_null(),
        pl.col("household_size").is_not_null(),
        pl.col("income") < RICH,
        pl.col("interests").list.len() > 0,
    ]
    sellable = pl.all_horizontal(
        pl.col("marketing_consent"),
        pl.col("arrears_days") == 0,
        ~(pl.col("open_complaint") | pl.col("fraud_alert") | pl.col("vulnerable")),
        # Not within the three days in which nothing is sold.
        pl.col("last_contact") < pl.col("last_contact").max() - pl.duration(days=8),
    )
    met = pl.sum_horizontal(wish.fill_null(value=False).cast(pl.Int32) for wish in wishes)
    ranked = people.sort(sellable.fill_null(value=False), met, descending=True, maintain_order=True)
    return ranked.row(0, named=True)


def describe(customer: dict[str, Any]) -> str:
    """Says who a customer is, in a sentence or two."""
    owner = {True: "owns their home", False: "rents"}.get(customer["home_owner"], "")
    children = f"{customer['children']} at home" if customer["children"] else "no children"
    income = f"income {customer['income']:,.0f}" if customer["income"] is not None else "income unknown"
    facts = [
        customer["segment"],
        customer["employment"] or "",
        f"children: {children}" if customer["children"] else children,
        owner,
        income,
        f"savings {customer['savings']:,.0f}",
        f"credit score {customer['credit_score'] or 'unknown'}",
    ]
    holds = ", ".join(customer["products"]) or "nothing"
    reads = ", ".join(customer["interests"]) or "nothing in particular"
    return f"{customer['age']}, {', '.join(filter(None, facts))}. Holds {holds}. Reads about {reads}."


def _arguments(moment: Moment, customer: dict[str, Any]) -> Any:
    question = moment.question(customer["customer_id"])
    return {
        "customer_id": question.customer_id,
        "channel": question.channel,
        "placements": question.placements,
        "context": question.context,
    }


def _refused(actions: Iterable[ActionExplanation]) -> ActionExplanation | None:
    """An action kept out by numbers that are known, one or two conditions away; a card if there is one."""
    found = [
        action
        for action in actions
        if action.dropped_at in POLICY_STAGES
        and len(action.clauses) <= CLAUSES_MAX
        and all(_is_plain(clause) for clause in action.clauses)
    ]
    return min(found, key=lambda a: (a.group != FAVOURITE_GROUP, len(a.clauses), a.action), default=None)


def _lost(actions: Iterable[ActionExplanation]) -> ActionExplanation | None:
    """The action that came closest to a place that a higher priority would have given it."""
    found = [
        (action.placing.factor_needed, action.action, action)
        for action in actions
        if action.placing is not None
        and action.placing.outcome is Outcome.LOST
        and action.placing.factor_needed > 1.0
    ]
    return min(found)[-1] if found else None


def _is_plain(clause: ClauseExplanation) -> bool:
    numbers = (
        isinstance(it.actual, int | float) and not isinstance(it.actual, bool) for it in clause.literals
    )
    return clause.truth is Truth.FALSE and all(numbers)
