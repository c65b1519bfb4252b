"""What explanations advise is enough: each advice of random workspaces with round numbers is followed.

A lever is written into the workspace, which is compiled again; values are sent with the request. The action
is placed then, or ends at the stage that the explanation predicts.
"""

import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from nextbest import bundle, workspace
from nextbest._core import Bundle
from nextbest.v1 import customer_pb2, decision_pb2
from test_arbitration import ATTRIBUTES, CHANNELS, NOW_US, random_conditions, request, write

WORKSPACES = 2_000
BATCHES = 40


def round_workspace(rng: random.Random) -> dict[str, Any]:
    """Few and round numbers, so that priorities draw; several attributes, group limits, thresholds."""
    issues = {"issue-0": {"lever": rng.choice((0, 5)), "policies": random_conditions(rng, 1)}}
    groups = {
        f"group-{index}": {
            "issue": "issue-0",
            "lever": rng.choice((0, 10)),
            "limit": rng.choice((0, 0, 1, 2)),
            "policies": random_conditions(rng, 1),
        }
        for index in range(rng.randint(1, 2))
    }
    actions = [
        {
            "name": f"action-{index}",
            "group": rng.choice(tuple(groups)),
            "issue": "issue-0",
            "enabled": True,
            "mandatory": rng.random() < 0.08,
            "lever": rng.choice((5, 10, 25)),
            "propensity": rng.choice((0.01, 0.05, 0.1)),
            "value": rng.choice((10, 15, 20, 30)),
            "policies": random_conditions(rng, 2),
            "treatments": [
                {
                    "name": "t",
                    "channel": "web",
                    "placement": rng.choice((None, *CHANNELS["web"])),
                    "policies": random_conditions(rng, 1),
                }
            ],
        }
        for index in range(rng.randint(3, 8))
    ]
    return {
        "fallbacks": {},
        "issues": issues,
        "groups": groups,
        "actions": actions,
        "weights": [
            {"when": condition, "percent": rng.choice((20, 50, -50)), "scope": {}}
            for condition in random_conditions(rng, 2)
        ],
        "factors": dict.fromkeys(("propensity", "context_weight", "value", "lever"), True),
        "thresholds": {"propensity": rng.choice((0.0, 0.05)), "priority": rng.choice((0.0, 0.5, 1.0))},
    }


def opened(folder: Path, made: dict[str, Any], seed: int) -> Bundle:
    write(folder, made, random.Random(seed))
    compilation = workspace.compile(folder)
    assert compilation.bundle is not None, [str(finding) for finding in compilation.diagnostics]
    return Bundle(bundle.seal(compilation.bundle).data)


def explained(
    engine: Bundle, customer_id: str, customer: dict[str, float], placements: dict[str, int]
) -> dict[str, decision_pb2.ActionExplanation]:
    asked = decision_pb2.ExplainRequest(
        decide=decision_pb2.DecideRequest.FromString(request(customer_id, customer, "web", placements))
    )
    answer = engine.explain(asked.SerializeToString(), None, now_us=NOW_US, seed=1)
    response = decision_pb2.ExplainResponse.FromString(answer)
    return {action.action: action for action in response.decision.explanation.actions}


@pytest.mark.parametrize(
    "batch", [pytest.param(batch, marks=[pytest.mark.slow] if batch else []) for batch in range(BATCHES)]
)
def test_what_is_advised_is_enough(batch: int, tmp_path: Path) -> None:
    followed: Counter[str] = Counter()
    for index in range(WORKSPACES // BATCHES):
        seed = batch * 1_000_000 + index
        rng = random.Random(seed)
        made = round_workspace(rng)
        engine = opened(tmp_path / f"{index}", made, seed)
        customer = {name: float(rng.randint(0, 4)) for name in ATTRIBUTES if rng.random() < 0.85}
        asked = (f"c-{rng.randint(0, 9)}", customer, {"hero": 1, "side": rng.randint(1, 2)})
        for name, action in explained(engine, *asked).items():
            if action.placing.HasField("lever_needed_percent"):
                (changed,) = (one for one in made["actions"] if one["name"] == name)
                before = changed["lever"]
                changed["lever"] = before + action.placing.lever_needed_percent
                again = opened(tmp_path / f"{index}-{name}", made, seed)
                then = explained(again, *asked)[name]
                changed["lever"] = before
                assert then.dropped_at == decision_pb2.STAGE_PLACED, (seed, name, action.changes)
                assert then.placing.placement == action.placing.placement, (seed, name)
                followed["lever"] += 1
            if action.HasField("advice"):
                values = customer | {one.name: one.value.double for one in action.advice.customer}
                for one in action.advice.customer:
                    if one.value == customer_pb2.Value():
                        del values[one.name]
                then = explained(engine, asked[0], values, asked[2])[name]
                assert not then.clauses, (seed, name, action.changes)
                told = action.advice
                assert (then.dropped_at, then.rank) == (told.dropped_at, told.rank), (seed, name)
                assert (then.placing, then.score) == (told.placing, told.score), (seed, name)
                followed["values"] += 1
    assert min(followed["lever"], followed["values"]) > WORKSPACES // BATCHES // 2, followed
