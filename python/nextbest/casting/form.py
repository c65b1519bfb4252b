"""How a CSV file is written, from the options of commands."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Form:
    r"""How a CSV file is written.

    Attributes:
        separator: One character, or `\t`; empty: a comma.
        encoding: Python's name of the encoding; empty: UTF-8.
        can_be_given: Whether the reader of the file can set them as options of a command.
    """

    separator: str = ""
    encoding: str = ""
    can_be_given: bool = True

    def with_separator(self, separator: str) -> "Form":
        """Returns a copy with another separator."""
        return replace(self, separator=separator)

    def remedy(self, option: str, otherwise: str) -> str:
        """Words the remedy: names the option where options can be given."""
        return f"give {option}" if self.can_be_given else otherwise
