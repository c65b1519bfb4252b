"""Runs a server in this process, from its first bundle to its last answer.

The data plane's threads belong to Rust; this module starts it, opens the control port beside it, waits for a
signal and drains. The first signal that asks for an end lets calls under way finish; a second one ends the
process at once. SIGHUP reads certificates and the access file again.
"""

import resource
import signal
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Final, Protocol

from nextbest import _core, bundle, telemetry
from nextbest.diagnostics.suggestion import one_of
from nextbest.models import locate_runtime
from nextbest.serve import deciding, secret_files, signals, status
from nextbest.serve.conditions import Condition, ConditionWatch, Refusals
from nextbest.serve.control_port import ControlPort, ControlService
from nextbest.serve.deciding import Deciding
from nextbest.serve.guard import Event
from nextbest.serve.metrics import INSTRUMENTS, ModelMetrics
from nextbest.serve.state import State
from nextbest.serve.stopping import Budget, Stopped, stop
from nextbest.settings import SettingError, Settings
from nextbest.settings.otel import Otel
from nextbest.telemetry import reporting

FILES_MIN: Final = 128
"""Files that a process must be allowed to open."""
EXPLANATION_BYTES: Final = 40 * 1024 * 1024
"""Memory that is reserved for an explanation."""
WORKERS_MAX: Final = 1_024
"""Threads that decide; more than the cores of any machine."""


@dataclass(frozen=True, slots=True)
class Listening:
    """Where a server that has started can be reached, and what it runs."""

    decisions: str
    control: str
    health: str
    bundle_digest: str
    bundle_source: str
    bundle_reason: str
    workspace: str
    actions: int
    models: int
    otlp_endpoint: str | None
    is_encrypted: bool
    callers: str
    connections_max: int


class Announcer(Protocol):
    """Reports the events of a server to its operator."""

    def listening(self, where: Listening) -> None:
        """Everything listens."""

    def called(self, event: Event) -> None:
        """A call of the control port; on any thread."""

    def renewed(self, what: str) -> None:
        """Certificates or the access file have been read again; on any thread."""

    def warned(self, what: str) -> None:
        """A variable is not honoured, a collector takes nothing, what was kept is damaged; on any thread."""

    def activated(self, active: str, previous: str, reason: str) -> None:
        """A bundle was activated in place of another, and decides for this reason; on any thread."""

    def draining(self, signal_name: str) -> None:
        """The drain begins, because of this signal."""


def serve(
    file: bytes, settings: Settings, announcer: Announcer, lines_dropped: Callable[[], int] = lambda: 0
) -> Stopped:
    """Serves until a signal ends it.

    Args:
        file: The bundle file's bytes.
        settings: Addresses, limits, where spans go.
        announcer: Told what happens.
        lines_dropped: Counts lines of the log that were dropped.

    Returns:
        What the stop had to give up.

    Raises:
        ListenError: The control address cannot be used.
        SettingError: This machine does not have the kernel that is asked for, or settings contradict each
            other.
        AccessError: The access file is not one.
        StateError: The state folder cannot be used.
        OSError: Another address cannot be used.
        nextbest._core.BundleError: The bundle cannot be run.
    """
    _require(settings)
    found = secret_files.read(settings)
    with ExitStack() as stack:
        inbox = stack.enter_context(signals.armed())
        state = None if settings.state is None else stack.enter_context(State(settings.state))
        launch = partial(_launch, settings, found)
        server, start = deciding.begin(launch, file, state, (_core.BundleError,))
        # From here on there may be calls under way, which an end has to wait for.
        inbox.collect()
        try:
            decides = Deciding(server, bundle.digest(file), start, state, lines_dropped)
            service = ControlService(
                decides,
                (_core.BundleError,),
                lambda active, previous: announcer.activated(active, previous, decides.source.reason),
            )
            connections_max = status.read(server).transport.control_connections_max
            control = ControlPort(service, settings.control_address, found, announcer.called, connections_max)
        except BaseException:
            server.shutdown(0.0)
            raise
        reporting.report_to(announcer.warned)
        telemetry.measure(settings.otel, INSTRUMENTS, ModelMetrics(server.model_health))
        watch = secret_files.Watch(
            settings, found, partial(_use, server, control, announcer.warned), announcer.renewed
        )
        announcer.listening(_listening(decides, server, control, settings, found))
        for warning in (*filter(None, [start.warning]), *found.warnings(), *_warnings(settings, server)):
            announcer.warned(warning)
        conditions = ConditionWatch(_conditions(server), announcer.warned)
        while (number := inbox.wait()) == signal.SIGHUP:
            watch.look(signals.name(number))
        announcer.draining(signals.name(number))
        watch.stop()
        conditions.stop()
        budget = Budget(settings.drain_s_max, settings.grace_s, settings.otel.traces is not None)
        return stop(server, control, budget)


def _conditions(server: _core.Server) -> list[Condition]:
    return [
        Condition(
            lambda: status.read(server).export_error,
            "the collector does not take decisions' spans",
            "the collector takes decisions' spans again",
        ),
        Condition(
            Refusals(lambda: status.read(server)),
            "connections are refused",
            "no connections are refused any more",
        ),
    ]


def _warnings(settings: Settings, server: _core.Server) -> list[str]:
    warnings = []
    allowed, room = settings.limits.connections_max, status.read(server).transport.connections_max
    if allowed is not None and room < allowed:
        warnings.append(
            f"NEXTBEST_CONNECTIONS_MAX allows {allowed:,} connections, and the process's limit of open files "
            f"{room:,}: raise it (`ulimit -Hn`, LimitNOFILE)"
        )
    memory = settings.limits.answer_bytes_max
    if memory is not None and memory < EXPLANATION_BYTES:
        warnings.append(
            f"NEXTBEST_ANSWER_BYTES_MAX is {memory:,}: every explanation is refused, as one needs "
            f"{EXPLANATION_BYTES:,}"
        )
    return [*warnings, *settings.otel.warnings]


def _launch(settings: Settings, found: secret_files.Secrets, data: bytes) -> _core.Server:
    if settings.workers > WORKERS_MAX:
        raise SettingError(f"--workers (NEXTBEST_WORKERS) is {settings.workers:,}: give 0 to {WORKERS_MAX:,}")
    try:
        return _core.Server(data, _core_settings(settings, found))
    except _core.BundleError:
        raise
    except ValueError as error:
        # What Python's types let through: numbers beyond 64 bits, times of 0.
        raise SettingError(f"{error}: `nextbest serve --help` names the options and variables") from None


def _use(
    server: _core.Server, control: ControlPort, warn: Callable[[str], None], found: secret_files.Secrets
) -> None:
    # The data plane first: it refuses what cannot be used.
    if found.certificates is not None:
        server.renew(found.tls())
    if found.access is not None:
        server.grant(found.access.of_decisions())
    control.use(found)
    for warning in found.warnings():
        warn(warning)
    if control.requires_certificates != found.control_requires_certificates:
        asks = "no certificates" if control.requires_certificates else "certificates"
        warn(f"the control port asks for {asks} from a restart on, as other callers have keys now")


def _require(settings: Settings) -> None:
    _require_kernel(settings.kernel)
    _require_files()
    _require_time(settings)


def _require_kernel(kernel: str | None) -> None:
    available = _core.kernels()
    if kernel is not None and kernel not in available:
        raise SettingError(
            f"this machine cannot filter with NEXTBEST_KERNEL={kernel}: give {one_of(available)}, or none"
        )


def _require_files() -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most != resource.RLIM_INFINITY and most < FILES_MIN:
        raise SettingError(
            f"the process may open {most:,} files: a server needs {FILES_MIN:,} at least, and one more for "
            "each connection; raise the limit (`ulimit -Hn`, LimitNOFILE)"
        )


def _require_time(settings: Settings) -> None:
    if settings.grace_s > 0 and settings.grace_s >= settings.drain_s_max:
        raise SettingError(
            f"--drain-grace (NEXTBEST_DRAIN_GRACE_S) is {settings.grace_s:g} s, and stopping may take "
            f"{settings.drain_s_max:g} s in all, by --drain-max (NEXTBEST_DRAIN_S_MAX): make the grace "
            "shorter, or give stopping more time"
        )


def _export_settings(otel: Otel) -> dict[str, Any]:
    traces = otel.traces
    if traces is None:
        return {}
    return {
        "otlp_endpoint": traces.url,
        "otlp_protocol": traces.protocol,
        "otlp_headers": dict(traces.headers),
        "otlp_compressed": traces.compression == "gzip",
        "otlp_certificate": traces.certificate,
        "otlp_client_certificate": traces.client_certificate,
        "otlp_client_key": traces.client_key,
        "otlp_batch_spans_max": otel.batch_spans_max,
        "otlp_timeout_s": traces.timeout_s,
        "otlp_resource": dict(otel.resource),
        "otlp_sampler": otel.sampler,
        "otlp_sampler_ratio": otel.sampler_ratio,
        "otlp_delay_s": otel.batch_delay_s,
        "otlp_retry_s": otel.batch_timeout_s,
    }


def _listening(
    decides: Deciding,
    server: _core.Server,
    control: ControlPort,
    settings: Settings,
    found: secret_files.Secrets,
) -> Listening:
    runs = status.read(decides)
    return Listening(
        decisions=server.decision_address,
        control=control.address,
        health=server.health_address,
        bundle_digest=runs.bundle_digest,
        bundle_source=runs.bundle_source,
        bundle_reason=runs.bundle_reason,
        workspace=runs.workspace,
        actions=runs.actions,
        models=runs.models,
        # What follows may be a token.
        otlp_endpoint=None if settings.otel.traces is None else settings.otel.traces.url.partition("?")[0],
        is_encrypted=found.certificates is not None,
        callers=_callers(found),
        connections_max=runs.transport.connections_max,
    )


def _callers(found: secret_files.Secrets) -> str:
    if found.access is not None:
        return f"{len(found.access.callers)} in the access file"
    return "anybody with a certificate" if found.decisions_require_certificates else "anybody"


def _core_settings(settings: Settings, found: secret_files.Secrets) -> dict[str, Any]:
    given = {
        "address": settings.address,
        "health_address": settings.health_address,
        "health_on_decisions": "health" in settings.on_decision_port,
        "reflection_on_decisions": "reflection" in settings.on_decision_port,
        "workers": settings.workers,
        "kernel": settings.kernel,
        "index_bytes_max": settings.index_bytes_max,
        "in_flight_max": settings.in_flight_max,
        "late_models": settings.late_models,
        "shadow_every": settings.shadow_every,
        "health_sample": settings.health_sample,
        "onnxruntime_path": locate_runtime(),
        "customer_hash_key": settings.customer_hash_key,
        "trace_queue_bytes": settings.trace_queue_bytes,
        "drain_grace_s": settings.grace_s,
        **asdict(settings.limits),
        **_export_settings(settings.otel),
        **found.tls(),
        "access": None if found.access is None else found.access.of_decisions(),
    }
    return {name: value for name, value in given.items() if value is not None}
