"""Names in a graph -> the attributes of a schema that they refer to, where that is unambiguous.

An input with one column has a name itself. The columns of a wider input have names if the file stores them
(`FEATURE_NAMES` of `signature`). A name refers to the attribute that has this name, with its root or without:
`customer.age`, `customer_age`, `age`. Nothing is bound if two attributes have the name, or if the name is
only similar: a column with the wrong attribute would give wrong scores without an error.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from nextbest.diagnostics.suggestion import all_of, nearest
from nextbest.expression import Type
from nextbest.models import Tensor

_LISTED_AT_MOST = 5


@dataclass(frozen=True, slots=True)
class Match:
    """The meaning of a name.

    Attributes:
        name: The name in the graph.
        reference: The attribute; None if it is ambiguous or unknown.
        nearest: If there is no attribute, the one that is probably intended.
        reason: If there is no attribute, why not, as a clause; empty if no attribute has the name.
    """

    name: str
    reference: str | None
    nearest: str | None = None
    reason: str = ""


class Matcher:
    """Finds the attributes that names refer to."""

    def __init__(self, attributes: Mapping[str, Type]) -> None:
        """Takes the attributes.

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
        """Finds the attributes of the columns of an input.

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
            return Match(name, None, found[0], f"{all_of(found)} have this name")
        if found and self._attributes[found[0]] in fitting:
            return Match(name, found[0])
        if found:
            reason = f"`{found[0]}` has this name, but is a {self._attributes[found[0]]}"
            return Match(name, None, None, reason)
        fits = {
            written: references[0]
            for written, references in self._named.items()
            if len(references) == 1 and self._attributes[references[0]] in fitting
        }
        like = nearest(name, fits)
        return Match(name, None, fits[like] if like is not None else None)


def names_of_columns(tensor: Tensor) -> tuple[str, ...]:
    """The names of an input's columns; empty if the file does not store them."""
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
    """Words which attributes are probably intended for the columns without one; empty if there are none."""
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
