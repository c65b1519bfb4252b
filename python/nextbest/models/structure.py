"""Bytes -> a graph whose structure is harmless: measured, parsed, its operators and trees checked.

Nothing is run, and nothing is read but these bytes: `onnx` is used for its protobuf classes alone. Its
loaders follow names of files, and its checker is one of format, not of what a file can do.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nextbest.models.limits import NAME_LENGTH_MAX
from nextbest.models.refusal import DAMAGED, TOO_LARGE, ModelError
from nextbest.models.wire import Census, scan

if TYPE_CHECKING:
    from nextbest.models.trees import Ensemble


@dataclass(frozen=True, slots=True)
class Structure:
    """A graph that has been checked.

    Attributes:
        model: The `onnx.ModelProto`.
        census: How much it holds.
        operators: How often each operator occurs, by name.
        ensembles: Its tree ensembles.
    """

    model: Any
    census: Census
    operators: dict[str, int]
    ensembles: "list[Ensemble]"


def check_structure(onnx: bytes, *, any_operator: bool = False) -> Structure:
    """Checks what a model is made of.

    Args:
        onnx: Its bytes.
        any_operator: Take every standard operator that has a bound at all.

    Raises:
        ModelError: NB651 to NB657, NB679, NB681.
    """
    census = scan(onnx)
    # Load slowly, and only workspaces with models need them.
    from google.protobuf.message import DecodeError  # noqa: PLC0415
    from onnx import ModelProto  # noqa: PLC0415

    from nextbest.models.allowlist import check_operators  # noqa: PLC0415
    from nextbest.models.support_vectors import check_support_vectors  # noqa: PLC0415
    from nextbest.models.trees import check_trees  # noqa: PLC0415
    from nextbest.models.weights import check_weights  # noqa: PLC0415

    try:
        model = ModelProto.FromString(onnx)
    except DecodeError:
        remedy = "give the file that skl2onnx, onnxmltools or torch.onnx wrote"
        raise ModelError("not an ONNX model: protobuf cannot read it", remedy, DAMAGED) from None
    _check_names(model)
    operators = check_operators(model, any_operator=any_operator)
    ensembles = check_trees(model)
    check_support_vectors(model)
    check_weights(model)
    return Structure(model, census, operators, ensembles)


def _check_names(model: Any) -> None:
    for value in (*model.graph.input, *model.graph.output):
        if len(value.name) > NAME_LENGTH_MAX:
            raise ModelError(
                f"has an input or output whose name has {len(value.name):,} characters, at most "
                f"{NAME_LENGTH_MAX:,} are allowed: `{value.name[:40]}...`",
                "give it a name that people can write when it is exported",
                TOO_LARGE,
            )
