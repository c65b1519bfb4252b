"""A sealed bundle -> the same decisions as nextbest's data plane, in Python with numpy and ONNX Runtime.

The best reasonable Python server is built on this (`baseline_server.py`), and it is an independent oracle:
nothing of the engine's code is used, only the bundle's format.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from arbitration import Candidate, Placed, Rules, arbitrate
from nextbest.v1 import bundle_pb2 as pb
from policies import Policies
from programs import compile_program, constant

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
_DTYPES = {
    pb.FLOAT32: np.float32,
    pb.FLOAT64: np.float64,
    pb.INT64: np.int64,
    pb.STRING: object,
    pb.BOOLEAN: bool,
}
_FLOATS = (pb.FLOAT32, pb.FLOAT64)
Attributes = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """A decision: the action of each placement, and the number of candidates."""

    placements: dict[str, list[Placed]]
    candidate_count: int


class Baseline:
    """A bundle that decides."""

    def __init__(self, bundle: pb.Bundle) -> None:
        """Compiles everything that does not depend on a request."""
        self.bundle = bundle
        self._policies = Policies(bundle)
        self._features = [_feature(bundle, feature) for feature in bundle.features]
        self._models = [_Model(bundle, model, index) for index, model in enumerate(bundle.models)]
        actions = bundle.actions
        self._priors = np.array([action.prior for action in actions])
        self._lever = np.array([_lever(bundle, action) for action in actions])
        self._values = np.array([action.value_constant for action in actions])
        self._value_programs = [
            (index, compile_program(action.value_program))
            for index, action in enumerate(actions)
            if action.WhichOneof("value") == "value_program"
        ]
        self._from = np.array(
            [a.active_from_us if a.HasField("active_from_us") else -(2**62) for a in actions]
        )
        self._until = np.array(
            [a.active_until_us if a.HasField("active_until_us") else 2**62 for a in actions]
        )
        self._enabled = np.array([action.enabled for action in actions])
        self._weights = [(weight.percent, _scope(bundle, weight)) for weight in bundle.context_weights]
        self._treatment_action = np.array([i for i, a in enumerate(actions) for _ in a.treatments])
        self._channels = {
            channel.name: _Channel(bundle, number, channel) for number, channel in enumerate(bundle.channels)
        }
        formula = bundle.arbitration.formula
        self._formula = compile_program(formula) if formula.instructions else None

    def decide(
        self,
        customer_id: str,
        customer: Attributes,
        context: Attributes,
        channel_name: str,
        places: Sequence[tuple[str, int]],
        now_us: int,
    ) -> Answer:
        """Decides for one customer. Values are as `programs.constant` gives them; None is absent."""
        features = self._evaluate(customer, context, now_us)
        channel = self._channels[channel_name]
        places = [(name, count or channel.counts[name]) for name, count in places]
        actions_hold, treatments_hold, weights_hold = self._policies.hold(features)
        fitting = treatments_hold & channel.offered([name for name, _ in places])
        available = self._enabled & (self._from <= now_us) & (now_us < self._until) & actions_hold
        reached = np.zeros(len(available), dtype=bool)
        reached[self._treatment_action[fitting]] = True
        left = np.flatnonzero(available & reached)
        candidates = self._candidates(left, features, weights_hold, channel, fitting, places)
        return Answer(arbitrate(customer_id, candidates, places, channel.rules), len(candidates))

    def _evaluate(self, customer: Attributes, context: Attributes, now_us: int) -> list[Any]:
        features: list[Any] = []
        for source, detail in self._features:
            if source == "customer":
                features.append(customer.get(detail))
            elif source == "context":
                features.append(context.get(detail))
            elif source == "now":
                features.append(now_us)
            else:
                features.append(detail(features))
        return features

    def _candidates(
        self,
        left: NDArray[np.int64],
        features: Sequence[Any],
        weights_hold: NDArray[np.bool_],
        channel: "_Channel",
        fitting: NDArray[np.bool_],
        places: Sequence[tuple[str, int]],
    ) -> list[Candidate]:
        arbitration = self.bundle.arbitration
        propensity = self._propensity(left, features)
        value = self._value(features)
        weight = np.zeros(len(self._values))
        for index in np.flatnonzero(weights_hold):
            percent, scope = self._weights[index]
            weight[scope] += percent
        context_weight = np.maximum(0.0, 1.0 + weight / 100.0)
        factors = [
            np.ones_like(factor) if off else factor
            for factor, off in (
                (propensity, arbitration.propensity_off),
                (context_weight, arbitration.context_weight_off),
                (value, arbitration.value_off),
                (self._lever, arbitration.lever_off),
            )
        ]
        priority = factors[0] * factors[1] * factors[2] * factors[3]
        candidates = []
        for index in left.tolist():
            score = (
                priority[index] if self._formula is None else self._formula((), [f[index] for f in factors])
            )
            if score is None or not np.isfinite(score) or not np.isfinite(value[index]):
                continue
            action = self.bundle.actions[index]
            candidates.append(
                Candidate(
                    action=action.name,
                    group=self.bundle.groups[action.group].name,
                    mandatory=action.mandatory,
                    propensity=float(propensity[index]),
                    context_weight=float(context_weight[index]),
                    value=float(value[index]),
                    lever=float(self._lever[index]),
                    priority=float(score),
                    treatments=channel.treatments_of(index, fitting, [name for name, _ in places]),
                )
            )
        return candidates

    def _propensity(self, left: NDArray[np.int64], features: Sequence[Any]) -> NDArray[np.float64]:
        propensity = self._priors.copy()
        for model in self._models:
            rows = left[model.bound[left]]
            if len(rows):
                propensity[rows] = model.score(rows, features, propensity[rows])
        return propensity

    def _value(self, features: Sequence[Any]) -> NDArray[np.float64]:
        values = self._values.copy()
        for index, program in self._value_programs:
            result = program(features, ())
            values[index] = np.nan if result is None else result
        return values


class _Channel:
    """What a channel offers: its placements, and the treatments that fit them."""

    def __init__(self, bundle: pb.Bundle, number: int, channel: pb.Channel) -> None:
        self.counts = {placement.name: placement.count for placement in channel.placements}
        treatments = [(i, t) for i, action in enumerate(bundle.actions) for t in action.treatments]
        self._names = [treatment.name for _, treatment in treatments]
        self._by_action: dict[int, list[int]] = {}
        for position, (action, treatment) in enumerate(treatments):
            if treatment.channel == number:
                self._by_action.setdefault(action, []).append(position)
        self._fits = {
            placement.name: np.array(
                [
                    t.channel == number and (not t.HasField("placement") or t.placement == index)
                    for _, t in treatments
                ]
            )
            for index, placement in enumerate(channel.placements)
        }
        arbitration = bundle.arbitration
        self.rules = Rules(
            propensity_threshold=arbitration.propensity_threshold,
            priority_threshold=arbitration.priority_threshold
            if arbitration.HasField("priority_threshold")
            else -np.inf,
            group_limits={group.name: group.limit for group in bundle.groups if group.limit},
            fallbacks=self._fallbacks(bundle, channel),
        )

    def _fallbacks(self, bundle: pb.Bundle, channel: pb.Channel) -> dict[str, tuple[str, str]]:
        found = {}
        for placement in channel.placements:
            if placement.HasField("fallback"):
                fits = [
                    p for p in self._by_action.get(placement.fallback, ()) if self._fits[placement.name][p]
                ]
                if fits:
                    action = bundle.actions[placement.fallback].name
                    found[placement.name] = (action, self._names[fits[0]])
        return found

    def offered(self, placements: Sequence[str]) -> NDArray[np.bool_]:
        """Which treatments fit any of the placements."""
        fits = self._fits[placements[0]]
        for name in placements[1:]:
            fits = fits | self._fits[name]
        return fits

    def treatments_of(
        self, action: int, fitting: NDArray[np.bool_], placements: Sequence[str]
    ) -> dict[str, list[str]]:
        """By placement, the action's treatments that fit and hold, in the action's order."""
        own = [position for position in self._by_action[action] if fitting[position]]
        return {name: [self._names[p] for p in own if self._fits[name][p]] for name in placements}


class _Model:
    """An ONNX model and the columns of its inputs."""

    def __init__(self, bundle: pb.Bundle, model: pb.Model, number: int) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(model.onnx, options, providers=["CPUExecutionProvider"])
        self._output, self._column = model.output, model.positive_column
        self.bound = np.array([a.HasField("model") and a.model == number for a in bundle.actions])
        self._inputs = [
            (
                tensor.name,
                _DTYPES[tensor.element_type],
                tensor.element_type in _FLOATS,
                [_column(bundle, column) for column in tensor.columns],
            )
            for tensor in model.inputs
        ]

    def score(
        self, rows: NDArray[np.int64], features: Sequence[Any], priors: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Scores the actions of `rows` in one run; the prior where there is no answer."""
        complete = np.ones(len(rows), dtype=bool)
        feed = {}
        for name, dtype, is_float, columns in self._inputs:
            tensor = np.empty((len(rows), len(columns)), dtype=dtype)
            for position, (feature, per_action, missing) in enumerate(columns):
                values = (
                    per_action[rows]
                    if per_action is not None
                    else np.array([features[feature]], dtype=object)
                )
                absent = np.equal(values, None)
                if absent.any():
                    stand_in = missing if missing is not None else (np.nan if is_float else None)
                    if stand_in is None:
                        complete &= ~absent
                        stand_in = np.zeros(1, dtype=dtype)[0] if dtype is not object else ""
                    values = np.where(absent, stand_in, values)
                tensor[:, position] = values
            feed[name] = tensor
        found = self._session.run([self._output], feed)[0]
        scores = (found if found.ndim == 1 else found[:, self._column]).astype(np.float64)
        valid = complete & (scores >= 0.0) & (scores <= 1.0)
        return np.where(valid, scores, priors)


def _column(bundle: pb.Bundle, column: pb.ModelColumn) -> tuple[int, NDArray[np.object_] | None, Any]:
    missing = constant(column.missing) if column.HasField("missing") else None
    if column.WhichOneof("source") == "feature":
        return column.feature, None, missing
    values = np.array([constant(a.attributes[column.action_attribute]) for a in bundle.actions], dtype=object)
    return -1, values, missing


def _feature(bundle: pb.Bundle, feature: pb.Feature) -> tuple[str, Any]:
    source = feature.WhichOneof("source")
    if source == "attribute":
        declaration = bundle.attributes[feature.attribute]
        return ("customer" if declaration.root == pb.ROOT_CUSTOMER else "context"), declaration.name
    if source == "now":
        return "now", None
    return "derived", compile_program(feature.derived)


def _lever(bundle: pb.Bundle, action: pb.Action) -> float:
    group = bundle.groups[action.group]
    percent = bundle.issues[group.issue].lever_percent + group.lever_percent + action.lever_percent
    return max(0.0, 1.0 + percent / 100.0)


def _scope(bundle: pb.Bundle, weight: pb.ContextWeight) -> NDArray[np.bool_]:
    scope = weight.WhichOneof("scope")
    return np.array(
        [
            scope is None
            or (scope == "action" and weight.action == index)
            or (scope == "group" and weight.group == action.group)
            or (scope == "issue" and weight.issue == bundle.groups[action.group].issue)
            for index, action in enumerate(bundle.actions)
        ]
    )
