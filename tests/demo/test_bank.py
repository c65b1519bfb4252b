"""The bank's workspace matches its description, and `check` has no findings."""

import json

import pytest

from nextbest.demo import bank
from nextbest.v1 import bundle_pb2 as pb


def test_check_finds_nothing(compilation):
    assert compilation.diagnostics == []
    assert compilation.bundle is not None


def test_counts(compilation):
    bundle = compilation.bundle
    assert len(bundle.actions) == 120
    assert len(bundle.issues) == 3
    assert len(bundle.groups) == 9
    assert len(bundle.channels) == 4
    assert sum(len(channel.placements) for channel in bundle.channels) == 8
    assert len(bundle.models) == 3


def test_every_kind_of_thing_is_in_it(compilation):
    bundle = compilation.bundle
    actions = bundle.actions
    sources = {feature.WhichOneof("source") for feature in bundle.features}
    assert sources == {"attribute", "now", "derived"}
    assert {literal.WhichOneof("test") for literal in bundle.literals} >= {
        "is_true",
        "comparison",
        "one_of",
        "contains",
        "is_present",
    }
    assert sum(action.mandatory for action in actions) == 4
    assert any(not action.enabled for action in actions)
    assert any(action.HasField("active_until_us") for action in actions)
    assert any(action.WhichOneof("value") == "value_program" for action in actions)
    assert any(not action.HasField("model") for action in actions)
    assert any(treatment.eligibility for action in actions for treatment in action.treatments)
    assert any(group.limit for group in bundle.groups)
    assert any(issue.lever_percent for issue in bundle.issues)
    assert {weight.WhichOneof("scope") for weight in bundle.context_weights} == {"issue", "group", "action"}
    assert bundle.arbitration.HasField("propensity_threshold")
    fallbacks = [p.HasField("fallback") for channel in bundle.channels for p in channel.placements]
    assert set(fallbacks) == {True, False}


def test_every_condition_has_a_reason(compilation):
    without = [condition.text for condition in compilation.bundle.conditions if not condition.reason]
    # Context weights say by how much, not why.
    weights = {weight.text for weight in compilation.bundle.context_weights}
    assert set(without) <= weights


def test_models_read_customers_moments_and_actions(compilation):
    bundle = compilation.bundle
    roots = set()
    types = set()
    for model in bundle.models:
        for tensor in model.inputs:
            types.add(tensor.element_type)
            for column in tensor.columns:
                if column.WhichOneof("source") == "action_attribute":
                    roots.add(pb.ROOT_ACTION)
                else:
                    feature = bundle.features[column.feature]
                    roots.add(bundle.attributes[feature.attribute].root)
    assert roots == {pb.ROOT_CUSTOMER, pb.ROOT_CONTEXT, pb.ROOT_ACTION}
    assert types == {pb.FLOAT32, pb.STRING}


def test_content_is_json(compilation):
    contents = [treatment.content for action in compilation.bundle.actions for treatment in action.treatments]
    assert all(json.loads(content) for content in contents)


def test_a_missing_extra_is_reported_before_any_work(monkeypatch, tmp_path):
    real = bank.importlib.util.find_spec
    monkeypatch.setattr(
        bank.importlib.util, "find_spec", lambda name: None if name == "skl2onnx" else real(name)
    )
    with pytest.raises(
        bank.ExtraMissingError, match=r"skl2onnx is not installed: run `pip install 'nextbest\[demo\]'`"
    ):
        bank.prepare(tmp_path / "nothing")
    assert not (tmp_path / "nothing").exists()
