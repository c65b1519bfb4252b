"""The corpus of trained models: which engine runs each, and how far native models are from ONNX Runtime."""

import pytest
from corpus import CORPUS, REFUSED, build, compare, lowered

from nextbest.models.native import NotLowered
from nextbest.models.structure import check_structure

DISTANCE_MAX = 1e-6


@pytest.mark.parametrize("name", sorted(set(CORPUS) - set(REFUSED)))
def test_a_native_model_scores_as_onnx_runtime(name):
    case, model = build(name), lowered(name)
    finding = compare(case, model)
    assert finding.difference_max <= DISTANCE_MAX
    if case.exact:
        assert finding.differing_bits == 0


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_models_that_stay_on_onnx_runtime_have_a_reason(name):
    with pytest.raises(NotLowered, match=REFUSED[name]):
        lowered(name)


@pytest.mark.parametrize("name", sorted(CORPUS))
def test_its_structure_is_taken(name):
    assert check_structure(build(name).onnx).census.nodes


def test_unused_values_are_not_computed():
    """Of a forest, the other class and the label."""
    forest = lowered("random forest")
    assert [step.width for step in forest.steps] == [1]
    assert [output.column for output in forest.outputs] == [1]


def test_of_several_actions_each_has_its_trees():
    model = lowered("LightGBM, four actions")
    assert [ensemble.targets for ensemble in model.ensembles] == [1, 1, 1, 1]
