"""Conditions as actions of a bundle -> what the engine makes of each for a customer, by one explanation."""

from collections.abc import Mapping, Sequence

from nextbest import _core
from nextbest.bundle import seal
from nextbest.expression import Attribute, Tables, Timestamp, encode
from nextbest.v1 import bundle_pb2, customer_pb2, decision_pb2


class EngineJudge:
    """A bundle with one action for each condition, eligible when the condition holds."""

    def __init__(
        self, tables: Tables, conditions: Sequence[Sequence[int]], declared: Sequence[Attribute]
    ) -> None:
        self._declared = [attribute for attribute in declared if attribute.root != "action"]
        bundle = bundle_pb2.Bundle(
            workspace="expressions",
            files=tables.files,
            attributes=tables.attributes,
            features=tables.features,
            literals=tables.literals,
            conditions=tables.conditions,
            clauses=tables.clauses,
            issues=[bundle_pb2.Issue(name="issue")],
            groups=[bundle_pb2.Group(name="group")],
        )
        bundle.channels.add(name="web").placements.add(name="hero", count=1)
        bundle.arbitration.SetInParent()
        of_actions = [a for a in tables.attributes if a.root == bundle_pb2.ROOT_ACTION]
        for place, clauses in enumerate(conditions):
            action = bundle.actions.add(name=f"{place:06}", enabled=True, value_constant=1.0, prior=0.5)
            action.eligibility.extend(clauses)
            action.attributes.extend(customer_pb2.Value() for _ in of_actions)
            action.treatments.add(name="web", content="{}")
        self._bundle = _core.Bundle(seal(bundle).data)

    def truths(self, given: Mapping[str, object], now: Timestamp) -> list[bool | None]:
        """The truth of each condition, for attributes by their references; None: unknown."""
        request = decision_pb2.ExplainRequest()
        request.decide.channel = "web"
        request.decide.placements.add(name="hero")
        for attribute in self._declared:
            if attribute.expression is None and attribute.reference in given:
                sent = getattr(request.decide, attribute.root).add(name=attribute.name)
                sent.value.CopyFrom(encode(given[attribute.reference], attribute.type))
        answer = self._bundle.explain(request.SerializeToString(), None, now_us=now.us, seed=1)
        explained = decision_pb2.ExplainResponse.FromString(answer).decision.explanation.actions
        return [_truth([clause.truth for clause in action.clauses]) for action in explained]


def _truth(failed: Sequence[int]) -> bool | None:
    """Of all clauses of a condition, given those that do not hold."""
    if decision_pb2.TRUTH_FALSE in failed:
        return False
    return None if failed else True
