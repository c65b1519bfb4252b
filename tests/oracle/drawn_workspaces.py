"""Random workspaces with few attributes and few levels of everything, so that there is something to find."""

import json
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from nextbest.expression import Timestamp, parse_timestamp

SCHEMA = {
    "customer": {
        "age": {"type": "int", "minimum": 0, "maximum": 3, "required": True},
        "rate": {"type": "double", "minimum": -1, "maximum": 1},
        "free": {"type": "int"},
        "segment": {"type": "string", "enum": ["a", "b"]},
        "name": {"type": "string"},
        "vip": {"type": "bool"},
        "tags": {"type": "list<string>", "enum": ["x", "y"]},
        "ratio": {"type": "double", "expression": "customer.rate / customer.rate"},
    },
    "context": {"hour": {"type": "int", "minimum": 0, "maximum": 2}},
    "action": {"limit": {"type": "int"}},
}
# All that matters of each attribute: its bounds, the constants of the conditions, and what lies between them.
VALUES: dict[str, tuple[Any, ...]] = {
    "customer.age": (0, 1, 2, 3),
    "customer.rate": (-1.0, -0.75, -0.5, 0.0, 0.25, 0.5, 1.0),
    "customer.free": (-1, 0, 1, 2, 3),
    "customer.segment": ("a", "b"),
    "customer.name": ("", "a", "ab", "b", "c"),
    "customer.vip": (False, True),
    "customer.tags": ((), ("x",), ("y",), ("x", "y")),
    "context.hour": (0, 1, 2),
}
MOMENTS = tuple(parse_timestamp(f"2026-0{month}-01T00:00:00Z").us for month in (1, 2, 3))
NOWS = tuple(sorted(moment + step for moment in MOMENTS for step in (-1, 0)))
CHANNELS = {"web": ("hero", "side"), "mail": ("body",)}
SIGNS = st.sampled_from(("==", "!=", "<", "<=", ">", ">="))


def compared(reference: str, *constants: str) -> st.SearchStrategy[str]:
    return st.builds(lambda sign, value: f"{reference} {sign} {value}", SIGNS, st.sampled_from(constants))


TESTS = {
    "customer.age": st.one_of(
        compared("customer.age", "0", "1", "2", "3", "action.limit"),
        compared("customer.age", "0", "1", "2", "3", "action.limit"),
        compared("customer.age * 2", "2", "7"),
    ),
    "customer.rate": st.one_of(
        compared("customer.rate", "-0.5", "0", "0.5"), compared("customer.ratio", "0", "1")
    ),
    "customer.free": st.one_of(
        compared("customer.free", "0", "1", "2"), st.sampled_from(["customer.free in [0, 2]"])
    ),
    "customer.segment": compared("customer.segment", "'a'", "'b'"),
    "customer.name": compared("customer.name", "'a'", "'b'"),
    "customer.vip": st.just("customer.vip"),
    "customer.tags": st.sampled_from(
        ["'x' in customer.tags", "'y' in customer.tags", "size(customer.tags) > 1"]
    ),
    "context.hour": compared("context.hour", "0", "1", "2"),
    "now": st.one_of(
        compared("now", *(f"timestamp('{Timestamp(moment)}')" for moment in MOMENTS)),
        compared("now.getMonth()", "0", "2", "12"),
    ),
}


def tests_of(reference: str) -> st.SearchStrategy[str]:
    plain = TESTS[reference]
    if reference != "now":
        plain = st.one_of(plain, plain, plain, st.just(f"has({reference})"))
    return st.one_of(plain, plain, plain.map(lambda text: f"!({text})"))


Conditions = st.SearchStrategy[str]


def conditions_of_few(draw: st.DrawFn) -> Conditions:
    """Conditions over few attributes, which often contradict each other."""
    references = draw(st.lists(st.sampled_from(sorted(TESTS)), min_size=1, max_size=3, unique=True))
    test = st.sampled_from(references).flatmap(tests_of)
    clause = st.lists(test, min_size=1, max_size=2).map(" || ".join)
    both = st.lists(clause.map("({})".format), min_size=2, max_size=2).map(" && ".join)
    return st.one_of(clause, clause, both)


def conditions_alike(draw: st.DrawFn) -> Conditions:
    """Few conditions, so that actions often ask for the same."""
    return st.sampled_from(draw(st.lists(conditions_of_few(draw), min_size=1, max_size=2)))


@st.composite
def contradictory(draw: st.DrawFn) -> dict[str, Any]:
    """Workspaces whose actions ask for much."""
    condition = conditions_of_few(draw)
    return draw(workspaces(condition, actions_of(condition, 2)))


@st.composite
def competitive(draw: st.DrawFn) -> dict[str, Any]:
    """Workspaces whose actions can take the place of each other."""
    condition = conditions_alike(draw)
    made = draw(workspaces(condition, actions_of(condition, 1)))
    for group in made["groups"]:
        for action in group["actions"].values():
            action["enabled"] = True
            action["treatments"] = action["treatments"][:1]
    return made


def listed(condition: Conditions, most: int) -> st.SearchStrategy[list[dict[str, str]]]:
    return st.lists(condition.map(lambda text: {"when": text}), max_size=most)


def actions_of(condition: Conditions, most: int) -> st.SearchStrategy[dict[str, Any]]:
    treatments = st.lists(
        st.fixed_dictionaries(
            {"channel": st.just("web"), "eligibility": listed(condition, 1)},
            optional={"placement": st.sampled_from(["hero", "hero", "side"])},
        )
        | st.fixed_dictionaries({"channel": st.just("mail"), "eligibility": listed(condition, most)}),
        min_size=1,
        max_size=2,
    )
    window = st.fixed_dictionaries(
        {}, optional={"from": st.just("2026-01-01"), "until": st.sampled_from(["2026-02-01", "2026-03-01"])}
    )
    return st.fixed_dictionaries(
        {
            "value": st.sampled_from([0.0, -5.0, 10.0, 20.0, 20.0, 40.0]),
            "propensity": st.sampled_from([0.0, 0.01, 0.5, 0.5, 1.0]),
            "mandatory": st.sampled_from([False, False, False, False, True]),
            "lever": st.sampled_from([0.0, 0.0, 10.0, -100.0]),
            "enabled": st.sampled_from([True, True, True, False]),
            "eligibility": listed(condition, most),
            "suitability": listed(condition, most),
            "treatments": treatments,
        },
        optional={
            "active": window,
            "attributes": st.fixed_dictionaries({"limit": st.sampled_from([0, 2, 9])}),
        },
    )


@st.composite
def workspaces(
    draw: st.DrawFn, condition: Conditions, action: st.SearchStrategy[dict[str, Any]]
) -> dict[str, Any]:
    groups = []
    for index in range(draw(st.integers(1, 2))):
        actions = draw(st.lists(action, min_size=1, max_size=4))
        groups.append(
            {
                "issue": "sales",
                "group": f"group-{index}",
                "limit": draw(st.sampled_from([None, 1, 1, 2])),
                "lever": draw(st.sampled_from([0.0, 20.0])),
                "eligibility": draw(listed(condition, 1)),
                "actions": {f"action-{index}-{place}": made for place, made in enumerate(actions)},
            }
        )
    thresholds = {
        "propensity": st.sampled_from([0.02, 0.5]),
        "priority": st.sampled_from([0.0, 5.0, 12.5]),
    }
    return {
        "groups": groups,
        "counts": {name: draw(st.sampled_from([1, 1, 2])) for name in ("hero", "side", "body")},
        "fallback": draw(st.sampled_from([None, None, "action-0-0"])),
        "weights": draw(weights(condition.map(lambda text: text.replace("action.limit", "2")))),
        "thresholds": draw(st.fixed_dictionaries({}, optional=thresholds)),
        "factors": {
            name: draw(st.sampled_from([True, True, True, True, False]))
            for name in ("propensity", "context_weight", "value", "lever")
        },
    }


def weights(condition: Conditions) -> st.SearchStrategy[list[dict[str, Any]]]:
    scope = st.sampled_from([{}, {}, {"group": "group-0"}, {"action": "action-0-0"}])
    percent = st.sampled_from([40.0, 400.0, -20.0, -90.0, -100.0])
    weight = st.builds(
        lambda when, share, to: {"when": when, "percent": share, **to}, condition, percent, scope
    )
    return st.lists(weight, max_size=2)


def write(folder: Path, made: dict[str, Any]) -> None:
    channels: dict[str, Any] = {
        channel: {"placements": {name: {"count": made["counts"][name]} for name in placements}}
        for channel, placements in CHANNELS.items()
    }
    if made["fallback"]:
        fitting = made["groups"][0]["actions"][made["fallback"]]["treatments"][0]
        placement = fitting.get("placement", "hero" if fitting["channel"] == "web" else "body")
        channels[fitting["channel"]]["placements"][placement]["fallback"] = made["fallback"]
    files = {
        "workspace": {"name": "random"},
        "schema": SCHEMA,
        "channels": {"channels": channels},
        "arbitration": {
            "arbitration": {"factors": made["factors"], "thresholds": made["thresholds"]},
            "context_weights": made["weights"],
        },
    }
    for group in made["groups"]:
        actions = {
            name: action
            | {"treatments": [t | {"name": f"{name}-{i}"} for i, t in enumerate(action["treatments"])]}
            for name, action in group["actions"].items()
        }
        kept = {key: value for key, value in group.items() if value is not None}
        files[f"actions/{group['group']}"] = kept | {"actions": actions}
    (folder / "actions").mkdir()
    for name, content in files.items():
        # JSON is YAML; each condition is on a separate line.
        (folder / f"{name}.yaml").write_text(json.dumps(content, indent=1))
