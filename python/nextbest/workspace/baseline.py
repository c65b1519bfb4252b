"""The sample that a version was pushed with -> what a server compares the running model with.

A histogram belongs to a position among the model's inputs, because a workspace may bind that column to
another attribute than the push did.
"""

from dataclasses import dataclass
from typing import Final

from nextbest.models.reference import Histogram, Reference
from nextbest.registry.manifest import Manifest
from nextbest.v1 import bundle_pb2
from nextbest.workspace.definitions import moment_us

CATEGORY_ROWS_MIN: Final = 5
"""A text value in fewer rows could identify a person: it is counted with all others, and its name is not
stored."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """The recorded facts about a pushed version.

    Attributes:
        manifest: Of the version.
        reference: None when it was pushed without a sample.
    """

    manifest: Manifest
    reference: Reference | None

    def column(self, name: str, index: int) -> Histogram | None:
        """The histogram of a column of an input; None when it has none."""
        if self.reference is None:
            return None
        bound = self.manifest.binding.inputs.get(name, [])
        known = bound[index].attribute if index < len(bound) else f"{name}[{index}]"
        return self.reference.features.get(known)


def lower_baseline(baseline: Baseline, model: bundle_pb2.Model) -> None:
    """Fills in the reference of a model of the bundle; its inputs exist already.

    Attributes of the action are left out: they are the same in every decision. Scores are left out if the
    workspace uses another output or column than the push.
    """
    reference = model.reference
    reference.SetInParent()
    card = baseline.manifest.card
    if card is not None and card.expires:
        reference.card_expires_us = moment_us(card.expires)
    if baseline.reference is None:
        return
    pushed = baseline.manifest.binding
    if (model.output, model.positive_column) == (pushed.output, pushed.positive_column):
        reference.scores.CopyFrom(lower_histogram(baseline.reference.scores))
    features: dict[int, Histogram] = {}
    for tensor in model.inputs:
        for index, column in enumerate(tensor.columns):
            found = baseline.column(tensor.name, index)
            if found is not None and column.HasField("feature"):
                features.setdefault(column.feature, found)
    for feature, histogram in sorted(features.items()):
        reference.features.add(feature=feature, histogram=lower_histogram(histogram))


def lower_histogram(histogram: Histogram) -> bundle_pb2.Histogram:
    """A histogram in the form of the message."""
    if not histogram.categories and not histogram.others:
        return bundle_pb2.Histogram(
            missing=histogram.missing, edges=histogram.edges, counts=histogram.counts or [0]
        )
    named = {text: rows for text, rows in histogram.categories.items() if rows >= CATEGORY_ROWS_MIN}
    others = histogram.rows - histogram.missing - sum(named.values())
    return bundle_pb2.Histogram(missing=histogram.missing, categories=named, counts=[*named.values(), others])
