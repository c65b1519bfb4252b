"""A bank of 1,000 actions with a model of 100 trees: the demo bank's schema and customers, and more to
offer.

Each action is for one region and one of ten ages, as a bank's offers are for some and not for others:
about 25 of 1,000 are candidates of a request, and every one of them is scored. The model is trained here,
by LightGBM on 100 trees of depth 6, and exported as its owners would. The same seed gives the same bank.
"""

import shutil
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import lightgbm
import numpy as np
import polars as pl
from onnxmltools import convert_lightgbm
from onnxmltools.convert.common.data_types import FloatTensorType

from nextbest.demo import bank, customers
from nextbest.demo.customers import REGIONS

ACTIONS: Final = 1_000
GROUPS: Final = 20
TREES: Final = 100
CUSTOMERS: Final = 20_000
CUSTOMER_NUMBERS: Final = (
    "age", "income", "balance", "savings", "debt", "card_spend", "credit_score", "tenure_months",
    "household_size", "children", "overdraft_days", "satisfaction",
)  # fmt: skip
ACTION_NUMBERS: Final = ("monthly_cost", "reward", "effort")
_AGES: Final = (0, 22, 26, 30, 36, 43, 50, 56, 62, 70, 121)
"""Ten parts of the population, about equal."""

_CHANNELS: Final = {
    "web": {"hero": 1, "sidebar": 3, "logout": 1},
    "app": {"home-card": 1, "feed": 4},
    "email": {"lead": 1, "offers": 3},
    "call-centre": {"agent-prompt": 2},
}


@dataclass(frozen=True, slots=True)
class LargeBank:
    """The bank in a folder: its workspace, and its customers."""

    workspace: Path
    customers: pl.DataFrame


def prepare(folder: Path) -> LargeBank:
    """Writes the workspace, generates customers and trains the model."""
    workspace = bank.write_workspace(folder)
    for part in ("actions", "models", "tests"):
        shutil.rmtree(workspace / part)
        (workspace / part).mkdir()
    people = customers.generate(CUSTOMERS)
    rng = np.random.default_rng(11)
    (workspace / "channels.yaml").write_text(_channels())
    (workspace / "arbitration.yaml").write_text(_ARBITRATION)
    (workspace / "issues.yaml").write_text(_ISSUES)
    for number in range(GROUPS):
        (workspace / "actions" / f"group-{number:02d}.yaml").write_text(_group(number, rng))
    (workspace / "models" / "offers.yaml").write_text(_model())
    (workspace / "models" / "offers.onnx").write_bytes(_train(people, rng))
    return LargeBank(workspace, people)


_ARBITRATION: Final = """
context_weights:
  - {when: 'context.device == "phone"', percent: -25, group: group-03}
  - {when: 'context.page in ["loans", "mortgages"]', percent: 60, group: group-05}
  - {when: 'customer.segment == "private"', percent: 20, issue: sales}
"""

_ISSUES: Final = """
issues:
  sales:
    eligibility:
      - when: customer.age >= 16
        reason: we sell to adults only
    suitability:
      - when: customer.arrears_days < 1000
        reason: behind on payments, nothing to sell
"""


def _channels() -> str:
    lines = ["channels:"]
    for channel, placements in _CHANNELS.items():
        lines += [f"  {channel}:", "    placements:"]
        lines += [f"      {name}: {{count: {count}}}" for name, count in placements.items()]
    return "\n".join(lines) + "\n"


def _group(number: int, rng: np.random.Generator) -> str:
    lines = ["issue: sales", f"group: group-{number:02d}", "actions:"]
    for index in range(ACTIONS // GROUPS):
        lines += _action(f"offer-{number:02d}-{index:02d}", rng)
    return "\n".join(lines) + "\n"


def _action(name: str, rng: np.random.Generator) -> list[str]:
    age = int(rng.integers(len(_AGES) - 1))
    region = REGIONS[rng.integers(len(REGIONS))]
    cost, reward, effort = rng.integers(0, 20), rng.integers(0, 100), rng.integers(1, 10) / 10
    conditions = [
        f"customer.age >= {_AGES[age]} && customer.age < {_AGES[age + 1]}",
        f'customer.region == "{region}"',
        f"customer.balance > -{rng.integers(20, 60) * 1_000} || customer.savings > {rng.integers(1, 9)}000",
    ]
    if rng.random() < 0.3:
        conditions.append(f'!("product-{rng.integers(50)}" in customer.products)')
    treatments = [
        f"{{channel: {channel}, content: {{title: Offer {name}, image: {name}.jpg}}}}"
        for channel in _CHANNELS
    ]
    return [
        f"  {name}:",
        f"    value: {rng.integers(20, 400)}",
        f"    attributes: {{monthly_cost: {cost}, reward: {reward}, effort: {effort}}}",
        "    propensity: offers",
        "    eligibility:",
        *(f"      - {{when: '{condition}', reason: not for this customer}}" for condition in conditions),
        "    treatments:",
        *(f"      - {treatment}" for treatment in treatments),
    ]


def _model() -> str:
    columns = [f"customer.{name}" for name in CUSTOMER_NUMBERS] + [
        f"action.{name}" for name in ACTION_NUMBERS
    ]
    lines = ["name: offers", "file: offers.onnx", "prior: 0.02", "inputs:", "  numbers:"]
    lines += [f"    - {column}" for column in columns]
    return "\n".join([*lines, "output: probabilities", "positive_class: 1"]) + "\n"


def _train(people: pl.DataFrame, rng: np.random.Generator) -> bytes:
    """The bytes of a model that has learnt who takes what."""
    numbers = people.select(pl.col(name).cast(pl.Float64).fill_null(np.nan) for name in CUSTOMER_NUMBERS)
    rows = np.repeat(numbers.to_numpy(), 3, axis=0)
    count = len(rows)
    offers = np.column_stack(
        [rng.integers(0, 20, count), rng.integers(0, 100, count), rng.integers(1, 10, count) / 10]
    )
    table = np.column_stack([rows, offers]).astype(np.float32)
    filled = np.nan_to_num(table)
    scaled = (filled - filled.mean(0)) / filled.std(0)
    weights = rng.normal(size=scaled.shape[1])
    margin = scaled @ weights * 0.6 + scaled[:, 0] * scaled[:, -1] - scaled[:, 3] * (scaled[:, 6] > 0) - 2
    accepted = (margin + rng.normal(size=count) > 0).astype(np.int64)
    model = lightgbm.LGBMClassifier(
        n_estimators=TREES, max_depth=6, num_leaves=64, verbose=-1, random_state=1, n_jobs=1
    )
    model.fit(table, accepted)
    with warnings.catch_warnings():
        # Of the exporter, about the libraries that it uses.
        warnings.simplefilter("ignore")
        exported: Any = convert_lightgbm(
            model,
            initial_types=[("numbers", FloatTensorType([None, table.shape[1]]))],
            zipmap=False,
            target_opset=15,
        )
    data: bytes = exported.SerializeToString(deterministic=True)
    return data
