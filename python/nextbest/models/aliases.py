"""Names that move between the versions of a model, and every move there was.

A move is one replacement of one small file under a lock: two people who promote at once both succeed, one
after the other, and neither is lost.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from nextbest.diagnostics.suggestion import one_of
from nextbest.models.files import locked, read_limited, replace
from nextbest.models.records import decode, encode
from nextbest.models.refusal import DAMAGED_VERSION, IN_USE, NOTHING_BEFORE, RETIRED, UNKNOWN, ModelError

ALIASES: Final = ("champion", "challenger", "shadow")
FILE: Final = "aliases.json"
_LOCK: Final = ".lock"
_BYTES_MAX: Final = 32 * 1024 * 1024
"""Of the file: a hundred thousand moves."""


@dataclass(frozen=True, slots=True)
class Move:
    """An alias was moved.

    Attributes:
        alias: Which.
        before: The version that it named; empty when it named none.
        after: The version that it names since.
        by: Who moved it.
        at: RFC 3339, UTC.
        is_rollback: It was taken back to where it had been.
    """

    alias: str
    before: str
    after: str
    by: str
    at: str
    is_rollback: bool = False


@dataclass(frozen=True, slots=True)
class Retirement:
    """A version was retired."""

    by: str
    at: str


@dataclass(frozen=True, slots=True)
class Aliases:
    """What the aliases of a model name, which versions are retired, and every move, oldest first."""

    named: dict[str, str] = field(default_factory=dict)
    retired: dict[str, Retirement] = field(default_factory=dict)
    history: list[Move] = field(default_factory=list)

    def of(self, version: str) -> list[str]:
        """The aliases that name a version."""
        return [alias for alias in ALIASES if self.named.get(alias) == version]

    def before(self, alias: str) -> str:
        """The version that an alias goes back to; empty when there is none.

        The one that was promoted before the present one: what was taken back does not come again, nor what
        has been retired.
        """
        promoted: list[str] = []
        for move in self.history:
            if move.alias != alias:
                continue
            if move.is_rollback:
                while promoted and promoted[-1] != move.after:
                    promoted.pop()
            elif not promoted or promoted[-1] != move.after:
                promoted.append(move.after)
        return next((version for version in reversed(promoted[:-1]) if version not in self.retired), "")


def read_aliases(folder: Path) -> Aliases:
    """Reads the aliases of a model.

    Args:
        folder: Of the model, in the registry.

    Raises:
        ModelError: NB618: the file is damaged.
    """
    try:
        return decode(Aliases, json.loads(read_limited(folder / FILE, _BYTES_MAX)))
    except FileNotFoundError:
        return Aliases()
    except (OSError, ValueError) as error:
        message = f"`{folder.name}/{FILE}` of the registry cannot be read: {error}"
        raise ModelError(
            message, "restore it from a backup; versions are not affected", DAMAGED_VERSION
        ) from None


def promote(folder: Path, alias: str, version: str, *, by: str, at: str) -> Move:
    """Lets an alias name a version; that it named it already is a move as well.

    Raises:
        ModelError: There is no such alias (NB617), or the version is retired (NB619).
    """
    return _move(folder, lambda aliases: _promotion(aliases, alias, version, by, at))


def plan_promotion(folder: Path, alias: str, version: str, *, by: str, at: str) -> Move:
    """The move that `promote` would make; nothing is written.

    Raises:
        ModelError: As `promote` does.
    """
    return _promotion(read_aliases(folder), alias, version, by, at)


def _promotion(aliases: Aliases, alias: str, version: str, by: str, at: str) -> Move:
    _check_alias(alias)
    if version in aliases.retired:
        message = f"the version {version[:12]} is retired, and cannot be promoted"
        raise ModelError(message, "promote another, or push the model again with new bytes", RETIRED)
    return Move(alias, aliases.named.get(alias, ""), version, by, at)


def roll_back(folder: Path, alias: str, *, by: str, at: str) -> Move:
    """Lets an alias name what it named before.

    Raises:
        ModelError: There is no such alias (NB617), or it has named nothing before (NB670).
    """
    _check_alias(alias)

    def change(aliases: Aliases) -> Move:
        before = aliases.before(alias)
        if not before:
            message = f"`{alias}` of `{folder.name}` has named no other version that could stand in"
            raise ModelError(
                message, f"promote one: nextbest model promote {folder.name}@VERSION", NOTHING_BEFORE
            )
        return Move(alias, aliases.named.get(alias, ""), before, by, at, is_rollback=True)

    return _move(folder, change)


def retire(folder: Path, version: str, *, by: str, at: str) -> None:
    """Marks a version as not to be used again; nothing is deleted.

    Raises:
        ModelError: An alias names it (NB669).
    """
    with locked(folder / _LOCK):
        aliases = read_aliases(folder)
        naming = aliases.of(version)
        if naming:
            message = f"{one_of(naming)} of `{folder.name}` names the version {version[:12]}"
            remedy = f"move it first: nextbest model promote {folder.name}@VERSION --alias {naming[0]}"
            raise ModelError(message, remedy, IN_USE)
        retired = {version: Retirement(by, at), **aliases.retired}
        _store(folder, Aliases(aliases.named, retired, aliases.history))


def _check_alias(alias: str) -> None:
    if alias not in ALIASES:
        raise ModelError(f"there is no alias `{alias}`", f"use {one_of(ALIASES)}", UNKNOWN)


def _move(folder: Path, change: Callable[[Aliases], Move]) -> Move:
    with locked(folder / _LOCK):
        aliases = read_aliases(folder)
        move = change(aliases)
        named = {**aliases.named, move.alias: move.after}
        _store(folder, Aliases(named, aliases.retired, [*aliases.history, move]))
    return move


def _store(folder: Path, aliases: Aliases) -> None:
    data = json.dumps(encode(aliases), indent=2, ensure_ascii=False).encode() + b"\n"
    replace(folder / FILE, data)
