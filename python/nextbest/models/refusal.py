"""Why a model is refused: a code of the register of diagnostics, the reason, and what to do about it."""

from typing import Final

UNKNOWN: Final = "NB617"
DAMAGED_VERSION: Final = "NB618"
RETIRED: Final = "NB619"

DAMAGED: Final = "NB651"
TOO_LARGE: Final = "NB652"
EXTERNAL_DATA: Final = "NB653"
NESTED: Final = "NB654"
OPERATOR: Final = "NB655"
UNBOUNDED: Final = "NB656"
TREES: Final = "NB657"
NEWER: Final = "NB658"
RUNTIME: Final = "NB659"
MEMORY: Final = "NB660"
TIME: Final = "NB661"
CRASHED: Final = "NB662"
ROWS: Final = "NB663"
GOLDEN: Final = "NB664"
RANGE: Final = "NB665"
CONSTANT: Final = "NB666"
BUDGET: Final = "NB667"
ANOTHER: Final = "NB668"
IN_USE: Final = "NB669"
NOTHING_BEFORE: Final = "NB670"
NO_GOLDEN: Final = "NB673"
ROWS_EXPOSED: Final = "NB674"
ROWS_ABSENT: Final = "NB675"
OVERFLOW: Final = "NB677"
DEPENDENT: Final = "NB671"
WEIGHTS: Final = "NB679"
LEFT_OUT: Final = "NB680"
SUPPORT_VECTORS: Final = "NB681"
LABELS: Final = "NB682"
FEW: Final = "NB683"
LEAK: Final = "NB684"

_OUT_OF_MEMORY: Final = (
    "bad_alloc",
    "Failed to allocate memory",
    "bad array new length",
    "length_error",
)


class ModelError(Exception):
    """A file that is not a model this server can run.

    Attributes:
        message: Lower-case fragment without full stop, on one line.
        help: What to do about it.
        code: Of the register of diagnostics.
    """

    def __init__(self, message: str, remedy: str, code: str) -> None:
        super().__init__(f"{message}: {remedy}")
        self.message = message
        self.help = remedy
        self.code = code


def out_of_memory(where: str = "") -> ModelError:
    """The refusal of a model that asks for more memory than there may be.

    Args:
        where: The operator that asked, if that is known.
    """
    at = f" at {where}" if where else ""
    remedy = "look for an operator whose result is much larger than its inputs"
    return ModelError(f"takes more memory than a model may{at}", remedy, MEMORY)


def says_out_of_memory(text: str) -> bool:
    """Whether that is what a message of ONNX Runtime means."""
    return any(sign in text for sign in _OUT_OF_MEMORY)
