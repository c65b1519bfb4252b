"""`nextbest model evaluate`."""
# ruff: noqa: PLC0415 - a command loads what it needs when it runs, so that `--help` answers at once

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nextbest.cli.csv_form import Encoding, Separator, form
from nextbest.cli.exit_codes import ExitCode
from nextbest.cli.help_text import add_command
from nextbest.cli.models.calibrations import plain_calibration
from nextbest.cli.models.evaluation_tables import calibration_table, gain_table, measure_table, sentences
from nextbest.cli.models.registries import (
    Reference,
    RegistryFolder,
    Workspace,
    check_readable,
    find,
    open_registry,
    refusing,
)
from nextbest.cli.output import CommandError, Json, is_for_machines, say, show, write_json
from nextbest.cli.pictures import Png, require_plots
from nextbest.cli.progress import following

if TYPE_CHECKING:
    from rich.console import RenderableType

    from nextbest.models.evaluation import Evaluation
    from nextbest.registry.registry import Registry, Version


@dataclass(frozen=True, slots=True)
class Contestant:
    """A version that is evaluated.

    Attributes:
        version: It.
        title: `champion`, `challenger`, or the version's first digits.
    """

    version: "Version"
    title: str


def register(group: typer.Typer) -> None:
    """Adds the command."""
    examples = (
        "nextbest model evaluate card-propensity rows.parquet --label bought",
        "nextbest model evaluate card-propensity rows.csv --label answer --positive yes --png gain.png",
        "nextbest model evaluate card@1a2b3c rows.parquet --label bought --against card@4d5e6f --json",
    )
    add_command(group, evaluate, *examples)


def evaluate(  # noqa: PLR0913 - one parameter an option
    reference: Reference,
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="Parquet or CSV: a column for each attribute, and the label."),
    ],
    *,
    label: Annotated[str, typer.Option("--label", help="Column of the outcome: 1 and 0, or true and false.")],
    positive: Annotated[
        str, typer.Option("--positive", help="Its value for positive rows; all other values are negative.")
    ] = "",
    against: Annotated[
        str,
        typer.Option(
            "--against", metavar="NAME@VERSION", help="Compare with this version, on the same rows."
        ),
    ] = "",
    separator: Separator = "",
    encoding: Encoding = "",
    png: Png = None,
    workspace: Workspace = Path(),
    registry: RegistryFolder = None,
    json: Json = False,  # noqa: ARG001 - chooses by its callback
) -> None:
    """Evaluate a version on rows whose outcome is known, and compare two versions on the same rows.

    Without a version, the champion is evaluated, and compared with the challenger if there is one. Give rows
    that neither was trained on: a model looks better on rows that it has seen.

    AUC, log loss and Brier score come with 95 % intervals: DeLong's for the AUC and the difference of two
    AUCs, the normal approximation of paired differences for the others. A difference is significant if its
    interval does not contain zero. Calibration is judged as `model health --outcomes` does; the gain table
    shows how many of the positive rows are among those with the highest scores. Rows without a score from one
    of the versions are left out for both, and counted. Of a file with more than 200,000 rows, 200,000 are
    used, evenly spread over the file. The exit code is 0 whatever the result.
    """
    from nextbest.models.evaluation import WHAT, Question
    from nextbest.models.evaluation import evaluate as evaluate_versions
    from nextbest.models.rows import read_columns

    if png is not None:
        require_plots()
    check_readable(file, "FILE")
    store = open_registry(workspace, registry)
    with refusing():
        contestants = _contestants(store, reference, against)
        columns = read_columns(file, WHAT, form(separator, encoding))
        question = Question([found.version for found in contestants], columns, label, positive)
        with following() as progress:
            found = evaluate_versions(store, question, progress)
    if png is not None:
        from nextbest.charts.evaluation import draw

        draw(png, [(one.title, str(one.version)) for one in contestants], found)
    if is_for_machines():
        write_json(_plain(contestants, found, label))
        return
    show(*_render(contestants, found, f"{file}, label `{label}`"))
    if png is not None:
        say(f"wrote {png}")


def _contestants(store: "Registry", reference: str, against: str) -> list[Contestant]:
    """The versions to evaluate.

    Raises:
        CommandError: A version is to be compared with itself.
        ModelError: There is no such version.
    """
    name, at, _ = reference.partition("@")
    first, second = find(store, reference), None
    named = store.aliases(name).named
    if against:
        second = find(store, against)
        if second == first:
            remedy = "give another version with --against"
            raise CommandError(f"both versions are {first}", remedy, ExitCode.USAGE, "--against")
    elif not at and named.get("challenger", first.digest) != first.digest:
        second = store.resolve(name, "challenger")
    return [Contestant(version, _title(store, version)) for version in (first, second) if version is not None]


def _title(store: "Registry", version: "Version") -> str:
    aliases = store.aliases(version.name).of(version.digest)
    return aliases[0] if aliases else version.digest[:12]


def _plain(contestants: list[Contestant], found: "Evaluation", label: str) -> dict[str, Any]:
    from nextbest.cli.output import plain

    def of_one(place: int, one: Contestant) -> dict[str, Any]:
        performance = found.performances[place]
        return {
            "name": one.version.name,
            "version": one.version.digest,
            "title": one.title,
            "unscored": found.unscored[place],
            **{what: plain(getattr(performance, what)) for what in ("auc", "log_loss", "brier", "gain")},
            "calibration": plain_calibration(performance.calibration),
        }

    return {
        "label": label,
        "positive": found.positive,
        "rows": found.rows,
        "positives": found.positives,
        "file_rows": found.file_rows,
        "sampled_rows": found.sampled_rows,
        "versions": [of_one(place, one) for place, one in enumerate(contestants)],
        "differences": plain(found.differences),
        "verdict": sentences([one.title for one in contestants], found),
    }


def _render(contestants: list[Contestant], found: "Evaluation", of_what: str) -> "list[RenderableType]":
    from nextbest.layouts import paragraph
    from nextbest.wording import word_percent

    titles = [one.title for one in contestants]
    positive = f" (positive: `{found.positive}`)" if found.positive else ""
    rate = word_percent(found.positives / found.rows, 3)
    lines = [f"{' and '.join(str(one.version) for one in contestants)} on {of_what}{positive}"]
    if found.sampled_rows < found.file_rows:
        sampled = f"{found.sampled_rows:,} of {found.file_rows:,} rows are used"
        lines.append(f"{sampled}, evenly spread over the file")
    lines.append(f"{found.rows:,} rows with a score, {found.positives:,} of them positive ({rate})")
    lines += [
        f"{unscored:,} rows have no score from {title}: left out; a server uses the prior there"
        for title, unscored in zip(titles, found.unscored, strict=True)
        if unscored
    ]
    return [
        *map(paragraph, lines),
        "",
        measure_table(titles, found),
        gain_table(titles, found),
        calibration_table(titles, found),
        *map(paragraph, sentences(titles, found)),
    ]
