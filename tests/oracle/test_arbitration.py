"""The engine arbitrates as the naive model does, on random workspaces compiled from YAML."""

import random
from pathlib import Path
from typing import Any

import pytest
import yaml

from naive import arbitrate
from nextbest import bundle, workspace
from nextbest._core import Bundle
from nextbest.v1 import customer_pb2, decision_pb2

WORKSPACES = 2_000
BATCHES = 20
CUSTOMERS_PER_WORKSPACE = 3
ATTRIBUTES = ("a", "b", "c")
CHANNELS = {"web": ("hero", "side"), "mail": ("body",)}
NOW_US = 1_790_000_000_000_000


def random_conditions(rng: random.Random, most: int) -> list[tuple[str, str, float]]:
    return [
        (rng.choice(ATTRIBUTES), rng.choice(("<", "<=", "==", ">=", ">")), float(rng.randint(0, 4)))
        for _ in range(rng.choice((0, 0, rng.randint(0, most))))
    ]


def random_treatments(rng: random.Random) -> list[dict[str, Any]]:
    chosen = []
    for index in range(rng.randint(1, 3)):
        channel = rng.choice(tuple(CHANNELS))
        placement = rng.choice((None, *CHANNELS[channel]))
        chosen.append(
            {
                "name": f"t{index}",
                "channel": channel,
                "placement": placement,
                "policies": random_conditions(rng, 1),
            }
        )
    return chosen


def random_fallbacks(rng: random.Random, actions: list[dict[str, Any]]) -> dict[tuple[str, str], str]:
    """A fallback is enabled and has a treatment that fits, with conditions or not."""
    fallbacks = {}
    for channel, placements in CHANNELS.items():
        for placement in placements:
            names = [
                action["name"]
                for action in actions
                for t in action["treatments"]
                if action["enabled"] and t["channel"] == channel and t["placement"] in (None, placement)
            ]
            if names and rng.random() < 0.4:
                fallbacks[channel, placement] = rng.choice(names)
    return fallbacks


def random_workspace(rng: random.Random) -> dict[str, Any]:
    issues = {
        f"issue-{i}": {"lever": rng.choice((0, 0, 20, -30)), "policies": random_conditions(rng, 1)}
        for i in range(rng.randint(1, 2))
    }
    groups = {
        f"group-{i}": {
            "issue": rng.choice(tuple(issues)),
            "lever": rng.choice((0, 5, -90)),
            "limit": rng.choice((0, 0, 1, 2)),
            "policies": random_conditions(rng, 1),
        }
        for i in range(rng.randint(1, 3))
    }
    actions = []
    for index in range(rng.randint(2, 9)):
        group = rng.choice(tuple(groups))
        actions.append(
            {
                "name": f"action-{index}",
                "group": group,
                "issue": groups[group]["issue"],
                "enabled": rng.random() > 0.1,
                "mandatory": rng.random() < 0.1,
                "lever": rng.choice((0, 0, 10, -100)),
                # Few levels, so that ties are common.
                "propensity": rng.choice((0.0, 0.01, 0.02, 0.02, 0.5, 1.0)),
                "value": rng.choice((0.0, 10.0, 20.0, 20.0, 123.25, *ATTRIBUTES)),
                "policies": random_conditions(rng, 2),
                "treatments": random_treatments(rng),
            }
        )
    scopes: list[dict[str, str]] = [
        {},
        {"issue": rng.choice(tuple(issues))},
        {"group": rng.choice(tuple(groups))},
    ]
    scopes.append({"action": rng.choice(actions)["name"]})
    used = sorted({action["group"] for action in actions})
    scopes = [scope for scope in scopes if scope.get("group") in (None, *used)]
    return {
        "fallbacks": random_fallbacks(rng, actions),
        "issues": issues,
        "groups": groups,
        "actions": actions,
        "weights": [
            {"when": condition, "percent": rng.choice((40, -20, -70, -100)), "scope": rng.choice(scopes)}
            for condition in random_conditions(rng, 3)
        ],
        "factors": {name: rng.random() < 0.85 for name in ("propensity", "context_weight", "value", "lever")},
        "thresholds": {"propensity": rng.choice((0.0, 0.015)), "priority": rng.choice((0.0, 0.3))},
    }


def text(condition: tuple[str, str, float]) -> str:
    attribute, sign, limit = condition
    return f"customer.{attribute} {sign} {limit}"


def policies(conditions: list[tuple[str, str, float]], rng: random.Random) -> dict[str, list[dict[str, str]]]:
    stages: dict[str, list[dict[str, str]]] = {}
    for condition in conditions:
        stage = rng.choice(("eligibility", "applicability", "suitability"))
        stages.setdefault(stage, []).append({"when": text(condition), "reason": "random"})
    return stages


def value_yaml(value: float | str) -> float | str:
    return f"customer.{value} * 10.0" if isinstance(value, str) else value


def treatment_yaml(treatment: dict[str, Any]) -> dict[str, Any]:
    kept = {key: treatment[key] for key in ("name", "channel", "placement") if treatment[key] is not None}
    if treatment["policies"]:
        kept["eligibility"] = [{"when": text(condition)} for condition in treatment["policies"]]
    return kept


def write(folder: Path, made: dict[str, Any], rng: random.Random) -> None:
    def dump(name: str, content: dict[str, Any]) -> None:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.dump(content, Dumper=yaml.CSafeDumper, sort_keys=False))

    used = {action["group"] for action in made["actions"]}
    used_issues = {made["groups"][group]["issue"] for group in used}
    dump("workspace.yaml", {"name": "random"})
    dump("schema.yaml", {"customer": {name: {"type": "double"} for name in ATTRIBUTES}})
    channels: dict[str, Any] = {
        channel: {"placements": {placement: {"count": 1} for placement in placements}}
        for channel, placements in CHANNELS.items()
    }
    for (channel, placement), fallback in made["fallbacks"].items():
        channels[channel]["placements"][placement]["fallback"] = fallback
    dump("channels.yaml", {"channels": channels})
    dump(
        "issues.yaml",
        {
            "issues": {
                name: {"lever": issue["lever"], **policies(issue["policies"], rng)}
                for name, issue in made["issues"].items()
                if name in used_issues
            }
        },
    )
    weights = [
        {"when": text(weight["when"]), "percent": weight["percent"], **weight["scope"]}
        for weight in made["weights"]
        if weight["scope"].get("issue") in (None, *used_issues)
    ]
    made["weights"] = [w for w in made["weights"] if w["scope"].get("issue") in (None, *used_issues)]
    dump(
        "arbitration.yaml",
        {
            "arbitration": {"factors": made["factors"], "thresholds": made["thresholds"]},
            "context_weights": weights,
        },
    )
    for name in used:
        group = made["groups"][name]
        actions = {
            action["name"]: {
                **{key: action[key] for key in ("enabled", "mandatory", "lever", "propensity")},
                "value": value_yaml(action["value"]),
                **policies(action["policies"], rng),
                "treatments": [treatment_yaml(treatment) for treatment in action["treatments"]],
            }
            for action in made["actions"]
            if action["group"] == name
        }
        head = {"issue": group["issue"], "group": name, "lever": group["lever"]}
        if group["limit"]:
            head["limit"] = group["limit"]
        dump(f"actions/{name}.yaml", {**head, **policies(group["policies"], rng), "actions": actions})


def request(customer_id: str, customer: dict[str, float], channel: str, placements: dict[str, int]) -> bytes:
    return decision_pb2.DecideRequest(
        customer_id=customer_id,
        customer=[
            customer_pb2.Attribute(name=name, value=customer_pb2.Value(double=value))
            for name, value in customer.items()
        ],
        channel=channel,
        placements=[
            decision_pb2.PlacementRequest(name=name, count=count) for name, count in placements.items()
        ],
    ).SerializeToString()


def decided(answer: bytes) -> dict[str, list[tuple[str, str, float]]]:
    response = decision_pb2.DecideResponse.FromString(answer)
    return {
        placement.name: [(a.action, a.treatment, a.score.priority) for a in placement.actions]
        for placement in response.placements
    }


@pytest.mark.parametrize(
    "batch", [pytest.param(batch, marks=[pytest.mark.slow] if batch else []) for batch in range(BATCHES)]
)
def test_engine_arbitrates_as_the_naive_model(batch: int, tmp_path: Path) -> None:
    placed = 0
    for index in range(WORKSPACES // BATCHES):
        rng = random.Random(batch * 1_000_000 + index)
        made = random_workspace(rng)
        folder = tmp_path / str(index)
        write(folder, made, rng)
        compilation = workspace.compile(folder)
        assert compilation.bundle is not None, [str(finding) for finding in compilation.diagnostics]
        engine = Bundle(bundle.seal(compilation.bundle).data)
        for number in range(CUSTOMERS_PER_WORKSPACE):
            customer_id = f"c-{rng.randint(0, 9)}" if number else ""
            customer = {name: float(rng.randint(0, 4)) for name in ATTRIBUTES if rng.random() < 0.85}
            channel = rng.choice(tuple(CHANNELS))
            names = list(CHANNELS[channel])
            rng.shuffle(names)
            placements = {name: rng.randint(1, 3) for name in names[: rng.randint(1, len(names))]}
            expected = arbitrate(made, customer_id, customer, channel, placements)
            actual = decided(
                engine.decide(
                    request(customer_id, customer, channel, placements), None, now_us=NOW_US, seed=number
                )
            )
            assert actual == expected, (batch, index, number)
            placed += sum(len(actions) for actions in expected.values())
    # Random policies that let nothing through would prove nothing.
    assert placed > WORKSPACES // BATCHES
