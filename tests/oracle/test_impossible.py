"""What `check` calls impossible is impossible: random workspaces, every customer, the real engine.

The oracle is independent of the analysis: it asks the engine about every customer that could make a
difference, including missing attributes, at every moment that could, and for every order of placements.
"""

import json
import re
import tempfile
from collections import Counter
from collections.abc import Iterator
from itertools import permutations, product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from drawn_workspaces import CHANNELS, NOWS, SCHEMA, VALUES, competitive, contradictory, write
from nextbest import bundle, workspace
from nextbest._core import Bundle
from nextbest.diagnostics import Diagnostic
from nextbest.expression import Type, encode
from nextbest.v1 import bundle_pb2, decision_pb2

COUNTED = ("NB501", "NB503", "NB509", "NB510", "NB511")


def requests(made: dict[str, Any]) -> Iterator[decision_pb2.DecideRequest]:
    """Every customer and moment that can make a difference, without placements."""
    text = json.dumps([made["groups"], made["weights"]])
    named = [name for name in VALUES if name in text or (name == "customer.rate" and "ratio" in text)]
    nows = NOWS if "now" in text or "active" in text else NOWS[:1]
    for values in product(*((*VALUES[name], None) for name in named)):
        for now_us in nows:
            request = decision_pb2.DecideRequest(dry_run=True, now_us=now_us)
            for name, value in zip(named, values, strict=True):
                root, _, attribute = name.partition(".")
                if value is not None:
                    declared = Type(SCHEMA[root][attribute]["type"])
                    getattr(request, root).add(name=attribute, value=encode(value, declared))
            yield request


def placed(engine: Bundle, request: decision_pb2.DecideRequest, count: int) -> Iterator[tuple[str, str]]:
    """Actions and treatments of all answers, for every channel and order of placements."""
    for channel, placements in CHANNELS.items():
        for size in range(1, len(placements) + 1):
            for order in permutations(placements, size):
                # Ties break on the customer's id.
                for customer_id in ("", "c-1"):
                    asked = decision_pb2.DecideRequest(customer_id=customer_id, channel=channel)
                    asked.MergeFrom(request)
                    for name in order:
                        asked.placements.add(name=name, count=count)
                    answer = engine.decide(asked.SerializeToString(), None, now_us=0, seed=1)
                    for slot in decision_pb2.DecideResponse.FromString(answer).placements:
                        yield from ((found.action, found.treatment) for found in slot.actions)


Line = tuple[str, int]


class Claims:
    """The findings of `check` about a workspace, by their subject."""

    def __init__(self, diagnostics: list[Diagnostic]) -> None:
        self.found = [diagnostic for diagnostic in diagnostics if diagnostic.code in COUNTED]
        self.counts = Counter(diagnostic.code for diagnostic in self.found)
        self.treatments = self.named("NB509")
        self.unreachable = self.named("NB510")
        self.shadowed = self.named("NB511")
        self.exclusions = [lines(found) for found in self.found if found.code in ("NB501", "NB503")]

    def is_by_limit(self, action: str) -> bool:
        """Whether an action is shadowed however many actions a request asks for."""
        return any(
            found.code == "NB511" and found.message.split("`")[1] == action and "has `limit: 1`" in found.help
            for found in self.found
        )

    def named(self, code: str) -> set[str]:
        return {found.message.split("`")[1] for found in self.found if found.code == code}


def lines(found: Diagnostic) -> frozenset[Line]:
    """The positions of the conditions that a finding is about."""
    assert found.position is not None
    words = re.findall(r"([\w./-]+):(\d+):\d+", found.help) if found.code == "NB503" else []
    return frozenset(
        [(found.position.file, found.position.line), *((file, int(line)) for file, line in words)]
    )


def owner(folder: Path, line: Line) -> str:
    """The action that a line of a file is part of; empty for what all of the file inherit."""
    before = (folder / line[0]).read_text().splitlines()[: line[1]]
    keys = [re.fullmatch(r'  "(action-\d-\d)": \{', text) for text in before]
    return next((key[1] for key in reversed(keys) if key), "")


def policies(made: bundle_pb2.Bundle) -> dict[str, set[Line]]:
    """The lines of each action's conditions."""
    return {
        action.name: {
            (made.files[made.clauses[clause].position.file], made.clauses[clause].position.line)
            for clause in (*action.eligibility, *action.applicability, *action.suitability)
        }
        for action in made.actions
    }


def failing(engine: Bundle, request: decision_pb2.DecideRequest) -> dict[str, set[Line]]:
    """The lines of each action's conditions that do not hold."""
    asked = decision_pb2.ExplainRequest(decide=request)
    asked.decide.channel = "web"
    asked.decide.placements.add(name="hero")
    answer = engine.explain(asked.SerializeToString(), None, now_us=0, seed=1)
    explained = decision_pb2.ExplainResponse.FromString(answer).decision.explanation.actions
    return {
        action.action: {(clause.position.file, clause.position.line) for clause in action.clauses}
        for action in explained
    }


def open_at(made: bundle_pb2.Bundle, now_us: int) -> set[str]:
    """The actions whose window a moment lies in."""
    return {
        action.name
        for action in made.actions
        if (not action.HasField("active_from_us") or action.active_from_us <= now_us)
        and (not action.HasField("active_until_us") or now_us < action.active_until_us)
    }


def compiled(folder: Path, made: dict[str, Any]) -> workspace.Compilation:
    write(folder, made)
    compilation = workspace.compile(folder)
    if {found.code for found in compilation.errors} == {"NB715"}:
        (folder / "without").mkdir()
        write(folder / "without", made | {"fallback": None})
        without = workspace.compile(folder / "without").bundle
        assert without is not None
        check_fallback(without, compilation.errors, made)
        return workspace.compile(folder / "without")
    assert compilation.bundle is not None, [str(found) for found in compilation.errors]
    return compilation


def check_fallback(made: bundle_pb2.Bundle, errors: list[Diagnostic], drawn: dict[str, Any]) -> None:
    """Makes the action the fallback that `check` refuses, and sees it in no answer of its placement."""
    (error,) = errors
    name = error.message.split("`")[1]
    index = next(index for index, action in enumerate(made.actions) if action.name == name)
    channel = made.channels[made.actions[index].treatments[0].channel]
    treatment = made.actions[index].treatments[0]
    default = "hero" if channel.name == "web" else "body"
    wanted = channel.placements[treatment.placement].name if treatment.HasField("placement") else default
    for placement in channel.placements:
        if placement.name == wanted:
            placement.fallback = index
    engine = Bundle(bundle.seal(made).data)
    for request in requests(drawn):
        asked = decision_pb2.DecideRequest(channel=channel.name)
        asked.MergeFrom(request)
        asked.placements.add(name=wanted)
        answer = decision_pb2.DecideResponse.FromString(
            engine.decide(asked.SerializeToString(), None, now_us=0, seed=1)
        )
        assert name not in {found.action for slot in answer.placements for found in slot.actions}


def judge(made: dict[str, Any]) -> Counter[str]:
    """Compiles a workspace and compares every claim with what the engine does; counts the claims."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        compilation = compiled(folder, made)
        folder = compilation.workspace.root
        claims = Claims(compilation.diagnostics)
        if not claims.found:
            return claims.counts
        engine = Bundle(bundle.seal(compilation.bundle).data)
        known = policies(compilation.bundle)
        about: dict[frozenset[Line], set[str]] = {}
        for together in claims.exclusions:
            owners = {owner(folder, line) for line in together} - {""}
            about[together] = {
                action for action, conditions in known.items() if owners <= {action} and together & conditions
            }
        refuted: dict[frozenset[Line], set[str]] = {together: set() for together in about}
        for request in requests(made):
            inside = open_at(compilation.bundle, request.now_us)
            for action, failed in failing(engine, request).items():
                for together in about:
                    # A window may be one of the lines.
                    if action in inside and not failed & together:
                        refuted[together].add(action)
            for count in (0, 2):
                check_placed(engine, request, count, claims)
        for together, actions in about.items():
            # Inherited conditions may read attributes of the action: it is some of those that have them all.
            assert not actions or actions - refuted[together], (sorted(together), made)
        return claims.counts


def check_placed(engine: Bundle, request: decision_pb2.DecideRequest, count: int, claims: Claims) -> None:
    certain = {name for name in claims.shadowed if claims.is_by_limit(name)} if count else claims.shadowed
    for action, treatment in placed(engine, request, count):
        assert treatment not in claims.treatments, treatment
        assert action not in claims.unreachable, action
        assert action not in certain, action


@pytest.mark.slow
@pytest.mark.parametrize("batch", range(10))
@pytest.mark.parametrize(
    ("drawn", "sought"),
    [
        (contradictory(), {"NB501", "NB503", "NB509", "NB510"}),
        (competitive(), {"NB510", "NB511"}),
    ],
    ids=["contradictory", "competitive"],
)
def test_what_check_calls_impossible_is(
    drawn: st.SearchStrategy[dict[str, Any]], sought: set[str], batch: int
) -> None:
    counts: Counter[str] = Counter()

    @seed(batch)
    @settings(max_examples=100, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(drawn)
    def claims_hold(made: dict[str, Any]) -> None:
        counts.update(judge(made))

    claims_hold()
    # Claims that are never made would hold as well.
    assert sought <= set(counts), counts
