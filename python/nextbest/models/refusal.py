"""Why a model is refused: a code of the register of diagnostics, the reason, and what to do about it."""

from typing import Final

DAMAGED: Final = "NB651"
TOO_LARGE: Final = "NB652"
EXTERNAL_DATA: Final = "NB653"
NESTED: Final = "NB654"
OPERATOR: Final = "NB655"
UNBOUNDED: Final = "NB656"
TREES: Final = "NB657"
NEWER: Final = "NB658"
RUNTIME: Final = "NB659"


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
