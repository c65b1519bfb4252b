"""How a CSV file is written: what the options of commands say."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Form:
    r"""How a CSV file is written.

    Attributes:
        separator: One character, or `\t`; empty: a comma.
        encoding: As Python names encodings; empty: UTF-8.
        can_be_given: Whether whoever reads the file can give them, as options of a command.
    """

    separator: str = ""
    encoding: str = ""
    can_be_given: bool = True

    def with_separator(self, separator: str) -> "Form":
        """The same with another separator."""
        return replace(self, separator=separator)

    def remedy(self, option: str, otherwise: str) -> str:
        """Words a remedy: the option, where there are options."""
        return f"give {option}" if self.can_be_given else otherwise
