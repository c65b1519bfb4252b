"""Two versions -> rows that both can score: the background sample or the golden rows of either.

Columns are matched by attribute where both versions are bound, and by place or by the input's name where one
of them is not: places of two bound versions may hold different attributes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from nextbest.models.refusal import ROWS, ModelError
from nextbest.models.rows import InputColumn, choose_columns, decode_table, inputs_of
from nextbest.registry.manifest import Manifest
from nextbest.registry.registry import Registry, Version

BACKGROUND = "background.parquet"
GOLDEN = "golden.parquet"
_FILES: Final = {BACKGROUND: "background sample", GOLDEN: "golden rows"}
_LISTED: Final = 5


@dataclass(frozen=True, slots=True)
class Sample:
    """Rows, and what each version takes of them.

    Attributes:
        what: `background sample of card@1a2b3c4d5e6f`.
        rows: How many there are.
        columns: For each version, in their order, the columns that it takes, by their first names.
        filled: Columns that the rows do not have, where every row gets the binding's value for missing
            attributes.
    """

    what: str
    rows: int
    columns: tuple[dict[str, pl.Series], ...]
    filled: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Stored:
    """Rows that were pushed with a version."""

    what: str
    is_golden: bool
    is_newer: bool
    frame: pl.DataFrame
    is_bound: bool
    columns_by_name: Mapping[str, str]
    """Of every name that its own version gives a column, the column of the frame."""


def shared_sample(registry: Registry, versions: Sequence[Version], manifests: Sequence[Manifest]) -> Sample:
    """Finds rows that two versions can score.

    Rows that have every column come before rows with replaced values, background samples before golden rows,
    then more rows before fewer, then those of the version that was pushed later.

    Raises:
        ModelError: NB663: there are none; the message lists what each lacks. NB618: a version is damaged.
    """
    found, reasons = [], []
    newer = max(manifest.pushed_at for manifest in manifests)
    for version, manifest in dict(zip(versions, manifests, strict=True)).items():
        stored = _stored(registry, version, manifest, is_newer=manifest.pushed_at == newer)
        if not stored:
            reasons += _absent(registry, version, manifest)
        for given in stored:
            sample, lacking = _fit(given, manifests)
            if sample is None:
                reasons.append(f"{given.what}: no {_listed(lacking)}")
            else:
                rank = (bool(sample.filled), given.is_golden, -sample.rows, not given.is_newer)
                found.append((rank, sample))
    if not found:
        message = f"no rows have the columns of both: {'; '.join(reasons)}"
        raise ModelError(message, "give rows that have them: --rows FILE", ROWS)
    return min(found, key=lambda ranked: ranked[0])[1]


def _absent(registry: Registry, version: Version, manifest: Manifest) -> list[str]:
    """Why a version has no rows."""
    fates = {what: registry.fate_of(version, manifest, file) for file, what in _FILES.items()}
    gone = [f"the {what} of {version} are not there ({fate})" for what, fate in fates.items() if fate]
    return gone or [f"{version} was pushed without rows"]


def choose_for_all(
    found: Mapping[str, pl.Series], manifests: Sequence[Manifest], what: str
) -> tuple[dict[str, pl.Series], ...]:
    """Of a file's columns, what each version takes, by first names.

    Raises:
        ModelError: NB663: one is not there, or a column would be another attribute for each version, as a
            place such as `features[0]` may be.
    """
    chosen = tuple(choose_columns(found, inputs_of(manifest), what) for manifest in manifests)
    names = {id(series): name for name, series in found.items()}
    meanings: dict[str, str] = {}
    for manifest, taken in zip(manifests, chosen, strict=True):
        for first, series in taken.items() if manifest.binding.inputs else ():
            name = names[id(series)]
            if (other := meanings.setdefault(name, first)) != first:
                both = f"`{other}` for one version and `{first}` for another"
                message = f"the column `{name}` of the {what} is {both}"
                raise ModelError(message, "name the columns by attribute", ROWS)
    return chosen


def _stored(registry: Registry, version: Version, manifest: Manifest, *, is_newer: bool) -> list[_Stored]:
    names = {
        name: column.names[0]
        for table in inputs_of(manifest)
        for column in table.columns
        for name in column.names
    }
    stored = []
    for file, kind in _FILES.items():
        data = registry.file(version, manifest, file)
        if data is not None:
            what = f"{kind} of {version}"
            frame = decode_table(data, what).frame
            stored.append(
                _Stored(what, file == GOLDEN, is_newer, frame, bool(manifest.binding.inputs), names)
            )
    return stored


def _fit(given: _Stored, manifests: Sequence[Manifest]) -> tuple[Sample | None, list[str]]:
    """The rows as a sample of all versions, else what they lack."""
    chosen: list[dict[str, pl.Series]] = []
    lacking: dict[str, None] = {}
    filled: dict[str, None] = {}
    for manifest in manifests:
        columns: dict[str, pl.Series] = {}
        for column in (column for table in inputs_of(manifest) for column in table.columns):
            first = column.names[0]
            series = _find(given, column, is_bound=bool(manifest.binding.inputs))
            if series is None and column.missing is None:
                lacking[first] = None
                continue
            if series is None:
                filled[first] = None
                series = pl.Series(first, [None] * len(given.frame), dtype=pl.Null)
            columns[first] = series
        chosen.append(columns)
    if lacking or not len(given.frame):
        return None, list(lacking)
    return Sample(given.what, len(given.frame), tuple(chosen), tuple(filled)), []


def _find(given: _Stored, column: InputColumn, *, is_bound: bool) -> pl.Series | None:
    """A column of the rows, by a name that means the same in both versions."""
    by_attribute = given.is_bound and is_bound
    for name in column.names[:1] if by_attribute else column.names:
        first = given.columns_by_name.get(name, "")
        if first in given.frame.columns and (first == name or not by_attribute):
            return given.frame[first]
    return None


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return ", ".join(f"`{name}`" for name in names[:_LISTED]) + more
