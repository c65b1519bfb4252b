"""The error of a server or a bundle about a question -> the option concerned, and the remedy."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from nextbest.casting import PHRASES, CastError, cast
from nextbest.cli.exit_codes import ExitCode
from nextbest.cli.output import CommandError
from nextbest.client.errors import InvalidRequest

_MISTYPED: Final = re.compile(
    r"`(?:customer|context)\.(?P<name>\w+)` is (?P<phrase>[a-z ]+): [a-z ]+ was sent"
)
_MEMBER: Final = re.compile(
    r"(?P<root>customer|context|placements|actions)\[(?P<index>\d+)\].*"
    r"|(?:customers\[0\]|customer)\.attributes\[(?P<stored>\d+)\].*"
    r"|(?P<keyed>customer|context|placements)\.(?P<key>.+)"
)
_NUMBERS: Final = {"int", "double"}
_LISTS: Final = {"", "list<string>", "list<int>"}
_OPTIONS: Final = {
    "channel": "--channel", "placements": "--placement", "explanation": "--explanation",
    "contributions": "--contributions", "contributions_top": "--top", "now_us": "--now", "now": "--now",
    "seed": "--seed", "customer_id": "--customer-id", "actions": "ACTIONS",
}  # fmt: skip


def typing_remedy(message: str) -> str:
    """The remedy for a value whose type was guessed, because only the server has the schema."""
    found = _MISTYPED.fullmatch(message)
    kind = _kind(found["phrase"]) if found is not None else ""
    return f"name the type: {found['name']}:{kind}=..." if found is not None and kind else ""


def name_option(
    error: InvalidRequest, question: Mapping[str, Any], option_of: Callable[[str, str], str]
) -> CommandError:
    """Names the option instead of the field of the protocol.

    Args:
        error: Of the question.
        question: Its arguments, in the order that they were sent.
        option_of: The option that an attribute was given by, of a root (`customer`, `context`) and a name.
    """
    # A question that is to be explained is a part of another message.
    field = error.field.removeprefix("decide.")
    if field == "placements" and not question.get("placements"):
        message = "a server requires the names of placements"
        return CommandError(message, "give --placement NAME", ExitCode.REFUSED, "--placement")
    root, name = _place(field, question)
    if root in {"customer", "context"} and name:
        message, remedy = _value(error.message, question[root].get(name))
        return CommandError(message, remedy, ExitCode.REFUSED, f"{option_of(root, name)} {name}")
    option = _OPTIONS.get(root, root)
    return CommandError(
        error.message, typing_remedy(error.message), ExitCode.REFUSED, f"{option} {name}".strip()
    )


def _place(field: str, question: Mapping[str, Any]) -> tuple[str, str]:
    """The argument that a field belongs to, and its member; empty if the whole argument is concerned."""
    found = _MEMBER.fullmatch(field)
    if found is None:
        return field, ""
    if found["keyed"]:
        return found["keyed"], found["key"]
    root = found["root"] or "customer"
    members = list(question.get(root, ()))
    index = int(found["index"] or found["stored"] or 0)
    return (root, str(members[index])) if index < len(members) else (field, "")


def _value(message: str, value: Any) -> tuple[str, str]:
    """A value that could not be read is wrong itself; of another, only the type was unknown."""
    found = _MISTYPED.fullmatch(message)
    kind = _kind(found["phrase"]) if found is not None else ""
    if kind in _NUMBERS or (isinstance(value, str) and kind not in _LISTS):
        try:
            cast(value, kind)
        except CastError as error:
            return error.message, error.help
    return message, typing_remedy(message)


def _kind(phrase: str) -> str:
    return next((kind for kind, known in PHRASES.items() if known == phrase), "")
