"""Why a value, column or file cannot be read as its declared type."""


class CastError(Exception):
    """A value that does not fit its type, or a table that cannot be read.

    Attributes:
        message: Lower-case fragment without full stop, with the value.
        help: What to write instead.
    """

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.message = message
        self.help = remedy
