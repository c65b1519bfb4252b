"""A parsed graph -> the places where ONNX Runtime is known to compute differently from the ONNX standard.

Found by comparing ONNX Runtime 1.28 with the definitions of the `ai.onnx.ml` operators, for each
post-transform, number of targets and aggregate. The engine follows ONNX Runtime, as trainers test with it; so
a model that relies on the standard is warned of, not changed.
"""

from collections.abc import Iterator
from typing import Any, Final

from nextbest.models.refusal import LEFT_OUT
from nextbest.models.report import Refusal

_REGRESSORS: Final = frozenset({"TreeEnsembleRegressor", "LinearRegressor"})
_CLASSIFIERS: Final = frozenset({"TreeEnsembleClassifier", "LinearClassifier"})
_IGNORED: Final = frozenset({"LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO"})
# Of `TreeEnsemble`, version 5, by number.
_STANDARD: Final = ("NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT")
_AS_RUN: Final = ("NONE", "LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO", "PROBIT")


def find_faults(model: Any) -> list[Refusal]:
    """Finds them.

    Args:
        model: An `onnx.ModelProto` whose structure has been checked.

    Returns:
        NB680 for each, with the operator: warnings.
    """
    remedy = (
        "compare scores with the trainer's (--golden); if these lack it, add the operator that is meant "
        "(Sigmoid, Softmax) behind it, or export a classifier, and set `post_transform` to NONE"
    )
    return [Refusal(LEFT_OUT, found, remedy) for node in model.graph.node for found in _of(node)]


def find_faults_of_file(onnx: bytes) -> list[Refusal]:
    """The same of a file whose structure has been checked."""
    # Loads slowly, and only a workspace with models needs it.
    from onnx import ModelProto  # noqa: PLC0415

    return find_faults(ModelProto.FromString(onnx))


def _of(node: Any) -> Iterator[str]:
    attributes = {attribute.name: attribute for attribute in node.attribute}
    name = node.name or node.op_type
    if node.op_type == "TreeEnsemble":
        yield from _of_version_5(name, attributes)
        return
    given = attributes.get("post_transform")
    transform = given.s.decode(errors="replace") if given is not None else "NONE"
    if node.op_type in _REGRESSORS and transform in _IGNORED and _targets(node, attributes) == 1:
        yield f"`{name}` asks for {transform} of one target, which ONNX Runtime leaves out"
    if (
        node.op_type in _CLASSIFIERS
        and transform in {"SOFTMAX", "SOFTMAX_ZERO"}
        and _is_one_score(attributes)
    ):
        yield f"`{name}` asks for {transform} of one score, which ONNX Runtime leaves out"


def _of_version_5(name: str, attributes: dict[str, Any]) -> Iterator[str]:
    given, targets = attributes.get("post_transform"), attributes.get("n_targets")
    number = int(given.i) if given is not None else 0
    if not 0 < number < len(_STANDARD):
        return
    if targets is None or targets.i == 1:
        if _STANDARD[number] in _IGNORED:
            yield f"`{name}` asks for {_STANDARD[number]} of one target, which ONNX Runtime leaves out"
    elif _STANDARD[number] != _AS_RUN[number]:
        yield f"`{name}` asks for {_STANDARD[number]}, where ONNX Runtime computes {_AS_RUN[number]}"


def _targets(node: Any, attributes: dict[str, Any]) -> int:
    given = attributes.get("targets" if node.op_type == "LinearRegressor" else "n_targets")
    return int(given.i) if given is not None else 1


def _is_one_score(attributes: dict[str, Any]) -> bool:
    """Whether a classifier of two classes computes one score, and makes the other of it."""
    if "intercepts" in attributes or "coefficients" in attributes:
        labels = [
            attributes[name] for name in ("classlabels_ints", "classlabels_strings") if name in attributes
        ]
        classes = max((len(given.ints) + len(given.strings) for given in labels), default=0)
        # Without intercepts, their number is not in the graph.
        return "intercepts" in attributes and len(attributes["intercepts"].floats) == 1 and classes == 2
    ids = attributes.get("class_ids")
    return ids is not None and len(set(ids.ints)) == 1
