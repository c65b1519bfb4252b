"""A graph and one of its outputs -> the label of each column of scores, where the graph has them.

Exporters keep the labels in the classifier itself, in the ZipMap after it, or in a constant that the label is
picked from by its position. The source of the label output decides: inside a stacked or calibrated model,
classifiers have other labels, 0 and 1.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from nextbest.diagnostics.suggestion import one_of

LABELS_MAX: Final = 10_000
_LABEL_LENGTH_MAX: Final = 500
_STEPS_MAX: Final = 64
_CLASSIFIERS: Final = frozenset({"TreeEnsembleClassifier", "LinearClassifier", "SVMClassifier"})
_CLASSIFIER_LABELS: Final = ("classlabels_strings", "classlabels_ints", "classlabels_int64s")
# What a label may pass through and stay the same label.
_RESHAPING: Final = frozenset({"Identity", "Cast", "Reshape", "Squeeze", "Unsqueeze", "Flatten"})
_PICKING: Final = frozenset({"ArrayFeatureExtractor", "Gather"})
# What scores may pass through and stay in their columns; of several inputs, one has the columns.
_KEEPING_COLUMNS: Final = frozenset(
    {
        "Identity", "Cast", "Normalizer", "Softmax", "LogSoftmax", "Sigmoid", "Exp", "Log", "Clip", "Neg",
        "Abs", "Add", "Sub", "Mul", "Div", "Sum", "Max", "Min",
    }
)  # fmt: skip
_NOTE: Final = "class labels: "
_STRING: Final = 8


@dataclass(frozen=True, slots=True)
class Labels:
    """The classes of a classifier, in the order of its columns.

    Attributes:
        names: One a column.
        are_texts: Whether they are texts; else they are whole numbers.
    """

    names: tuple[str, ...]
    are_texts: bool

    def column(self, name: str) -> int | None:
        """The column of a class; None where there is none."""
        return self.names.index(name) if name in self.names else None

    def of(self, column: int) -> str:
        """The class of a column; empty where it has none."""
        return self.names[column] if 0 <= column < len(self.names) else ""

    def listed(self) -> str:
        """The first of them with their columns: "`accept` is column 0, `decline` is column 1"."""
        shown = [f"`{name}` is column {column}" for column, name in enumerate(self.names[:5])]
        others = len(self.names) - len(shown)
        return ", ".join(shown) + (f" and {others:,} others" if others else "")

    def choices(self) -> str:
        """The first of them as choices: "`accept` or `decline`"."""
        return one_of(self.names)


def labels_of(graph: Any, output: str, width: int | None) -> Labels | None:
    """Finds the labels of the columns of an output.

    Args:
        graph: An `onnx.GraphProto` whose structure has been checked.
        output: Of scores.
        width: How many columns it has; None where the graph leaves that open.

    Returns:
        None where the graph has none, or more than one set of them could be meant.
    """
    return _Search(graph).run(output, width)


def write_note(labels: Labels) -> str:
    """Labels as the `doc_string` of the node that computes an output, if the graph has no others."""
    return _NOTE + json.dumps({"names": labels.names, "are_texts": labels.are_texts}, ensure_ascii=False)


def labels_in(node: Any) -> Labels | None:
    """The labels that a classifier or a ZipMap has as attributes."""
    given = {attribute.name: attribute for attribute in node.attribute}
    for name in _CLASSIFIER_LABELS:
        if name in given:
            values = list(given[name].strings or given[name].ints)
            return _labels(values) if values else None
    return None


@dataclass(frozen=True, slots=True)
class _Found:
    """Labels, and the tensors of scores that they belong to."""

    labels: Labels
    scores: frozenset[str]


class _Search:
    def __init__(self, graph: Any) -> None:
        self._graph = graph
        self._made = {name: node for node in graph.node for name in node.output if name}
        self._stored = {tensor.name: tensor for tensor in graph.initializer}

    def run(self, output: str, width: int | None) -> Labels | None:
        node = self._made.get(output)
        noted = _read_note(node.doc_string) if node is not None else None
        if noted is not None:
            return noted
        chain = list(self._chain(output))
        found = [found for other in self._graph.output if (found := self._of_label(other.name)) is not None]
        found = [each for each in found if width in {None, len(each.labels.names)}]
        if not found:
            return self._of_scores(chain[-1], width)
        linked = {each.labels for each in found if each.scores.intersection(chain)}
        # Scores of an unknown width may be one column of those that the label was picked from.
        candidates = linked or ({each.labels for each in found} if width is not None else set())
        return candidates.pop() if len(candidates) == 1 else None

    def _of_scores(self, name: str, width: int | None) -> Labels | None:
        """The labels of the classifier that a chain of scores begins with."""
        node = self._made.get(name)
        if node is None or node.op_type not in _CLASSIFIERS or name == node.output[0]:
            return None
        labels = labels_in(node)
        return labels if labels is not None and width in {None, len(labels.names)} else None

    def _chain(self, name: str) -> Iterator[str]:
        """The tensors that a score comes from, itself first, as long as columns stay in their places."""
        for _ in range(_STEPS_MAX):
            yield name
            node = self._made.get(name)
            if node is None or node.op_type not in _KEEPING_COLUMNS:
                return
            varying = [source for source in node.input if source in self._made]
            if not varying:
                return
            name = varying[0]

    def _of_label(self, name: str) -> _Found | None:
        """The labels that an output of labels is made of."""
        values: Sequence[Any] | dict[int, Any] | None = None
        for _ in range(_STEPS_MAX):
            node = self._made.get(name)
            if node is None:
                return None
            if node.op_type in _CLASSIFIERS and name == node.output[0]:
                return self._of_classifier(node, values)
            if node.op_type == "ArgMax":
                labels = _labels(_in_order(values)) if values is not None else None
                scores = frozenset(self._chain(_source(node)))
                return _Found(labels, scores) if labels is not None else None
            if node.op_type in _RESHAPING:
                name = _source(node)
            elif node.op_type in _PICKING and values is None and len(node.input) > 1:
                values, name = self._constant(node.input[0]), node.input[1]
            elif node.op_type == "LabelEncoder" and values is None:
                values, name = _encoder(node), _source(node)
            else:
                return None
        return None

    def _of_classifier(self, node: Any, values: Sequence[Any] | dict[int, Any] | None) -> _Found | None:
        labels = labels_in(node)
        if labels is not None and values is not None:
            labels = _renamed(labels, values)
        scores = (
            frozenset({*self._chain(node.output[1]), node.output[1]}) if len(node.output) > 1 else frozenset()
        )
        return _Found(labels, scores) if labels is not None else None

    def _constant(self, name: str) -> Sequence[Any] | None:
        tensor = self._stored.get(name)
        if tensor is None:
            node = self._made.get(name)
            if node is None or node.op_type != "Constant" or len(node.attribute) != 1:
                return None
            attribute = node.attribute[0]
            if attribute.name != "value":
                return list(attribute.strings or attribute.ints)
            tensor = attribute.t
        return _tensor_values(tensor)


def _source(node: Any) -> str:
    """The first input of a node; empty where a stranger left it out."""
    return str(node.input[0]) if node.input else ""


def _renamed(labels: Labels, values: Sequence[Any] | dict[int, Any]) -> Labels | None:
    """The labels of a classifier, each replaced by what is picked by it."""
    if labels.are_texts:
        return None
    named = values if isinstance(values, dict) else dict(enumerate(values))
    keys = [int(name) for name in labels.names]
    return _labels([named[key] for key in keys]) if all(key in named for key in keys) else None


def _in_order(values: Sequence[Any] | dict[int, Any]) -> Sequence[Any]:
    if not isinstance(values, dict):
        return values
    in_order = sorted(values)
    return [values[key] for key in in_order] if in_order == list(range(len(values))) else []


def _encoder(node: Any) -> Sequence[Any] | dict[int, Any] | None:
    """What a LabelEncoder makes of whole numbers."""
    given = {attribute.name: attribute for attribute in node.attribute}
    if "classes_strings" in given:
        return list(given["classes_strings"].strings)
    keys = _encoder_side(given, "keys")
    values = _encoder_side(given, "values")
    if keys is None or values is None or len(keys) != len(values):
        return None
    if any(isinstance(key, bytes) or key != int(key) for key in keys):
        return None
    return dict(zip(map(int, keys), values, strict=True))


def _encoder_side(given: dict[str, Any], side: str) -> Sequence[Any] | None:
    for kind in ("int64s", "strings", "floats"):
        if f"{side}_{kind}" in given:
            attribute = given[f"{side}_{kind}"]
            return list(attribute.strings or attribute.ints or attribute.floats)
    return _tensor_values(given[f"{side}_tensor"].t) if f"{side}_tensor" in given else None


def _tensor_values(tensor: Any) -> Sequence[Any] | None:
    """The texts or numbers of a tensor of at most `LABELS_MAX`."""
    if tensor.data_type == _STRING:
        return list(tensor.string_data) if len(tensor.string_data) <= LABELS_MAX else None
    # Loads slowly, and only a workspace with models needs it.
    from nextbest.models.stored import stored_numbers  # noqa: PLC0415

    numbers = stored_numbers(tensor)
    if numbers is None or len(numbers) > LABELS_MAX:
        return None
    return [number.item() for number in numbers]


def _labels(values: Sequence[Any]) -> Labels | None:
    """Labels of texts or whole numbers; None of anything else, and of none, too many or equal ones."""
    if not 0 < len(values) <= LABELS_MAX:
        return None
    are_texts = isinstance(values[0], bytes)
    names = []
    for value in values:
        if isinstance(value, bytes) != are_texts:
            return None
        if are_texts:
            names.append(value.decode(errors="replace"))
        elif abs(value) < 2**63 and value == int(value):
            names.append(str(int(value)))
        else:
            return None
    is_sound = len(set(names)) == len(names) and all(0 < len(name) <= _LABEL_LENGTH_MAX for name in names)
    return Labels(tuple(names), are_texts) if is_sound else None


def _read_note(text: str) -> Labels | None:
    if not text.startswith(_NOTE):
        return None
    try:
        noted = json.loads(text.removeprefix(_NOTE))
        names, are_texts = noted["names"], noted["are_texts"]
        values = [str(name).encode() if are_texts else int(name) for name in names[: LABELS_MAX + 1]]
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return None
    return _labels(values)
