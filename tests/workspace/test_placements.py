"""Placements that stay empty on the day of the check, and fallbacks that cannot fill them."""

import pytest

from nextbest import workspace
from nextbest.bundle import seal
from nextbest.workspace.definitions import moment_us

CHANNELS = "channels: {web: {placements: {hero: {fallback: gold}}}, email: {placements: {body: {}}}}\n"
CARDS = """\
issue: sales
group: cards
actions:
  silver: {propensity: 0.1, treatments: [{channel: email}, {channel: web}]}
  gold:
    propensity: 0.1
"""
IMPOSSIBLE = """{propensity: 0.1, treatments: [{channel: web},
    {channel: email, eligibility: [{when: customer.age > 9}, {when: customer.age < 5}]}]}"""


def compiled(lay, gold: str, now: str = "2026-06-01") -> workspace.Compilation:
    cards = CARDS + "".join(f"    {line}\n" for line in gold.splitlines())
    folder = lay({"channels.yaml": CHANNELS, "actions/cards.yaml": cards})
    return workspace.compile(folder, now_us=moment_us(now))


@pytest.mark.parametrize(
    ("gold", "now", "found"),
    [
        ("treatments: [{channel: web}]", "2026-06-01", []),
        ("enabled: false\ntreatments: [{channel: web}]", "2026-06-01", ["error NB715"]),
        ("active: {until: 2026-06-01}\ntreatments: [{channel: web}]", "2026-05-31T23:00:00Z", []),
        (
            "active: {until: 2026-06-01}\ntreatments: [{channel: web}]",
            "2026-06-03",
            ["warning NB223", "warning NB715"],
        ),
        ("active: {from: 2026-07-01}\ntreatments: [{channel: web}]", "2026-06-01", []),
        ("treatments: [{channel: email}]", "2026-06-01", ["error NB704"]),
        (
            "treatments: [{channel: web, eligibility: [{when: customer.age > 9}, {when: customer.age < 5}]}]",
            "2026-06-01",
            ["warning NB509", "error NB715"],
        ),
        (
            "treatments: [{channel: web, eligibility: [{when: customer.age > 9}]}]",
            "2026-06-01",
            ["warning NB716"],
        ),
        (
            "treatments: [{channel: web, name: a, eligibility: [{when: customer.age > 9}]}, {channel: web}]",
            "2026-06-01",
            [],
        ),
        # Its policies do not apply where it is the fallback.
        (
            "eligibility: [{when: customer.age > 9}, {when: customer.age < 5}]\ntreatments: [{channel: web}]",
            "2026-06-01",
            ["warning NB503"],
        ),
    ],
)
def test_a_fallback(lay, gold, now, found):
    compilation = compiled(lay, gold, now)
    assert [f"{d.severity} {d.code}" for d in compilation.diagnostics] == found


def test_the_bundle_does_not_depend_on_the_day(lay):
    gold = "active: {until: 2026-06-01}\ntreatments: [{channel: web}]"
    before, after = (compiled(lay, gold, now).bundle for now in ("2026-01-01", "2027-01-01"))
    assert seal(before).digest == seal(after).digest


@pytest.mark.parametrize(
    ("silver", "found"),
    [
        ("{enabled: false, propensity: 0.1, treatments: [{channel: email}]}", "`silver` is disabled"),
        ("{active: {until: 2026-01-01}, propensity: 0.1, treatments: [{channel: email}]}",
         "`silver` has a window that has ended"),
        ("{propensity: 0.0001, treatments: [{channel: email}]}", "`silver` can never be placed"),
        (IMPOSSIBLE, "`silver` has a treatment that can never be used"),
    ],
)  # fmt: skip
def test_a_placement_for_which_nothing_is_left(lay, silver, found):
    cards = f"issue: sales\ngroup: cards\nactions:\n  silver: {silver}\n"
    cards += "  gold: {propensity: 0.1, treatments: [{channel: web}]}\n"
    thresholds = "arbitration: {thresholds: {propensity: 0.001}}\n"
    files = {"channels.yaml": CHANNELS, "actions/cards.yaml": cards, "arbitration.yaml": thresholds}
    diagnostics = workspace.compile(lay(files), now_us=moment_us("2026-06-01")).diagnostics
    (empty,) = [d for d in diagnostics if d.code == "NB709"]
    assert empty.message == f"no action can fill `body` of `email`: {found}"


def test_fallbacks_are_judged_beside_errors_of_other_files(lay):
    never = "treatments: [{channel: web, eligibility: [{when: customer.age > 9}, {when: customer.age < 5}]}]"
    lay({"arbitration.yaml": "bad: 1\n"})
    assert {d.code for d in compiled(lay, never).errors} == {"NB201", "NB715"}


def test_a_fallback_of_a_file_with_errors_is_not_judged(lay):
    wrong = "treatments: [{channel: wbe}, {channel: web, eligibility: [{when: customer.age > 9}]}]"
    assert [d.code for d in compiled(lay, wrong).diagnostics] == ["NB701"]
