"""The results of a validation, in lines for people: each begins with what was checked."""

from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nextbest.models.report import Golden, Latency, Report, Spread


def golden(found: "Golden | None") -> str:
    """The distance of scores from the trainer's."""
    if found is None:
        return "golden    not compared: give rows with the trainer's scores, --golden"
    return (
        f"golden    {found.rows:,} rows, the largest difference is {found.difference:.1e} "
        f"(row {found.row}: {found.score:.6f}, expected {found.expected:.6f})"
    )


def independence(report: "Report", *, row_by_row: bool) -> str:
    """Whether a row's score is independent of other rows."""
    found = report.independence
    if found is None:
        how = "not tried: there are no rows"
    elif found.is_independent:
        how = f"{found.rows:,} have the same score alone, together and in another order"
    else:
        nodes = ", ".join(f"`{node}`" for node in found.nodes)
        how = f"they affect each other in one run{f' ({nodes})' if nodes else ''}"
    if row_by_row:
        is_needed = found is None or not found.is_independent
        how = f"scored one by one; {how}" + ("" if is_needed else ", so that `rows: one` is not needed")
    return f"rows      {how}"


def boundary(report: "Report") -> str:
    """Whether scores hold at the edges of trees."""
    found = report.boundary
    if found is None:
        return (
            "boundary  no trees" if not report.facts.tree_count else "boundary  not tried: there are no rows"
        )
    text = f"boundary  {found.tested:,} of {found.thresholds:,} thresholds, {found.rows:,} rows"
    if found.unanswered:
        text += f", {found.unanswered:,} without a score, for which the prior is used"
    return f"{text} ({found.reason})" if found.reason else text


def spread(found: "Spread | None") -> str:
    """The distribution of scores."""
    if found is None:
        return "spread    not checked: give a sample of rows, --background"
    missing = f", {found.unanswered / found.rows:.1%} without a score" if found.unanswered else ""
    return (
        f"spread    {found.rows:,} rows from {found.low:.4f} to {found.high:.4f}, mean {found.mean:.4f}, "
        f"deviation {found.deviation:.4f}{missing}"
    )


def latency(found: "Latency | None") -> str:
    """The time of a score."""
    if found is None:
        return "latency   not measured: there are no rows"
    text = (
        f"latency   {found.single_us:.1f} us for one row (p99 {found.single_us_p99:.1f}), "
        f"{found.batch_row_us:.3f} us a row of a hundred"
    )
    if found.onnxruntime_single_us is None or found.onnxruntime_batch_row_us is None:
        return text
    return f"{text}; ONNX Runtime {found.onnxruntime_single_us:.1f} and {found.onnxruntime_batch_row_us:.3f}"


def term(expires: str, expired: bool) -> str:  # noqa: FBT001 - what it is about
    """The term of a model card; empty if it has none."""
    return f"{expires} (expired)" if expired else expires


def stamp(at: str) -> str:
    """A time of a record, in this computer's time zone; other texts are unchanged."""
    from nextbest.wording import word_moment  # noqa: PLC0415 - loads what `--help` does not need

    try:
        return word_moment(datetime.fromisoformat(at))
    except ValueError:
        return at
