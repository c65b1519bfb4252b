"""Arbitration as one would explain it at a whiteboard: no tables, no bitsets, no code of the product.

A workspace is a plain dict in the shape of its YAML; a condition is `(attribute, operator, number)`.
`arbitrate` returns `{placement: [(action, treatment, priority)]}`. Meaning and words: ARCHITECTURE.md.
"""

import operator
from typing import Any

import xxhash

OPERATORS = {"<": operator.lt, "<=": operator.le, "==": operator.eq, ">=": operator.ge, ">": operator.gt}


def holds(condition: tuple[str, str, float], customer: dict[str, float]) -> bool:
    """Unknown is not true: with a missing value, no customer is eligible."""
    attribute, sign, limit = condition
    return attribute in customer and OPERATORS[sign](customer[attribute], limit)


def factors(
    workspace: dict[str, Any], action: dict[str, Any], customer: dict[str, float]
) -> dict[str, float | None]:
    group, issue = action["group"], action["issue"]
    levers = workspace["issues"][issue]["lever"] + workspace["groups"][group]["lever"] + action["lever"]
    scopes = ({"issue": issue}, {"group": group}, {"action": action["name"]}, {})
    weights = [
        w["percent"] for w in workspace["weights"] if w["scope"] in scopes and holds(w["when"], customer)
    ]
    return {
        "propensity": action["propensity"],
        "context_weight": max(0.0, 1 + sum(weights) / 100),
        "value": known_value(action, customer),
        "lever": max(0.0, 1 + levers / 100),
    }


def known_value(action: dict[str, Any], customer: dict[str, float]) -> float | None:
    """Constant, or ten times an attribute; None where that is missing."""
    value = action["value"]
    if isinstance(value, str):
        return customer[value] * 10.0 if value in customer else None
    return value


def tie_hash(customer_id: str, action: str) -> int:
    return xxhash.xxh3_64_intdigest(customer_id.encode() + b"\0" + action.encode())


def candidates(
    workspace: dict[str, Any], customer_id: str, customer: dict[str, float]
) -> list[dict[str, Any]]:
    ranked = []
    for action in workspace["actions"]:
        group, issue = workspace["groups"][action["group"]], workspace["issues"][action["issue"]]
        policies = issue["policies"] + group["policies"] + action["policies"]
        if not action["enabled"] or not all(holds(condition, customer) for condition in policies):
            continue
        parts = factors(workspace, action, customer)
        priority: float | None = 1.0
        for name, value in parts.items():
            if workspace["factors"][name]:
                priority = None if value is None or priority is None else priority * value
        if priority is None:
            # Actions without a priority are not shown, except mandatory ones.
            if action["mandatory"]:
                ranked.append({**action, "priority": 0.0})
            continue
        low = (
            action["propensity"] < workspace["thresholds"]["propensity"]
            or priority < workspace["thresholds"]["priority"]
        )
        if action["mandatory"] or not low:
            ranked.append({**action, "priority": priority})
    ranked.sort(
        key=lambda a: (not a["mandatory"], -a["priority"], tie_hash(customer_id, a["name"]), a["name"])
    )
    return ranked


def fitting(action: dict[str, Any], channel: str, placement: str, customer: dict[str, float]) -> str | None:
    for treatment in action["treatments"]:
        place = treatment["channel"] == channel and treatment["placement"] in (None, placement)
        if place and all(holds(condition, customer) for condition in treatment["policies"]):
            return treatment["name"]
    return None


def arbitrate(
    workspace: dict[str, Any],
    customer_id: str,
    customer: dict[str, float],
    channel: str,
    placements: dict[str, int],
) -> dict[str, list[tuple[str, str, float]]]:
    answer: dict[str, list[tuple[str, str, float]]] = {}
    placed: list[dict[str, Any]] = []
    ranked = candidates(workspace, customer_id, customer)
    for placement, count in placements.items():
        answer[placement] = []
        for action in ranked:
            limit = workspace["groups"][action["group"]]["limit"]
            full = limit and sum(other["group"] == action["group"] for other in placed) >= limit
            treatment = fitting(action, channel, placement, customer)
            if len(answer[placement]) < count and action not in placed and not full and treatment:
                placed.append(action)
                answer[placement].append((action["name"], treatment, action["priority"]))
    fall_back(workspace, customer, channel, answer)
    return answer


def fall_back(
    workspace: dict[str, Any],
    customer: dict[str, float],
    channel: str,
    answer: dict[str, list[tuple[str, str, float]]],
) -> None:
    """Empty placements take their fallback, whatever its policies, and wherever else it is."""
    for placement, actions in answer.items():
        name = workspace["fallbacks"].get((channel, placement))
        if actions or name is None:
            continue
        fallback = next(action for action in workspace["actions"] if action["name"] == name)
        treatment = fitting(fallback, channel, placement, customer)
        if fallback["enabled"] and treatment:
            actions.append((name, treatment, 0.0))
