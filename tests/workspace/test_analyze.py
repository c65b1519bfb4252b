"""The analysis of actions in `check`: bounds of priorities, and what it deliberately does not report."""

from itertools import combinations, product
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nextbest import workspace
from nextbest.v1 import bundle_pb2
from nextbest.workspace.analyze.priorities import Priorities

FILES = {
    "workspace.yaml": "name: bank\n",
    "schema.yaml": """
customer:
  age: {type: int}
  income: {type: double}
action:
  least: {type: int}
""",
    "channels.yaml": """
channels:
  web: {placements: {hero: {}, side: {}}}
  email: {placements: {body: {}}}
""",
    "arbitration.yaml": """
context_weights:
  - {when: customer.age > 60, percent: -50}
""",
    "actions/cards.yaml": """
issue: sales
group: cards
actions:
  gold:
    value: 20
    propensity: 0.5
    treatments: [{channel: web, placement: hero}]
  silver:
    value: 10
    propensity: 0.5
    eligibility: [{when: customer.age >= 18}]
    treatments: [{channel: web, placement: hero}]
  other:
    propensity: 0.5
    treatments: [{channel: web, placement: side}]
""",
    "actions/care.yaml": """
issue: care
group: news
actions:
  newsletter: {propensity: 0.1, treatments: [{channel: email}]}
""",
}


def codes(folder: Path, *changes: tuple[str, str, str]) -> list[tuple[str, str]]:
    """Code and first name of each finding, after pieces of files have been replaced."""
    files = dict(FILES)
    for file, old, new in changes:
        assert old in files.get(file, ""), (file, old)
        files[file] = files.get(file, "").replace(old, new) if old else new
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    compilation = workspace.compile(folder)
    assert compilation.errors == []
    return [
        (found.code, found.message.split("`")[1]) for found in compilation.diagnostics if "`" in found.message
    ]


CARDS, ARBITRATION = "actions/cards.yaml", "arbitration.yaml"
SILVER = "eligibility: [{when: customer.age >= 18}]"
WEIGHT = "{when: customer.age > 60, percent: -50}"
BELOW = "arbitration: {thresholds: {propensity: 0.1}}\n"


def test_a_shadowed_action_is_found(tmp_path: Path) -> None:
    assert codes(tmp_path) == [("NB511", "silver")]


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param([(CARDS, "value: 20", "value: 20\n    enabled: false")], id="the better one is off"),
        pytest.param([(CARDS, "value: 20", "value: 10")], id="a tie"),
        pytest.param([(CARDS, "value: 20", "value: 10.000000001")], id="nearly a tie"),
        pytest.param([(CARDS, "value: 20", "value: customer.income")], id="a value that may be missing"),
        pytest.param([(CARDS, "value: 10", "value: customer.income")], id="a value that may be large"),
        pytest.param([(CARDS, SILVER, f"{SILVER}\n    mandatory: true")], id="mandatory"),
        pytest.param([(CARDS, "value: 20", "value: 20\n    active: {from: 2026-01-01}")], id="a window"),
        pytest.param(
            [(CARDS, "value: 20", "value: 20\n    eligibility: [{when: customer.age >= 19}]")],
            id="other ages",
        ),
        pytest.param(
            [(CARDS, "value: 20", "value: 20\n    eligibility: [{when: has(customer.income)}]")],
            id="another attribute",
        ),
        pytest.param([(CARDS, "placement: hero}]\n  silver", "placement: side}]\n  silver")], id="elsewhere"),
        pytest.param(
            [(CARDS, "[{channel: web, placement: hero}]\n  silver", "[{channel: web}]\n  silver")],
            id="the better one may be taken for the other placement",
        ),
        pytest.param(
            [(CARDS, "[{channel: web, placement: hero}]\n  other", "[{channel: web}]\n  other")],
            id="the worse one has another placement",
        ),
        pytest.param([("channels.yaml", "hero: {}", "hero: {count: 2}")], id="two places"),
        pytest.param([("channels.yaml", "hero: {}", "hero: {fallback: silver}")], id="a fallback"),
        pytest.param([(ARBITRATION, "percent: -50", "percent: -100")], id="all priorities may be zero"),
        pytest.param(
            [(ARBITRATION, WEIGHT, "{when: customer.age < 60, percent: 200, action: silver}")],
            id="a weight for the worse one",
        ),
        pytest.param(
            [(ARBITRATION, WEIGHT, "{when: customer.age < 60, percent: -90, action: gold}")],
            id="a weight against the better one",
        ),
        pytest.param(
            [(ARBITRATION, "context_weights", "arbitration: {formula: value}\ncontext_weights")],
            id="a formula",
        ),
        pytest.param(
            [(CARDS, "hero}]\n  silver", "hero, eligibility: [{when: customer.age >= 21}]}]\n  silver")],
            id="a condition of the treatment",
        ),
        pytest.param(
            [
                (CARDS, "value: 20\n    propensity: 0.5", "value: 400\n    propensity: 0.05"),
                (ARBITRATION, "context_weights", f"{BELOW}context_weights"),
            ],
            id="a threshold that keeps the better one away",
        ),
    ],
)
def test_what_may_be_placed_is_left_alone(tmp_path: Path, changes: list[tuple[str, str, str]]) -> None:
    assert ("NB511", "silver") not in codes(tmp_path, *changes)


def test_stock_and_contact_policies_may_keep_the_better_one_away(tmp_path: Path) -> None:
    contact = tmp_path / "contact-policies.yaml"
    contact.write_text("stock: {plastic: {count: 10}}\n")
    assert ("NB511", "silver") not in codes(tmp_path, (CARDS, "value: 20", "value: 20\n    stock: plastic"))
    contact.write_text(
        "contact_policies:\n"
        "  - {name: calm, outcome: impression, scope: action, count: 1, window: 7d, suppress: 7d}\n"
    )
    assert ("NB511", "silver") not in codes(tmp_path)


@pytest.mark.parametrize("least", [None, 0.1])
def test_a_model_may_stay_below_the_threshold(tmp_path: Path, onnx: bytes, least: float | None) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models/card.onnx").write_bytes(onnx)
    (tmp_path / "models/card.yaml").write_text(
        "name: card\nfile: card.onnx\nprior: 0.2\ninputs: {features: [customer.age, customer.income]}\n"
    )
    thresholds = "" if least is None else f", thresholds: {{propensity: {least}}}"
    off = f"arbitration: {{factors: {{propensity: false}}{thresholds}}}\ncontext_weights"
    modelled = (CARDS, "value: 20\n    propensity: 0.5", "value: 20\n    propensity: card")
    found = codes(tmp_path, modelled, (ARBITRATION, "context_weights", off))
    assert (("NB511", "silver") in found) is (least is None)


def test_the_limit_of_another_group_may_keep_the_better_one_away(tmp_path: Path) -> None:
    inside = """
  letter: {propensity: 0.1, treatments: [{channel: web, placement: hero}]}
"""
    change = ("actions/care.yaml", "actions:\n", f"actions:{inside}")
    assert ("NB511", "letter") in codes(tmp_path, change)
    limited = (CARDS, "group: cards\n", "group: cards\nlimit: 1\n")
    found = codes(tmp_path, change, limited)
    # `other`, of the same group, may be placed in the other placement; inside the group nothing changes.
    assert ("NB511", "silver") in found
    assert ("NB511", "letter") not in found


def test_an_action_that_can_never_be_placed_is_not_shadowed_too(tmp_path: Path) -> None:
    threshold = (
        ARBITRATION,
        "context_weights",
        "arbitration: {thresholds: {priority: 6}}\ncontext_weights",
    )
    found = codes(tmp_path, threshold)
    assert [found for found in found if found[1] == "silver"] == [("NB510", "silver")]


def test_a_fallback_below_the_thresholds_is_left_alone(tmp_path: Path) -> None:
    threshold = (
        ARBITRATION,
        "context_weights",
        "arbitration: {thresholds: {priority: 6}}\ncontext_weights",
    )
    fallback = ("channels.yaml", "hero: {}", "hero: {fallback: silver}")
    assert "silver" not in {name for _, name in codes(tmp_path, threshold, fallback)}


NUMBERS = st.sampled_from([-3.0, 0.0, 1e-40, 0.1, 0.3, 1.0, 1.1, 7.0, 1e40])


@st.composite
def bundles(draw: st.DrawFn) -> bundle_pb2.Bundle:
    """Two actions of two groups, and some context weights."""
    made = bundle_pb2.Bundle()
    made.issues.add(lever_percent=draw(st.sampled_from([0.0, 10.0])))
    for index in range(2):
        made.groups.add(issue=0, lever_percent=draw(st.sampled_from([0.0, -20.0])))
        action = made.actions.add(group=index, value_constant=draw(NUMBERS))
        action.prior = draw(st.sampled_from([0.0, 0.1, 0.3, 1.0]))
        action.lever_percent = draw(st.sampled_from([0.0, 0.0, 33.0, -100.0]))
        if draw(st.integers(0, 4)) == 0:
            action.model = 0
    for _ in range(draw(st.integers(0, 3))):
        weight = made.context_weights.add(percent=draw(st.sampled_from([-100.0, -33.0, 0.0, 33.0, 70.0])))
        scope = draw(st.sampled_from([None, "issue", "group", "action"]))
        if scope is not None:
            setattr(weight, scope, 0 if scope == "issue" else draw(st.integers(0, 1)))
    for factor in ("propensity_off", "context_weight_off", "value_off", "lever_off"):
        setattr(made.arbitration, factor, draw(st.integers(0, 5)) == 0)
    return made


def priority(made: bundle_pb2.Bundle, index: int, propensity: float, matching: tuple[int, ...]) -> float:
    """As ARCHITECTURE.md has it."""
    action, off = made.actions[index], made.arbitration
    group = made.groups[action.group]
    percent = 0.0
    for place in matching:
        weight = made.context_weights[place]
        scope = weight.WhichOneof("scope")
        target = {None: 0, "issue": 0, "group": action.group, "action": index}[scope]
        if scope is None or getattr(weight, scope) == target:
            percent += weight.percent
    lever = action.lever_percent + (group.lever_percent + made.issues[0].lever_percent)
    result = 1.0 if off.propensity_off else propensity
    result *= 1.0 if off.context_weight_off else max(0.0, 1.0 + percent / 100.0)
    result *= 1.0 if off.value_off else action.value_constant
    return result * (1.0 if off.lever_off else max(0.0, 1.0 + lever / 100.0))


def propensities(action: bundle_pb2.Action) -> list[float]:
    return [0.0, 1e-300, 0.4, 1.0] if action.HasField("model") else [action.prior]


@pytest.mark.slow
@settings(max_examples=1_000, deadline=None)
@given(bundles())
def test_priorities_keep_to_their_bounds(made: bundle_pb2.Bundle) -> None:
    priorities = Priorities(made)
    places = range(len(made.context_weights))
    subsets = [subset for size in range(len(places) + 1) for subset in combinations(places, size)]
    for index, action in enumerate(made.actions):
        bounds = priorities.bounds(priorities.factors(index))
        found = [priority(made, index, p, s) for p, s in product(propensities(action), subsets)]
        assert bounds is None or (bounds[0] <= min(found) and max(found) <= bounds[1])
    for better, worse in ((0, 1), (1, 0)):
        if priorities.is_above(priorities.factors(better), priorities.factors(worse)):
            pairs = product(propensities(made.actions[better]), propensities(made.actions[worse]), subsets)
            for ours, theirs, subset in pairs:
                assert priority(made, better, ours, subset) > priority(made, worse, theirs, subset)
