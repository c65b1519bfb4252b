"""Names in a graph -> the attributes of a schema that they mean, where that is clear.

An input of one column has a name of its own. The columns of a wider one have names where the file holds them
(`FEATURE_NAMES` of `signature`). A name means the attribute that it is the name of, with its root or without:
`customer.age`, `customer_age`, `age`. Nothing is bound where two attributes have the name, or where a name is
only like that of an attribute: a column with the wrong attribute gives wrong scores, and no error.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from nextbest.diagnostics.suggestion import all_of, nearest
from nextbest.expression import Type
from nextbest.models import Tensor

_LISTED_AT_MOST = 5


@dataclass(frozen=True, slots=True)
class Match:
    """What a name means.

    Attributes:
        name: As the graph has it.
        reference: The attribute; None where it is not clear.
        nearest: Without one, the attribute that may be meant.
        reason: Without one, why not, as a clause; empty where no attribute has the name.
    """

    name: str
    reference: str | None
    nearest: str | None = None
    reason: str = ""


class Matcher:
    """Finds what names mean."""

    def __init__(self, attributes: Mapping[str, Type]) -> None:
        """Prepares to find.

        Args:
            attributes: The type of each, by its name with its root.
        """
        self._attributes = attributes
        self._named: dict[str, list[str]] = {}
        for reference in attributes:
            root, _, name = reference.partition(".")
            for written in {reference, f"{root}_{name}", name}:
                self._named.setdefault(written, []).append(reference)

    def match(self, tensor: Tensor, fitting: frozenset[Type]) -> list[Match]:
        """Finds what the columns of an input mean.

        Args:
            tensor: The input.
            fitting: The types of attributes that it takes.

        Returns:
            One a column; empty for an input whose columns have no names.
        """
        return [self._find(name, fitting) for name in names_of_columns(tensor)]

    def _find(self, name: str, fitting: frozenset[Type]) -> Match:
        found = self._named.get(name, [])
        if len(found) > 1:
            return Match(name, None, found[0], f"{all_of(found)} have its name")
        if found and self._attributes[found[0]] in fitting:
            return Match(name, found[0])
        if found:
            reason = f"`{found[0]}` has its name, but is a {self._attributes[found[0]]}"
            return Match(name, None, None, reason)
        fits = {
            written: references[0]
            for written, references in self._named.items()
            if len(references) == 1 and self._attributes[references[0]] in fitting
        }
        like = nearest(name, fits)
        return Match(name, None, fits[like] if like is not None else None)


def names_of_columns(tensor: Tensor) -> tuple[str, ...]:
    """The names of an input's columns; empty where nobody wrote them down."""
    if tensor.columns:
        return tensor.columns
    return (tensor.name,) if tensor.width == 1 else ()


def describe_matches(matches: list[Match]) -> str:
    """Lists what is bound to what, at most five: "`age` to `customer.age`, `job` to `customer.job`"."""
    pairs = [f"`{match.name}` to `{match.reference}`" for match in matches]
    if len(pairs) > _LISTED_AT_MOST:
        return f"{', '.join(pairs[:_LISTED_AT_MOST])} and {len(pairs) - _LISTED_AT_MOST} others"
    return ", ".join(pairs)


def describe_misses(matches: list[Match]) -> str:
    """Says of the columns without an attribute what may be meant; empty where there is nothing to say."""
    found = []
    for match in matches:
        if match.reason:
            found.append(f"`{match.name}`: {match.reason}")
        elif match.reference is None and match.nearest is not None:
            found.append(f"`{match.name}` may be `{match.nearest}`")
        elif match.reference is None and len(matches) > 1:
            found.append(f"`{match.name}` is not an attribute")
    if len(found) > _LISTED_AT_MOST:
        found = [*found[:_LISTED_AT_MOST], f"{len(found) - _LISTED_AT_MOST} others"]
    return "; ".join(found)
