"""The status of a server -> tables."""

from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.text import Text

from nextbest.layouts import Cell, Listing, name, number, pairs
from nextbest.wording import word_bytes, word_moment

if TYPE_CHECKING:
    from nextbest.client.operator import Status


def render_status(found: "Status") -> list[RenderableType]:
    """Renders the active bundle, the outcomes of calls, and the state of the server."""
    return [_running(found), _calls(found), _server(found)]


def _running(found: "Status") -> Listing:
    state = Text("draining", "yellow") if found.draining else Text("serving", "green")
    rows: dict[str, Cell] = {
        "state": state,
        "bundle": found.bundle_digest,
        "contents": f"{found.actions:,} actions, {found.models:,} models",
        "active since": word_moment(found.activated_at.replace(microsecond=0)),
        "because": found.bundle_reason,
        "customers": f"{found.customers:,} stored, {word_bytes(found.customers_bytes)}",
    }
    return pairs(found.workspace, rows.items())


def _calls(found: "Status") -> Listing:
    counts = {
        "decisions": found.decisions,
        "explanations": found.explanations,
        "refused: invalid": found.refused,
        "refused: too late": found.deadlines_exceeded,
        "refused: overloaded": found.shed,
        "refused: unauthenticated": found.security.unauthenticated,
        "refused: permission denied": found.security.permission_denied,
        "refused: not gRPC": found.transport.not_calls,
        "failed in the server": found.panics,
    }
    table = Listing((name("calls since the start"), number("count")), headless=False)
    for what, count in counts.items():
        table.add(what, f"{count:,}", style="bold red" if what == "failed in the server" and count else "")
    return table


def _server(found: "Status") -> Listing:
    spans, shadow = found.traces, found.shadow
    rows = {
        "under way": f"{found.in_flight:,} calls; {word_bytes(found.intake_bytes)} of messages arriving, "
        f"{word_bytes(found.answer_bytes)} of answers leaving",
        "connections": f"{found.connections:,} open of at most {found.transport.connections_max:,}; "
        f"{found.connections_accepted:,} accepted, {found.connections_refused:,} refused, "
        f"{found.security.handshakes_failed:,} failed TLS handshakes, "
        f"{found.transport.not_http2:,} not HTTP/2",
        "workers": f"{found.workers:,}",
        "policy index": f"{word_bytes(found.index_bytes)}, {found.kernel} instructions",
        "native scores": f"{shadow.compared:,} compared with ONNX Runtime's, {shadow.disagreed:,} differ"
        f"{f' (by {shadow.farthest:.1e} at most)' if shadow.farthest else ''}, {shadow.failed:,} failed",
        "spans": f"{spans.emitted:,} emitted = {spans.exported:,} exported + {spans.rejected:,} rejected "
        f"+ {spans.dropped:,} dropped + {spans.pending:,} pending; {spans.sampled_out:,} not sampled; "
        f"{found.failure_spans_suppressed:,} failed calls without a span",
        "log": f"{found.log_lines_dropped:,} lines dropped",
    }
    if found.export_error:
        rows["collector"] = f"does not accept spans: {found.export_error}"
    return pairs("Server", rows.items())
