"""The tests of a workspace and an opened bundle -> which tests hold, and why the others do not.

A persona is decided for as a stored customer whose id is the persona's name, with a fixed seed: the same
workspace gives the same results on every machine, except for tests without `now:`.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from nextbest.client.decoding import decode_decision
from nextbest.client.explanations import ActionExplanation
from nextbest.diagnostics import Position
from nextbest.expression import Type, encode
from nextbest.v1 import customer_pb2, decision_pb2
from nextbest.workspace.check.personas import expected_placements
from nextbest.workspace.check.values import Written, constant
from nextbest.workspace.compilation import Compilation
from nextbest.workspace.definitions import (
    AttributeDefinition,
    PersonaFile,
    PersonaTestDefinition,
    moment_us,
)
from nextbest.workspace.load import Source, Workspace
from nextbest.workspace.refusal import explain_absence

SEED = 0


class Core(Protocol):
    """The object that decides: `nextbest._core.Bundle`, or one with the same interface."""

    def decide(self, request: bytes, customer: bytes | None, *, now_us: int, seed: int) -> bytes:
        """Answers a `DecideRequest` about a stored `Customer` with a `DecideResponse`."""

    def explain(self, request: bytes, customer: bytes | None, *, now_us: int, seed: int) -> bytes:
        """Answers an `ExplainRequest` about a stored `Customer` with an `ExplainResponse`."""


@dataclass(frozen=True, slots=True)
class TestResult:
    """The result of one test.

    Attributes:
        name: As written.
        position: Where it is written.
        failures: The expectations that do not hold, each with the reasons on further lines; empty if the test
            holds.
    """

    __test__ = False

    name: str
    position: Position
    failures: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether all expectations hold."""
        return not self.failures


def run(compilation: Compilation, core: Core) -> list[TestResult]:
    """Runs the tests of a workspace.

    Args:
        compilation: Without errors.
        core: Its bundle, opened; with the ONNX Runtime where it has models.

    Returns:
        The results in the order of the files and of the tests in them.
    """
    return [
        _Run(compilation.workspace, source, core).run(index, test)
        for source in compilation.workspace.personas
        for index, test in enumerate(source.definition.tests)
    ]


@dataclass(frozen=True, slots=True)
class _Question:
    """A test as a request of the core."""

    decide: decision_pb2.DecideRequest
    customer: bytes
    now_us: int


class _Run:
    def __init__(self, workspace: Workspace, source: Source[PersonaFile], core: Core) -> None:
        self._workspace = workspace
        self._source = source
        self._core = core

    def run(self, index: int, test: PersonaTestDefinition) -> TestResult:
        position = self._source.document.value("tests", index, "name")
        question = self._ask(test)
        try:
            data = self._core.decide(
                question.decide.SerializeToString(), question.customer, now_us=question.now_us, seed=SEED
            )
        except ValueError as error:
            return TestResult(test.name, position, (f"the decision was refused: {error}",))
        response = decision_pb2.DecideResponse.FromString(data)
        placed = {
            placement.name: [action.action for action in placement.actions]
            for placement in response.placements
        }
        failures = [*self._unfulfilled(test, question, placed), *self._unrefused(test, question, placed)]
        return TestResult(test.name, position, tuple(failures))

    def _ask(self, test: PersonaTestDefinition) -> _Question:
        persona = next(
            source.definition.personas[test.persona]
            for source in self._workspace.personas
            if test.persona in source.definition.personas
        )
        schema = self._workspace.schema
        customer: list[customer_pb2.Attribute] = []
        context: list[customer_pb2.Attribute] = []
        if schema is not None:
            customer = self._attributes(persona.customer | test.customer, schema.definition.customer)
            context = self._attributes(persona.context | test.context, schema.definition.context)
        request = decision_pb2.DecideRequest(
            customer_id=test.persona, context=context, channel=test.channel, dry_run=True
        )
        for name, count in test.placements.items():
            request.placements.add(name=name, count=count)
        stored = customer_pb2.Customer(customer_id=test.persona, attributes=customer)
        now_us = (
            moment_us(test.now, self._workspace.time_zone)
            if test.now is not None
            else time.time_ns() // 1_000
        )
        return _Question(request, stored.SerializeToString(), now_us)

    def _attributes(
        self, values: Mapping[str, object], declared: Mapping[str, AttributeDefinition]
    ) -> list[customer_pb2.Attribute]:
        attributes = []
        zone = self._workspace.time_zone
        for name, value in sorted(values.items()):
            found, _ = constant(Written(self._source.document, (), value), declared[name], "NB803", zone)
            if found is not None:
                encoded = encode(found, Type(declared[name].type))
                attributes.append(customer_pb2.Attribute(name=name, value=encoded))
        return attributes

    def _explain(self, question: _Question, actions: Sequence[str]) -> dict[str, ActionExplanation]:
        request = decision_pb2.ExplainRequest(decide=question.decide, actions=actions)
        data = self._core.explain(
            request.SerializeToString(), question.customer, now_us=question.now_us, seed=SEED
        )
        explanation = decode_decision(decision_pb2.ExplainResponse.FromString(data).decision).explanation
        return {action.action: action for action in explanation.actions} if explanation else {}

    def _unfulfilled(
        self, test: PersonaTestDefinition, question: _Question, placed: Mapping[str, list[str]]
    ) -> Iterator[str]:
        """The actions that a placement lacks, and those that it has and should not have."""
        for placement, expected in expected_placements(test).items():
            actual = placed.get(placement, [])
            if actual == expected:
                continue
            lines = [f"`{placement}` has {_listed(actual)}, but {_listed(expected)} is expected"]
            absent = [action for action in expected if action not in actual]
            for name, explanation in self._explain(question, absent).items() if absent else ():
                lines += [f"  {line}" for line in explain_absence(name, placement, explanation)]
            yield "\n".join(lines)

    def _unrefused(
        self, test: PersonaTestDefinition, question: _Question, placed: Mapping[str, list[str]]
    ) -> Iterator[str]:
        """Actions that should not be offered, or should be dropped for another reason."""
        refusals = test.expect.not_
        wanted = refusals if isinstance(refusals, dict) else dict.fromkeys(refusals)
        explanations: dict[str, ActionExplanation] = {}
        if any(refusal is not None and (refusal.stage or refusal.reason) for refusal in wanted.values()):
            explanations = self._explain(question, list(wanted))
        for name, refusal in wanted.items():
            places = [placement for placement, actions in placed.items() if name in actions]
            if places:
                yield f"`{name}` is offered in {_listed(places)}"
            elif refusal is not None and name in explanations:
                explanation = explanations[name]
                reasons = {c.reason for c in explanation.clauses if c.stage is explanation.dropped_at}
                stage = str(explanation.dropped_at)
                if refusal.stage not in {None, stage} or (refusal.reason and refusal.reason not in reasons):
                    expected = refusal.stage or stage
                    expected += f", because {refusal.reason}" if refusal.reason else ""
                    why = [f"  {line}" for line in explain_absence(name, "", explanation)]
                    yield "\n".join([f"`{name}` should be dropped at {expected}", *why])


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "nothing"
