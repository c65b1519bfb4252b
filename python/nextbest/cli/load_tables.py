"""Reports of the load generator -> tables for people."""

from collections.abc import Mapping
from typing import Any, Final

from rich.console import RenderableType
from rich.text import Text

from nextbest.layouts import Listing, name, number
from nextbest.load.ramp import KEPT_UP, Climb
from nextbest.wording import word_percent

_PERCENTILES: Final = (("p50", "p50"), ("p90", "p90"), ("p99", "p99"), ("p999", "p99.9"), ("max", "max"))
_OWN: Final = ("UNANSWERED", "NOT_SENT")
"""The generator's names for requests without an answer, in addition to gRPC's statuses."""


def render_run(report: Mapping[str, Any], *, is_open: bool) -> list[RenderableType]:
    """Returns the tables of one run: latencies next to the machine's hiccups, outcomes, and errors."""
    table = Listing((name("µs"), *(number(label) for _, label in _PERCENTILES)))
    rows = [("OK, from when due", ""), ("OK, from when sent", "service_")]
    for label, prefix in rows if is_open else rows[1:]:
        table.add(label, *(_us(report[f"{prefix}{key}_us"]) for key, _ in _PERCENTILES))
    since = "due" if is_open else "sent"
    for status, latencies in report["error_latencies"].items():
        times = (_us(latencies[f"{key}_us"]) for key, _ in _PERCENTILES)
        table.add(f"{status}, from when {since}", *times, style="red")
    late = [("late to send", "lag_")] if is_open else []
    for label, prefix in [*late, ("hiccups of this machine", "hiccup_")]:
        times = (_us(report[f"{prefix}{key}_us"]) for key, _ in _PERCENTILES)
        table.add(label, *times, style="dim")
    per_s = f"{report['achieved_per_s']:,.0f}/s"
    lines = [f"{report['ok']:,} of {report['sent']:,} answered in {report['measured_s']:,.1f} s: {per_s}"]
    if report["reopened"]:
        lines.append(f"{report['reopened']:,} connections ended and were opened again")
    held_up = [_held_up(report)] if is_open and _held_up(report) else []
    return [table, *lines, *_failures([report]), *held_up]


def render_climb(found: Climb) -> list[RenderableType]:
    """Returns a row for each rate, and the conclusions."""
    columns = (
        number("due/s"),
        number("OK/s"),
        *(number(label) for _, label in _PERCENTILES[:4]),
        number("hiccup p99"),
        number("not OK"),
        number("p99 of it"),
    )
    table = Listing(columns)
    for step in found.steps:
        report = step.report
        times = (_us(report[f"{key}_us"]) for key, _ in _PERCENTILES[:4])
        failed = sum(report["errors"].values())
        slowest = max((each["p99_us"] for each in report["error_latencies"].values()), default=0.0)
        table.add(
            f"{step.rate_per_s:,.6g}",
            f"{report['achieved_per_s']:,.0f}",
            *times,
            _us(report["hiccup_p99_us"]),
            word_percent(failed / report["sent"]) if failed else "",
            _us(slowest) if failed else "",
            style="" if step.has_kept_up else "red",
        )
    failures = _failures([step.report for step in found.steps])
    return [table, "times in µs, from when a request was due", *failures, *_verdict(found)]


def _verdict(found: Climb) -> list[RenderableType]:
    lines: list[RenderableType] = []
    if found.saturated_per_s is not None:
        answered_per_s = found.beyond[0].report["achieved_per_s"]
        lines.append(
            f"at {found.saturated_per_s:,.6g}/s fewer than {KEPT_UP:.0%} were answered in time:"
            f" {answered_per_s:,.0f}/s"
        )
    if len(found.beyond) > 1:
        most = max(found.steps, key=lambda step: float(step.report["achieved_per_s"]))
        least = min(step.report["achieved_per_s"] for step in found.beyond)
        lines.append(
            f"goodput: {most.report['achieved_per_s']:,.0f}/s at most, at {most.rate_per_s:,.6g}/s due;"
            f" {least:,.0f}/s at least from {found.saturated_per_s:,.6g}/s on"
        )
    if found.knee_per_s is not None:
        lines.append(f"knee: {found.knee_per_s:,.6g}/s, where rate over p99 is greatest")
    elif found.kept and not found.beyond:
        lines.append(f"no knee up to {found.steps[-1].rate_per_s:,.6g}/s: latency has not bent yet")
    held_up = next(((step, text) for step in found.steps if (text := _held_up(step.report))), None)
    if held_up is not None:
        step, text = held_up
        lines.append(f"at {step.rate_per_s:,.6g}/s, {text}")
    if isinstance(found.ended_by, KeyboardInterrupt):
        lines.append("interrupted")
    return lines


def _held_up(report: Mapping[str, Any]) -> str:
    """What delayed requests before they were sent, if that is most of the 99th percentile; empty: nothing."""
    waited_us = report["p99_us"] - report["service_p99_us"]
    if waited_us <= report["p99_us"] / 2.0:
        return ""
    if report["lag_p99_us"] > waited_us / 2.0:
        return "this program was late, so it measured itself: give it a CPU core, or lower the rate"
    return "requests waited for the server's limit of calls per connection: try more --connections"


def _failures(reports: list[Mapping[str, Any]]) -> list[RenderableType]:
    counts: dict[str, int] = {}
    messages: dict[str, str] = {}
    for report in reports:
        for status, count in report["errors"].items():
            counts[status] = counts.get(status, 0) + count
        messages = {**report["messages"], **messages}
    lines: list[RenderableType] = []
    for status, count in counts.items():
        message = messages.get(status, "")
        if not message and status in _OWN:
            message = "no answer came before the end of the run"
        # The server's text is not markup.
        lines.append(Text.assemble((status, "red"), f" {count:,}", f": {message}" if message else ""))
    return lines


def _us(latency_us: float) -> str:
    # No answer, no latency.
    return f"{latency_us:,.0f}" if latency_us else "-"
