"""Operators that are not allowed -> what made them, and what to do instead of taking them.

Each kind has a different remedy: `--allow-any-op` is named only if it helps.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

from nextbest.diagnostics.suggestion import all_of

STANDARD_DOMAINS: Final = ("", "ai.onnx.ml")
NEVER: Final = frozenset(
    {
        "If", "Loop", "Scan", "SequenceMap",
        "Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike",
    }
)  # fmt: skip
"""Not even on request: no bound can be given, or the same question would have different answers."""
_LOOPS: Final = frozenset({"If", "Loop", "Scan", "SequenceMap"})
_SHOWN_MAX: Final = 5
_OPTIMISED_DOMAINS: Final = ("com.microsoft.nchwc", "com.ms.internal.nhwc")
# What ONNX Runtime makes of several operators when it optimises a graph; no exporter writes these.
_FUSED: Final = (
    "Fused",
    "Bias",
    "Skip",
    "Quick",
    "QLinear",
    "DynamicQuantize",
    "MatMulScale",
    "Nhwc",
    "Fast",
)
_TEXT: Final = frozenset({"Tokenizer", "MurmurHash3", "WordConvEmbedding", "BertTokenizer", "StringSplit"})
_TORCH: Final = ("org.pytorch", "aten", "prim", "pkg.")

_OPTIMISED: Final = (
    "ONNX Runtime wrote it when it optimised the graph: give the file from before that, or save it with "
    "`graph_optimization_level = ORT_ENABLE_BASIC`"
)
_SPLITS_TEXT: Final = (
    "it splits or hashes text, as a vectorizer of texts does: compute those columns before the model and "
    "bind them as attributes"
)
_MICROSOFT: Final = (
    "it is an operator of ONNX Runtime's own: export with ONNX's operators alone (in skl2onnx, leave "
    "`com.microsoft` out of `target_opset` and `options`)"
)
_OF_TORCH: Final = (
    "PyTorch had no ONNX operator for a part of the model: export with `torch.onnx.export(dynamo=True)`"
)
_TRAINING: Final = "export for inference: `model.eval()` before the export, and no training graph"
_CUSTOM: Final = "its code would have to be loaded, which is never done: export with standard operators"
_UNBOUNDED: Final = "a loop or branch has no known cost: export the model as one flat graph"
_RANDOM: Final = "it draws random numbers, so a customer's score would change: export for inference"
_UNKNOWN: Final = "it is not an operator of ONNX: see how the exporter spells it"
_ON_REQUEST: Final = "push it with `nextbest model push --allow-any-op`, or export without it"
_NOT_WITH_FLAG: Final = "export without it"
_KINDS: Final[tuple[tuple[Callable[[str, str], bool], str], ...]] = (
    (lambda _, operator: operator in _TEXT, _SPLITS_TEXT),
    (lambda domain, _: domain in _OPTIMISED_DOMAINS, _OPTIMISED),
    (lambda domain, operator: domain == "com.microsoft" and operator.startswith(_FUSED), _OPTIMISED),
    (lambda domain, _: domain == "com.microsoft", _MICROSOFT),
    (lambda domain, _: domain.startswith(_TORCH), _OF_TORCH),
    (lambda domain, _: "training" in domain, _TRAINING),
    (lambda domain, operator: domain in STANDARD_DOMAINS and operator in _LOOPS, _UNBOUNDED),
    (lambda domain, operator: domain in STANDARD_DOMAINS and operator in NEVER, _RANDOM),
)
"""By domain and operator; the first that holds."""


def shown_operator(node: Any) -> str:
    """An operator with its domain."""
    domain = domain_of(node)
    return f"{domain}.{node.op_type}" if domain else str(node.op_type)


def domain_of(node: Any) -> str:
    """The domain of a node, with one spelling for the standard one."""
    return "" if node.domain == "ai.onnx" else str(node.domain)


def behaves_as_in_training(node: Any) -> bool:
    """Whether a node would drop at random, or learn from what it scores."""
    if node.op_type == "Dropout":
        # The third input switches training on; exporters for inference leave it out.
        return len(node.input) > 2 and bool(node.input[2])
    return any(attribute.name == "training_mode" and attribute.i for attribute in node.attribute)


def explain_operators(nodes: Sequence[Any], *, any_operator: bool) -> tuple[str, str]:
    """Words the refusal of operators: the message, and a remedy for each kind.

    Args:
        nodes: Those that are not allowed, at least one.
        any_operator: Whether every operator was asked for that has a bound at all.
    """
    names = sorted({shown_operator(node) for node in nodes})
    more = f" and {len(names) - _SHOWN_MAX} others" if len(names) > _SHOWN_MAX else ""
    listed = ", ".join(f"`{name}`" for name in names[:_SHOWN_MAX]) + more if more else all_of(names)
    message = f"uses {listed}, which {'is' if len(names) == 1 else 'are'} not allowed"
    remedies: dict[str, list[str]] = {}
    for node in nodes:
        remedies.setdefault(_remedy(node, any_operator=any_operator), []).append(shown_operator(node))
    if len(remedies) == 1:
        return message, next(iter(remedies))
    parts = [f"{all_of(sorted(set(kinds))[:_SHOWN_MAX])}: {remedy}" for remedy, kinds in remedies.items()]
    return message, "; ".join(parts)


def _remedy(node: Any, *, any_operator: bool) -> str:
    domain, operator = domain_of(node), str(node.op_type)
    for is_meant, remedy in _KINDS:
        if is_meant(domain, operator):
            return remedy
    if behaves_as_in_training(node):
        return _TRAINING
    if domain not in STANDARD_DOMAINS:
        return f"`{domain}` is not a domain of ONNX: {_CUSTOM}"
    return _standard(domain, operator, any_operator=any_operator)


def _standard(domain: str, operator: str, *, any_operator: bool) -> str:
    # Loads slowly, and only a refusal needs it.
    from onnx import defs  # noqa: PLC0415

    if not defs.has(operator, domain):
        return _UNKNOWN
    return _NOT_WITH_FLAG if any_operator else _ON_REQUEST
