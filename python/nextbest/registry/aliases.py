"""Names that move between the versions of a model, and every move there was.

A move is one replacement of one small file under a lock: two people who promote at once both succeed, one
after the other, and neither is lost.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from nextbest.diagnostics.suggestion import one_of
from nextbest.models.refusal import IN_USE, NO_GOLDEN, NOTHING_BEFORE, RETIRED, UNKNOWN, ModelError
from nextbest.registry.record_files import changing, read_record, store_record

CHAMPION: Final = "champion"
ALIASES: Final = (CHAMPION, "challenger", "shadow")
FIRST_WAIVER: Final = "it was the first champion"
FILE: Final = "aliases.json"


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
        waiver: Why the version may be champion without golden rows; empty where it has some.
    """

    alias: str
    before: str
    after: str
    by: str
    at: str
    is_rollback: bool = False
    waiver: str = ""


@dataclass(frozen=True, slots=True)
class Grounds:
    """On what a version may become champion.

    Attributes:
        has_golden: It reproduced the trainer's scores.
        waiver: Why it may be champion without; empty for no reason.
        is_first_waived: The first champion of a model needs no reason.
        is_published: The version is in the registry, and cannot be given golden rows any more.
    """

    has_golden: bool
    waiver: str = ""
    is_first_waived: bool = True
    is_published: bool = True


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
    return read_record(folder / FILE, Aliases)


def promote(folder: Path, move: Move, grounds: Grounds) -> Move:
    """Lets an alias name a version; that it named it already is a move as well.

    Args:
        folder: Of the model, in the registry.
        move: What is asked for; from where, and what was waived, is filled in.
        grounds: On what the version may become champion.

    Raises:
        ModelError: There is no such alias (NB617), the version is retired (NB619), or it has no golden rows
            and no waiver (NB673).
    """
    return _move(folder, lambda aliases: _promotion(folder, aliases, move, grounds))


def plan_promotion(folder: Path, move: Move, grounds: Grounds) -> Move:
    """The move that `promote` would make; nothing is written.

    Raises:
        ModelError: As `promote` does.
    """
    return _promotion(folder, read_aliases(folder), move, grounds)


def _promotion(folder: Path, aliases: Aliases, move: Move, grounds: Grounds) -> Move:
    _check_alias(move.alias)
    if move.after in aliases.retired:
        message = f"the version {move.after[:12]} is retired, and cannot be promoted"
        raise ModelError(message, "promote another, or push the model again with new bytes", RETIRED)
    before = aliases.named.get(move.alias, "")
    if move.alias != CHAMPION or grounds.has_golden or before == move.after:
        return replace(move, before=before)
    if grounds.waiver:
        return replace(move, before=before, waiver=grounds.waiver)
    if grounds.is_first_waived and not any(made.alias == CHAMPION for made in aliases.history):
        return replace(move, before=before, waiver=FIRST_WAIVER)
    raise _without_golden(f"{folder.name}@{move.after[:12]}", is_published=grounds.is_published)


def _without_golden(version: str, *, is_published: bool) -> ModelError:
    if is_published:
        found = f"the version {version} was pushed without golden rows"
        remedy = "export it again with a new entry in metadata_props and push it with --golden"
    else:
        found = f"{version} cannot become champion: there are no golden rows"
        remedy = "push it with --golden, or with --promote challenger"
    message = f"{found}: nothing shows that it scores as its trainer does"
    waive = "or say why it may be champion all the same: --waive-golden REASON"
    return ModelError(message, f"{remedy}, {waive}", NO_GOLDEN)


def roll_back(folder: Path, alias: str, check: Callable[[str], None], *, by: str, at: str) -> Move:
    """Lets an alias name what it named before.

    Args:
        folder: Of the model, in the registry.
        alias: Which.
        check: Raises an error for a version that must not be used.
        by: Who asks for it.
        at: RFC 3339, UTC.

    Raises:
        ModelError: There is no such alias (NB617), or it has named nothing before (NB670).
    """
    _check_alias(alias)

    def change(aliases: Aliases) -> Move:
        before = aliases.before(alias)
        if not before:
            message = f"`{alias}` of `{folder.name}` has named no other version to which it could move back"
            raise ModelError(
                message, f"promote one: nextbest model promote {folder.name}@VERSION", NOTHING_BEFORE
            )
        check(before)
        return Move(alias, aliases.named.get(alias, ""), before, by, at, is_rollback=True)

    return _move(folder, change)


def retire(folder: Path, version: str, *, by: str, at: str) -> None:
    """Marks a version as not to be used again; nothing is deleted.

    Raises:
        ModelError: An alias names it (NB669).
    """
    with changing(folder):
        aliases = read_aliases(folder)
        naming = aliases.of(version)
        if naming:
            message = f"{one_of(naming)} of `{folder.name}` names the version {version[:12]}"
            remedy = f"move it first: nextbest model promote {folder.name}@VERSION --alias {naming[0]}"
            raise ModelError(message, remedy, IN_USE)
        retired = {version: Retirement(by, at), **aliases.retired}
        store_record(folder / FILE, Aliases(aliases.named, retired, aliases.history))


def _check_alias(alias: str) -> None:
    if alias not in ALIASES:
        raise ModelError(f"there is no alias `{alias}`", f"use {one_of(ALIASES)}", UNKNOWN)


def _move(folder: Path, change: Callable[[Aliases], Move]) -> Move:
    with changing(folder):
        aliases = read_aliases(folder)
        move = change(aliases)
        named = {**aliases.named, move.alias: move.after}
        store_record(folder / FILE, Aliases(named, aliases.retired, [*aliases.history, move]))
    return move
