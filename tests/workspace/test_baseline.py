"""What a version was pushed with -> the reference of a model in a bundle."""

import json

import numpy as np
import pytest

from nextbest.models.reference import Reference, histogram_of
from nextbest.models.report import Confinement, Facts, Report
from nextbest.models.signature import Signature
from nextbest.registry.card import Card
from nextbest.registry.manifest import Binding, BoundColumn, Manifest
from nextbest.registry.records import decode, encode
from nextbest.v1 import bundle_pb2
from nextbest.workspace.baseline import Baseline, lower_baseline, lower_histogram

AGES = np.arange(20.0, 60.0)
SEGMENTS = np.array(["mass"] * 30 + ["affluent"] * 6 + ["only Ms Jones", None, None, None], dtype=object)
SCORES = np.linspace(0.1, 0.5, 40)


def manifest(inputs, expires="2027-06-30"):
    facts = Facts(1, 1, "", 8, {}, {}, {}, Signature((), ()))
    return Manifest(
        name="card",
        version="ab" * 32,
        pushed_at="2026-01-01T00:00:00Z",
        pushed_by="ana",
        files={},
        report=Report(facts, Confinement(files=True, network=True, privileges=True)),
        binding=Binding(inputs, "p", 1),
        card=Card("Ana", expires=expires),
    )


BOUND = {
    "n": [BoundColumn("customer.age"), BoundColumn("action.apr")],
    "s": [BoundColumn("customer.segment")],
}
REFERENCE = Reference(
    {"customer.age": histogram_of(AGES), "action.apr": histogram_of(AGES), "customer.segment":
     histogram_of(SEGMENTS)},
    histogram_of(SCORES),
)  # fmt: skip


def model(positive_column=1):
    """Two numbers, of feature 7 and of an action, and a text of feature 3."""
    made = bundle_pb2.Model(name="card", output="p", positive_column=positive_column)
    numbers = made.inputs.add(name="n", element_type=bundle_pb2.FLOAT32)
    numbers.columns.add(feature=7)
    numbers.columns.add(action_attribute=0)
    made.inputs.add(name="s", element_type=bundle_pb2.STRING).columns.add(feature=3)
    return made


def test_features_of_customers_and_scores():
    made = model()
    lower_baseline(Baseline(manifest(BOUND), REFERENCE), made)
    assert [row.feature for row in made.reference.features] == [3, 7]
    segment, age = (row.histogram for row in made.reference.features)
    assert list(segment.categories) == ["mass", "affluent"]
    assert (list(segment.counts), segment.missing) == ([30, 6, 1], 3)
    assert (list(age.edges), list(age.counts)) == (
        REFERENCE.features["customer.age"].edges, REFERENCE.features["customer.age"].counts
    )  # fmt: skip
    assert sum(made.reference.scores.counts) == 40
    assert made.reference.card_expires_us == 1_814_313_600_000_000
    assert b"Jones" not in made.SerializeToString()


def test_columns_are_known_by_their_places():
    # Pushed unbound, and bound by the workspace.
    by_place = Reference({"n[0]": histogram_of(AGES)}, histogram_of(SCORES))
    made = model()
    lower_baseline(Baseline(manifest({}), by_place), made)
    assert [row.feature for row in made.reference.features] == [7]


def test_scores_of_another_column_are_not_compared():
    made = model(positive_column=0)
    lower_baseline(Baseline(manifest(BOUND), REFERENCE), made)
    assert not made.reference.HasField("scores")
    assert len(made.reference.features) == 2


def test_a_version_without_a_sample_has_a_term_alone():
    made = model()
    lower_baseline(Baseline(manifest(BOUND), None), made)
    assert made.reference == bundle_pb2.ModelReference(card_expires_us=1_814_313_600_000_000)
    lower_baseline(Baseline(manifest(BOUND, expires=""), None), endless := model())
    assert endless.HasField("reference")
    assert not endless.reference.HasField("card_expires_us")


@pytest.mark.parametrize(
    "values",
    [
        np.array(["a", "b", None], dtype=object),
        np.array([None, None], dtype=object),
        np.array([np.nan, np.nan]),
        np.array([1.0, 1.0, np.inf]),
    ],
)
def test_a_histogram_has_a_count_for_every_bin(values):
    known = histogram_of(values)
    lowered = lower_histogram(known)
    assert len(lowered.counts) == max(len(lowered.edges), len(lowered.categories)) + 1
    assert sum(lowered.counts) + lowered.missing == len(values)
    assert decode(type(known), json.loads(json.dumps(encode(known)))) == known
