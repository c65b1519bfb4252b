# ruff: noqa: INP001 - compiled into the module, no package
"""The exceptions of `nextbest._core`.

Classes in Python, because exceptions with several arguments and a custom text need more than the stable ABI
of Python 3.11 offers compiled code.
"""


class BundleError(ValueError):
    """A bundle cannot be opened, or a model of it cannot be loaded. Its arguments are `code`, `message`."""

    @property
    def code(self) -> str:
        """A stable word for programs."""
        return str(self.args[0])

    @property
    def message(self) -> str:
        """A sentence; also what `str` gives."""
        return str(self.args[1])

    def __str__(self) -> str:
        return self.message


class RequestError(ValueError):
    """A request or customer is refused. Its arguments are `message`, `field`."""

    @property
    def message(self) -> str:
        """A sentence that names no value."""
        return str(self.args[0])

    @property
    def field(self) -> str:
        """Path of the field; empty where the message concerns the whole."""
        return str(self.args[1])

    def __str__(self) -> str:
        return f"{self.field}: {self.message}" if self.field else self.message


class ServerError(OSError):
    """A server or a load run cannot start: an address, a thread, a setting of tracing."""
