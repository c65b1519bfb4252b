"""Tests of a workspace that have no `now:` and whose result depends on it."""

import pytest

from nextbest import workspace

CARDS = """\
issue: sales
group: cards
{group}
actions:
  gold: {{propensity: 0.1, treatments: [{{channel: web, placement: hero}}], {action}}}
  blue: {{propensity: 0.1, treatments: [{{channel: web, placement: side}}]}}
"""
SCHEMA = """\
customer:
  age: {type: int, required: true}
  since: {type: timestamp, required: true}
  days: {type: duration, expression: now - customer.since}
  is_new: {type: bool, expression: 'customer.days < duration("24h")'}
  now: {type: bool, required: true}
"""
CHANNELS = "channels: {web: {placements: {hero: {}, side: {}}}}\n"
PERSONAS = """\
personas: {anna: {customer: {age: 30}}}
tests:
  - {name: one, persona: anna, channel: web, placements: {hero: 1}, expect: {hero: []}}
  - {name: two, persona: anna, channel: web, placements: {side: 1}, expect: {side: []}}
"""


def found(lay, personas: str = PERSONAS, **parts: str) -> list[str]:
    cards = CARDS.format(**{"group": "", "action": "value: 1"} | parts)
    files = {"actions/cards.yaml": cards, "schema.yaml": SCHEMA, "channels.yaml": CHANNELS}
    compilation = workspace.compile(lay(files | {"tests/anna.yaml": personas}), now_us=0)
    return [d.message.partition(": ")[2] for d in compilation.diagnostics if d.code == "NB811"]


@pytest.mark.parametrize(
    ("action", "why"),
    [
        ("value: 3", None),
        ("active: {until: 2030-01-01}", "`gold` has a window"),
        ("active: {from: 2020-01-01}", "`gold` has a window"),
        ("active: {until: 2030-01-01}, enabled: false", None),
        ("eligibility: [{when: now > customer.since}]", "the rules of `gold` read `now`"),
        ("value: now.getFullYear() * 1.0", "the rules of `gold` read `now`"),
        ("eligibility: [{when: customer.is_new}]", "the rules of `gold` read `now`"),
        ("eligibility: [{when: customer.now}]", None),
        ("label: now or never", None),
    ],
)
def test_what_depends_on_the_day(lay, action, why):
    assert found(lay, action=action) == ([] if why is None else [why])


def test_inherited_rules_and_context_weights(lay):
    group = "eligibility: [{when: 'now > customer.since'}]"
    assert found(lay, group=group) == ["the rules of `gold` read `now`", "the rules of `blue` read `now`"]
    lay({"arbitration.yaml": "context_weights: [{when: customer.is_new, percent: 10}]\n"})
    assert found(lay) == ["a context weight reads `now`"] * 2


def test_an_action_that_is_not_to_be_offered(lay):
    personas = PERSONAS.replace("expect: {side: []}", "expect: {not: [gold]}").replace("hero: 1", "side: 1")
    personas = personas.replace("expect: {hero: []}", "expect: {side: []}")
    assert found(lay, personas, action="active: {until: 2030-01-01}") == ["`gold` has a window"]


@pytest.mark.parametrize("now", ["now: 2026-01-01", "nwo: 2026-01-01", "now: soon"])
def test_a_moment_that_is_given_or_mistyped(lay, now):
    personas = PERSONAS.replace("channel: web", f"channel: web, {now}")
    assert found(lay, personas, action="active: {until: 2030-01-01}") == []
