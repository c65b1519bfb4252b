"""A seed -> the customers of the demo bank, a data frame with the attributes of its `schema.yaml`.

Ages, income, savings, products and behaviour hang together as they do in a bank: everything grows out of an
age and a hidden affluence. Some attributes are missing, because some always are. There is no real data behind
it.
"""

from datetime import UTC, datetime
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Flags = NDArray[np.bool_]

DAY_US = 86_400_000_000
REGIONS = ("capital", "coast", "north", "south")
SIGNALS = (
    "salary-stopped",
    "large-transfer-out",
    "rate-shopping",
    "fee-complaint",
    "card-unused",
    "new-baby",
    "moved-house",
    "new-job",
    "house-hunting",
)
INTERESTS = ("travel", "home", "car", "investing", "retirement", "green", "pets")


def generate(count: int = 20_000, *, seed: int = 20_260, now: datetime | None = None) -> pl.DataFrame:
    """Returns `count` customers, one row each, the column `customer_id` first.

    The same count, seed and now give the same customers. Missing attributes are null.

    Args:
        count: How many, at least 1.
        seed: Of everything random.
        now: The moment that last contacts and expiry dates lie around; by default today at midnight, UTC.
    """
    rng = np.random.default_rng(seed)
    moment = now or datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    people = _people(rng, count)
    money = _money(rng, people)
    bank = _bank(rng, people, money)
    lately = _lately(rng, people, money, moment)
    hidden = {"affluence"}
    columns = {**people, **money, **bank, **lately}
    ids = [f"c{index:05d}" for index in range(1, count + 1)]
    return pl.DataFrame({"customer_id": ids, **{k: v for k, v in columns.items() if k not in hidden}})


def _people(rng: np.random.Generator, count: int) -> dict[str, Any]:
    young = rng.random(count) < 0.3
    age = np.where(young, rng.normal(25, 5, count), rng.normal(51, 15, count)).clip(16, 94).astype(np.int64)
    affluence = rng.normal(0, 1, count) + (age.clip(20, 60) - 42) / 45
    segment = np.where(affluence > 2.05, "private", np.where(affluence > 1.05, "affluent", "mass"))
    student = (age < 19) | ((age < 27) & (rng.random(count) < 0.55))
    retired = (age > 66) | ((age > 60) & (rng.random(count) < 0.4))
    other = rng.choice(["employed", "self-employed", "unemployed"], count, p=[0.82, 0.12, 0.06])
    employment = np.where(student, "student", np.where(retired, "retired", other))
    family = (age > 27) & (age < 56) & (rng.random(count) < 0.5)
    children = np.where(family, rng.poisson(1.4, count).clip(0, 5), 0)
    partner = (age > 25) & (rng.random(count) < 0.58)
    owner = (age > 22) & (rng.random(count) < _logistic(-1.6 + 0.9 * affluence + (age - 38) / 16))
    return {
        "affluence": affluence,
        "age": age,
        "segment": segment,
        "employment": _sparse(rng, employment, 0.05),
        "region": rng.choice(REGIONS, count, p=[0.34, 0.2, 0.22, 0.24]),
        "household_size": _sparse(rng, 1 + partner + children, 0.08),
        "children": children,
        "home_owner": _sparse(rng, owner, 0.1),
        "vulnerable": rng.random(count) < np.where(age > 78, 0.12, 0.015),
    }


def _money(rng: np.random.Generator, people: dict[str, Any]) -> dict[str, Any]:
    affluence, age = people["affluence"], people["age"]
    count = len(age)
    studying = np.array([job == "student" for job in people["employment"]])
    income = np.exp(10.35 + 0.42 * affluence + rng.normal(0, 0.22, count)) * np.where(studying, 0.38, 1.0)
    savings = np.exp(7.2 + 1.15 * affluence + age / 38 + rng.normal(0, 0.9, count)) * (
        rng.random(count) < 0.86
    )
    balance = np.exp(6.9 + 0.62 * affluence + rng.normal(0, 0.85, count)) - 350
    strain = _logistic(-1.7 - 0.95 * affluence + rng.normal(0, 1.1, count))
    overdraft = np.where(rng.random(count) < strain * 1.4, rng.gamma(1.2, 60 * strain + 4), 0).clip(0, 90)
    arrears = np.where(rng.random(count) < 0.11 * strain + 0.01, rng.exponential(24, count) + 1, 0).clip(
        0, 180
    )
    debt = np.where(rng.random(count) < 0.47, np.exp(8.5 + 0.35 * affluence + rng.normal(0, 0.8, count)), 0)
    spend = np.exp(6.2 + 0.45 * affluence + rng.normal(0, 0.6, count))
    score = 660 + 45 * affluence - 120 * strain - 1.1 * arrears + (age - 40) * 0.9 + rng.normal(0, 38, count)
    mortgage = (
        np.array([bool(owner) for owner in people["home_owner"]]) & (age < 68) & (rng.random(count) < 0.6)
    )
    rate = np.where(mortgage, rng.normal(4.2, 0.8, count).clip(1.4, 7.5), np.nan)
    return {
        "income": _sparse(rng, income.round(-1), 0.09),
        "balance": balance.round(2),
        "savings": savings.round(2),
        "debt": debt.round(2),
        "card_spend": spend.round(2),
        "abroad_share": _sparse(rng, rng.beta(0.8, 9, count).round(3), 0.06),
        "credit_score": _sparse(rng, score.clip(300, 850).astype(np.int64), 0.06),
        "arrears_days": arrears.astype(np.int64),
        "overdraft_days": overdraft.astype(np.int64),
        "mortgage_rate": _where(rate.round(2), mortgage),
        "risk_profile": _risk_profile(rng, affluence, age),
    }


def _bank(rng: np.random.Generator, people: dict[str, Any], money: dict[str, Any]) -> dict[str, Any]:
    affluence, age = people["affluence"], people["age"]
    count = len(age)
    tenure = (rng.gamma(1.5, 42, count) * ((age - 14) / 45).clip(0.1, 1.6)).astype(np.int64)
    app = rng.random(count) < _logistic(2.4 - (age - 35) / 15)
    return {
        "products": _products(rng, people, money),
        "tenure_months": tenure,
        "salary_account": rng.random(count) < np.where(age < 66, 0.62, 0.3),
        "app_user": app,
        "email_verified": rng.random(count) < np.where(app, 0.93, 0.66),
        "marketing_consent": rng.random(count) < 0.78,
        "open_complaint": rng.random(count) < 0.021,
        "fraud_alert": rng.random(count) < 0.006,
        "satisfaction": _sparse(
            rng, (7.4 + rng.normal(0.2 * affluence, 1.9, count)).clip(0, 10).astype(np.int64), 0.7
        ),
    }


def _lately(
    rng: np.random.Generator, people: dict[str, Any], money: dict[str, Any], now: datetime
) -> dict[str, Any]:
    count = len(people["age"])
    now_us = int(now.timestamp() * 1_000_000)
    mortgage = np.array([rate is not None for rate in money["mortgage_rate"]])
    return {
        "last_contact": _moments(rng, now_us, -rng.exponential(21, count), 0.18),
        "last_login": _moments(rng, now_us, -rng.exponential(19, count), 0.12),
        "card_expires": _moments(rng, now_us, rng.uniform(-20, 1400, count), 0.25),
        "id_expires": _moments(rng, now_us, rng.uniform(5, 3650, count), 0.07),
        "mortgage_fixed_until": pl.Series(
            _where(now_us + (rng.uniform(-30, 3600, count) * DAY_US).astype(np.int64), mortgage),
            dtype=pl.Datetime("us", "UTC"),
        ),
        "signals": _tags(rng, SIGNALS, (0.035, 0.03, 0.07, 0.04, 0.05, 0.02, 0.035, 0.045, 0.03), count),
        "interests": _interests(rng, people),
    }


def _products(rng: np.random.Generator, people: dict[str, Any], money: dict[str, Any]) -> list[list[str]]:
    affluence, age = people["affluence"], people["age"]
    count, children = len(age), people["children"]
    owner = np.array([bool(owns) for owns in people["home_owner"]])
    mortgage = np.array([rate is not None for rate in money["mortgage_rate"]])
    chance: dict[str, Numbers] = {
        "current-account": np.full(count, 0.96),
        "classic-card": _logistic(-0.6 - 0.1 * affluence + (age - 30) / 60),
        "gold-card": _logistic(-2.9 + 1.0 * affluence),
        "platinum-card": _logistic(-6.2 + 1.6 * affluence),
        "travel-card": np.full(count, 0.05),
        "cashback-card": np.full(count, 0.09),
        "student-card": np.where(age < 27, 0.25, 0.0),
        "virtual-card": np.where(age < 45, 0.16, 0.04),
        "personal-loan": np.full(count, 0.1),
        "car-loan": np.full(count, 0.07),
        "home-improvement-loan": np.where(owner, 0.08, 0.0),
        "student-loan": np.where(age < 32, 0.14, 0.0),
        "savings-account": np.where(money["savings"] > 0, 0.92, 0.0),
        "investment-plan": _logistic(-3.0 + 0.9 * affluence),
        "brokerage": _logistic(-3.6 + 0.9 * affluence),
        "managed-portfolio": _logistic(-5.6 + 1.5 * affluence),
        "pension": _logistic(-2.4 + (age - 35) / 18),
        "home-insurance": _logistic(-1.4 + (age - 40) / 25),
        "car-insurance": np.full(count, 0.14),
        "travel-insurance": np.full(count, 0.08),
        "life-insurance": np.full(count, 0.1),
        "paperless": np.full(count, 0.45),
        "phone-payments": np.where(age < 50, 0.35, 0.07),
        "round-up": np.full(count, 0.08),
        "family-card": np.where(children > 0, 0.14, 0.0),
        "child-savings": np.where(children > 0, 0.3, 0.0),
        "green-home-loan": np.where(owner, 0.04, 0.0),
        "mortgage-protection": np.where(mortgage, 0.3, 0.0),
    }
    held = {name: rng.random(count) < share for name, share in chance.items()}
    held["mortgage"] = mortgage
    return _names(held, count)


def _interests(rng: np.random.Generator, people: dict[str, Any]) -> list[list[str]]:
    age = people["age"]
    count = len(age)
    shares = {
        "travel": np.full(count, 0.21),
        "home": np.full(count, 0.13),
        "car": np.full(count, 0.14),
        "investing": _logistic(-2.2 + 0.6 * people["affluence"]),
        "retirement": np.where(age > 45, 0.16, 0.03),
        "green": np.full(count, 0.15),
        "pets": np.full(count, 0.07),
    }
    return _names({name: rng.random(count) < shares[name] for name in INTERESTS}, count)


def _risk_profile(rng: np.random.Generator, affluence: Numbers, age: NDArray[np.int64]) -> list[str | None]:
    count = len(age)
    appetite = 0.5 * affluence - (age - 45) / 25 + rng.normal(0, 1, count)
    profile = np.where(appetite > 0.7, "dynamic", np.where(appetite > -0.5, "balanced", "cautious"))
    return _where(profile, rng.random(count) < _logistic(-0.9 + 0.7 * affluence))


def _moments(rng: np.random.Generator, now_us: int, days: Numbers, missing: float) -> pl.Series:
    moments = now_us + (days * DAY_US).astype(np.int64)
    return pl.Series(_sparse(rng, moments, missing), dtype=pl.Datetime("us", "UTC"))


def _tags(
    rng: np.random.Generator, names: tuple[str, ...], shares: tuple[float, ...], count: int
) -> list[list[str]]:
    return _names({n: rng.random(count) < share for n, share in zip(names, shares, strict=True)}, count)


def _names(held: dict[str, Flags], count: int) -> list[list[str]]:
    return [[name for name, flags in held.items() if flags[row]] for row in range(count)]


def _sparse(rng: np.random.Generator, values: NDArray[Any], missing: float) -> list[Any]:
    return _where(values, rng.random(len(values)) >= missing)


def _where(values: NDArray[Any], present: Flags) -> list[Any]:
    return [value if there else None for value, there in zip(values.tolist(), present, strict=True)]


def _logistic(value: Numbers) -> Numbers:
    result: Numbers = 1.0 / (1.0 + np.exp(-value))
    return result
