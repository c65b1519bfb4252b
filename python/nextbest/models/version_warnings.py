"""A version, and the moves of its aliases -> what their owner should know."""

from nextbest.diagnostics import Diagnostic, Severity
from nextbest.models.refusal import DAMAGED_VERSION, NO_GOLDEN
from nextbest.registry.aliases import CHAMPION, Move
from nextbest.registry.registry import Registry, Version


def without_golden(name: str, move: Move) -> list[Diagnostic]:
    """A warning of a champion whose golden rows were waived."""
    if not move.waiver:
        return []
    message = f"the champion {name}@{move.after[:12]} has no golden rows; waived by {move.by}: {move.waiver}"
    remedy = "push the next version with --golden: rows with the trainer's scores"
    return [Diagnostic(NO_GOLDEN, message, None, remedy, Severity.WARNING)]


def gone_back(store: Registry, version: Version, move: Move) -> list[Diagnostic]:
    """A warning of a rollback to a version without golden rows, which may be an emergency."""
    if move.alias != CHAMPION or store.manifest(version).report.golden is not None:
        return []
    message = f"the champion {version} was pushed without golden rows"
    remedy = "push the next version with --golden: rows with the trainer's scores"
    return [Diagnostic(NO_GOLDEN, message, None, remedy, Severity.WARNING)]


def repaired(store: Registry, version: Version) -> list[Diagnostic]:
    """A warning of each time that a version was damaged: what did it may do it again."""
    remedy = "find out what changed it: a disk, a copy or an editor may do it again"
    warnings = []
    for found in store.amendments(version.name).repairs.get(version.digest, []):
        files = ", ".join(found.files)
        message = f"the version {version} was damaged, and repaired by {found.by} on {found.at}: {files}"
        warnings.append(Diagnostic(DAMAGED_VERSION, message, None, remedy, Severity.WARNING))
    return warnings
