"""Why a value, a column or a file cannot be read as what it is declared to be."""


class CastError(Exception):
    """A value that is not of its type, or a table that cannot be read.

    Attributes:
        message: Lower-case fragment without full stop; names the value.
        help: What to write instead.
    """

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.message = message
        self.help = remedy
