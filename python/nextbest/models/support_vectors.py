"""The attributes of a support vector classifier -> lists whose lengths agree, before a kernel relies on them.

ONNX Runtime reads support vectors, coefficients and offsets by positions that it works out from other lists;
here each list is as long as those positions need.
"""

from typing import Any, Final, NoReturn

from nextbest.models.refusal import SUPPORT_VECTORS, ModelError

_KERNELS: Final = frozenset({b"LINEAR", b"POLY", b"RBF", b"SIGMOID"})
_CLASSES_MAX: Final = 1_000
_KERNEL_PARAMETERS: Final = 3


def check_support_vectors(model: Any) -> None:
    """Checks every `SVMClassifier` of a graph.

    Args:
        model: An `onnx.ModelProto`, measured by `wire.scan` before it was parsed.

    Raises:
        ModelError: NB681: lists of different lengths, or an unknown kernel.
    """
    for node in model.graph.node:
        if node.op_type == "SVMClassifier" and node.domain == "ai.onnx.ml":
            _check(node)


def _check(node: Any) -> None:
    name = str(node.name or node.op_type)
    attributes = {attribute.name: attribute for attribute in node.attribute}
    if len(attributes) != len(node.attribute):
        _damaged(name, "an attribute is given twice")

    def length(attribute: str) -> int:
        given = attributes.get(attribute)
        return len(given.floats) if given is not None else 0

    labels = [attributes[kind] for kind in ("classlabels_ints", "classlabels_strings") if kind in attributes]
    classes = sum(len(given.ints) + len(given.strings) for given in labels)
    per_class = list(attributes["vectors_per_class"].ints) if "vectors_per_class" in attributes else []
    if not 2 <= classes <= _CLASSES_MAX:
        _damaged(name, f"it has {classes:,} classes, 2 to {_CLASSES_MAX:,} are allowed")
    if len(per_class) != classes or min(per_class) < 0 or not sum(per_class):
        _damaged(name, "`vectors_per_class` does not have a number for each class")
    vectors, pairs = sum(per_class), classes * (classes - 1) // 2
    if not length("support_vectors") or length("support_vectors") % vectors:
        _damaged(name, f"`support_vectors` has {length('support_vectors'):,} numbers for {vectors:,} vectors")
    for attribute, wanted in (
        ("coefficients", {(classes - 1) * vectors}),
        ("rho", {pairs}),
        ("prob_a", {0, pairs}),
        ("prob_b", {length("prob_a")}),
        ("kernel_params", {0, _KERNEL_PARAMETERS}),
    ):
        if length(attribute) not in wanted:
            expected = " or ".join(f"{count:,}" for count in sorted(wanted))
            _damaged(name, f"`{attribute}` has {length(attribute):,} entries, not {expected}")
    kernel = attributes["kernel_type"].s if "kernel_type" in attributes else b"LINEAR"
    if kernel not in _KERNELS:
        _damaged(name, f"the kernel `{kernel.decode(errors='replace')[:40]}` is unknown")


def _damaged(name: str, reason: str) -> NoReturn:
    remedy = "export it again with skl2onnx: CalibratedClassifierCV(SVC()) has probabilities"
    raise ModelError(f"the support vectors of `{name}` are damaged: {reason}", remedy, SUPPORT_VECTORS)
