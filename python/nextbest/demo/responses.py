"""Customers and a bank's actions -> past offers and their outcomes, for training propensity models.

Who was shown what is drawn at random; whether it worked follows a utility that only this file knows. So there
is something true for the models to find, and their quality can be measured.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Texts = NDArray[np.object_]

PAGES = ("home", "cards", "loans", "mortgages", "savings", "investing", "insurance", "account", "help")
CALL_REASONS = ("question", "complaint", "cancel", "payment-problem", "new-product")
PAGE_OF_FAMILY = {
    "card": "cards",
    "loan": "loans",
    "mortgage": "mortgages",
    "saving": "savings",
    "investing": "investing",
    "insurance": "insurance",
}


@dataclass(frozen=True, slots=True)
class Offers:
    """Past offers of one model's actions, a row each.

    Attributes:
        customers: The customer of each row.
        actions: The attributes of the action of each row; what an action does not say is null.
        context: The attributes of the moment; null for most.
        accepted: Whether it worked.
    """

    customers: pl.DataFrame
    actions: pl.DataFrame
    context: pl.DataFrame
    accepted: NDArray[np.int64]

    def column(self, attribute: str) -> pl.Series:
        """Returns one attribute, named with its root: `customer.age`."""
        root, _, name = attribute.partition(".")
        frame = {"customer": self.customers, "action": self.actions, "context": self.context}[root]
        return frame[name]

    def numbers(self, attribute: str, missing: float = 0.0) -> Numbers:
        """Returns one numeric attribute, with `missing` where there is none."""
        series = self.column(attribute).cast(pl.Float64).fill_null(missing)
        return np.asarray(series.to_numpy(), dtype=np.float64)

    def texts(self, attribute: str) -> Texts:
        """Returns one text attribute, with an empty text where there is none."""
        return np.array(self.column(attribute).fill_null("").to_list(), dtype=object)


def simulate(
    model: str, customers: pl.DataFrame, actions: Sequence[dict[str, Any]], *, count: int, seed: int
) -> Offers:
    """Returns `count` offers of the given actions, and whether each worked.

    Args:
        model: `sales-propensity`, `retention-propensity` or `service-propensity`: whose utility decides.
        customers: As `customers.generate` gives them.
        actions: Attributes of the actions that are bound to the model.
        count: Rows, at least 1.
        seed: Of everything random.
    """
    rng = np.random.default_rng(seed)
    shown = pl.DataFrame(actions, schema_overrides={"family": pl.String}, infer_schema_length=None)
    context = pl.DataFrame(
        {"page": _sparse(rng, PAGES, count, 0.45), "call_reason": _sparse(rng, CALL_REASONS, count, 0.7)},
        schema={"page": pl.String, "call_reason": pl.String},
    )
    offers = Offers(
        customers=customers[rng.integers(0, len(customers), count)],
        actions=shown[rng.integers(0, len(shown), count)],
        context=context,
        accepted=np.zeros(count, dtype=np.int64),
    )
    utility = UTILITIES[model](offers) + rng.normal(0, 0.3, count)
    accepted = rng.random(count) < 1.0 / (1.0 + np.exp(-utility))
    return Offers(offers.customers, offers.actions, offers.context, accepted.astype(np.int64))


def _sales(offers: Offers) -> Numbers:
    """Tastes with bends and steps: each family has its age, its budget and its page."""
    age, income = offers.numbers("customer.age"), offers.numbers("customer.income", 30_000)
    savings, debt = offers.numbers("customer.savings"), offers.numbers("customer.debt")
    score, spend = offers.numbers("customer.credit_score", 620), offers.numbers("customer.card_spend")
    children = offers.numbers("customer.children")
    family, page = offers.texts("action.family"), offers.texts("context.page")
    strain = 12 * offers.numbers("action.monthly_cost") / income
    taste = {
        "card": 0.1 + 0.35 * np.log1p(spend / 500) - 0.012 * np.abs(age - 34),
        "loan": 0.2 - 0.9 * (score < 560) - 0.016 * np.abs(age - 38) + 0.4 * (debt > 2000),
        "mortgage": -0.7 - 0.05 * np.abs(age - 35) + 0.9 * (savings > 20_000),
        "saving": 0.3 + 0.22 * np.log1p(savings / 4000) + 0.25 * (children > 0),
        "investing": -0.4 + 0.4 * np.log1p(savings / 12_000) - 0.5 * (age > 66),
        "insurance": -0.1 + 0.3 * np.minimum(children, 2) + 0.012 * (age - 40),
    }
    utility = np.select([family == name for name in taste], list(taste.values()), default=0.0)
    matching = np.array([PAGE_OF_FAMILY.get(name, "-") for name in family], dtype=object)
    reward = np.log1p(offers.numbers("action.reward") / 40)
    utility += 1.1 * (page == matching) - 0.35 * (page == "help") + 0.35 * reward
    utility += -1.5 * offers.numbers("action.effort") - 2.2 * np.minimum(strain, 0.8)
    utility += 0.0025 * offers.numbers("customer.tenure_months").clip(0, 120)
    result: Numbers = 1.5 * utility - 3.75
    return result


def _retention(offers: Offers) -> Numbers:
    """Plain additive tastes, what a logistic regression can learn in full."""
    utility = 0.004 * offers.numbers("customer.tenure_months").clip(0, 240)
    utility += 0.13 * (offers.numbers("customer.satisfaction", 7) - 7)
    utility += 0.011 * offers.numbers("action.reward") - 2.1 * offers.numbers("action.effort")
    utility += 0.006 * (offers.numbers("customer.age") - 45) - 0.006 * offers.numbers(
        "customer.overdraft_days"
    )
    utility += 0.35 * (offers.texts("customer.segment") == "affluent")
    utility += 0.25 * (offers.texts("customer.employment") == "retired")
    utility -= 0.7 * (offers.texts("context.call_reason") == "cancel")
    utility += 0.4 * (offers.texts("context.call_reason") == "question")
    result: Numbers = utility - 1.9 - 0.25 * (offers.texts("action.family") == "rescue")
    return result


def _service(offers: Offers) -> Numbers:
    """Smooth curves that depend on one another: the young mind effort less, the worried read everything."""
    age, effort = offers.numbers("customer.age"), offers.numbers("action.effort")
    worry = np.tanh(
        (offers.numbers("customer.overdraft_days") + offers.numbers("customer.arrears_days")) / 25
    )
    new = np.exp(-offers.numbers("customer.tenure_months") / 24)
    habit = np.tanh(offers.numbers("customer.card_spend") / 900)
    content = (offers.numbers("customer.satisfaction", 7) - 7) / 4
    utility = -1.7 + 0.9 * new + 0.5 * habit + 1.1 * worry + 0.4 * content
    utility -= effort * (1.2 + 2.6 * np.tanh((age - 45) / 20))
    result: Numbers = utility + 0.006 * offers.numbers("action.reward")
    return result


UTILITIES: dict[str, Callable[[Offers], Numbers]] = {
    "sales-propensity": _sales,
    "retention-propensity": _retention,
    "service-propensity": _service,
}


def _sparse(rng: np.random.Generator, names: tuple[str, ...], count: int, missing: float) -> list[str | None]:
    drawn = rng.integers(0, len(names), count)
    there = rng.random(count) >= missing
    return [names[index] if present else None for index, present in zip(drawn, there, strict=True)]
