"""What the owner of a model does: pushes a version, lets an alias name it, and looks at how the model fares.

These are `push`, `promote` and `health` of `nextbest.models`, for notebooks and training jobs; the commands
`nextbest model push`, `promote` and `health` call them.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Required, TypedDict, Unpack

from nextbest.casting.form import Form
from nextbest.diagnostics import Diagnostic
from nextbest.models import drift
from nextbest.models.drift import Health, Limits
from nextbest.models.pushing import push as pushing
from nextbest.models.pushing.push import Pushed, Request
from nextbest.models.refusal import UNKNOWN, ModelError
from nextbest.models.version_warnings import repaired, without_golden
from nextbest.registry.aliases import CHAMPION, Move
from nextbest.registry.author import now, user
from nextbest.registry.registry import Registry, Version, Waiver
from nextbest.workspace.load import Progress, ignore

if TYPE_CHECKING:
    from nextbest.client.operator import Operator

_FILES = ("model", "binding", "card", "golden", "background", "workspace")


class PushArguments(TypedDict, total=False):
    """What `push` takes; `nextbest.models.pushing.push.Request` explains each."""

    model: Required[Path | str]
    name: Required[str]
    by: str
    binding: Path | str | None
    card: Path | str | None
    golden: Path | str | None
    background: Path | str | None
    tolerance: float
    budget_us: float | None
    any_operator: bool
    workspace: Path | str
    form: Form | None
    is_dry_run: bool
    alias: str
    waiver: str


@dataclass(frozen=True, slots=True)
class Promotion:
    """An alias that names another version.

    Attributes:
        version: The version that it names now.
        move: The alias, the versions before and after, by whom and when.
        warnings: What the owner should know: waived golden rows, repaired files.
    """

    version: Version
    move: Move
    warnings: list[Diagnostic] = field(default_factory=list)


def push(
    registry: Registry | Path | str, *, progress: Progress = ignore, **arguments: Unpack[PushArguments]
) -> Pushed:
    """Validates a model in a separate process, and adds it to a registry as a version that never changes.

        pushed = models.push(
            "shop/models/registry", model="card.onnx", name="card", golden="golden.csv", alias="challenger"
        )
        print(pushed.version or pushed.diagnostics)

    Args:
        registry: The registry, or its folder, which need not exist yet.
        progress: Called with the stages of validation.
        arguments: `model`, an ONNX file of one or several inputs of shape (rows, columns) and an output of
            scores, and `name`; further, files that are Parquet or CSV: `golden`, rows with a column for each
            bound attribute and a column `expected`, the trainer's scores from 0.0 to 1.0, and `background`,
            a sample of such rows without `expected`; and `binding`, `card` (YAML), `tolerance`, `budget_us`,
            `any_operator`, `workspace`, `form`, `is_dry_run`, `alias`, `waiver`, `by`; see
            `nextbest.models.pushing.push.Request`.

    Returns:
        The version, and the move of the alias that is named. Its `version` is None where the model is
        refused: `diagnostics` has all reasons, each with a code, a message and a remedy.

    Raises:
        OSError: A file cannot be read, or the registry cannot be written.
        ModelError: Another push or promotion came between, and the alias cannot name the version any more.
    """
    given: dict[str, Any] = dict(arguments)
    paths = {name: Path(given[name]) for name in _FILES if given.get(name) is not None}
    request = Request(**{**given, **paths})
    store = _open(registry)
    pushed = pushing.push(store, request, progress)
    if request.alias and pushed.version is not None and pushed.manifest is not None:
        waiver = Waiver(request.waiver)
        if request.is_dry_run:
            asked = Move(request.alias, "", pushed.version.digest, request.by, now())
            pushed.move = store.plan_promotion(pushed.manifest, asked, waiver)
        else:
            pushed.move = store.promote(pushed.version, request.alias, by=request.by, at=now(), waiver=waiver)
        pushed.diagnostics += without_golden(pushed.version.name, pushed.move)
    return pushed


def promote(
    registry: Registry | Path | str, reference: str, alias: str = CHAMPION, *, waiver: str = "", by: str = ""
) -> Promotion:
    """Lets an alias name a version; workspaces that name the alias take the version when they are compiled.

        models.promote("shop/models/registry", "card@challenger")

    Args:
        registry: The registry, or its folder.
        reference: `NAME@VERSION`: an alias, a SHA-256, or its first six digits or more.
        alias: `champion`, `challenger` or `shadow`.
        waiver: Why the version may be champion without golden rows; it is recorded.
        by: Who promotes; the user of this process if empty.

    Raises:
        ModelError: There is no such version (NB617), it is damaged (NB618) or retired (NB619), or it would be
            champion without golden rows and without a waiver (NB673).
    """
    store = _open(registry)
    name, at, wanted = reference.partition("@")
    if not at:
        remedy = f"give {name}@challenger, or {name}@ and the first digits of a version's SHA-256"
        raise ModelError(f"`{reference}` does not name a version", remedy, UNKNOWN)
    version = store.resolve(name, wanted)
    move = store.promote(
        version, alias, by=by or user(), at=now(), waiver=Waiver(waiver, is_first_waived=False)
    )
    return Promotion(version, move, [*without_golden(name, move), *repaired(store, version)])


def health(name: str, operator: "Operator", limits: Limits | None = None) -> Health:
    """Compares what a server has counted of a model with the background sample of its version.

        with nextbest.Operator("127.0.0.1:50052") as operator:
            health = models.health("card", operator)
        for drift in health.drifts:
            print(drift.what, drift.index, drift.verdict)

    Args:
        name: A model of the active bundle.
        operator: The server's control port.
        limits: The stability indices from which on a drift is a warning and an alert: 0.10 and 0.25 if None.

    Returns:
        The scores, then the features, those first that have drifted furthest.

    Raises:
        nextbest.errors.NotFound: The active bundle does not have such a model.
        nextbest.errors.NextbestError: The call failed.
    """
    answer = operator.model_health(name)
    return drift.examine(answer.models[0], answer.sample, datetime.now(UTC), limits)


def _open(registry: Registry | Path | str) -> Registry:
    return registry if isinstance(registry, Registry) else Registry(Path(registry))
