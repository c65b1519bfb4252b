"""Runs a server in this process, from its first bundle to its last answer.

The data plane's threads belong to Rust; this module starts it, opens the control port beside it, waits for a
signal and drains. The first SIGTERM or SIGINT lets calls under way finish; a second one ends the process at
once.
"""

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Protocol

from nextbest import _core, signals, telemetry
from nextbest.control import secrets
from nextbest.control.collector import CollectorWatch
from nextbest.control.guard import Event
from nextbest.control.metrics import INSTRUMENTS, ModelMetrics
from nextbest.control.service import ControlPort, ControlService
from nextbest.diagnostics.suggestion import one_of
from nextbest.models import locate_runtime
from nextbest.otel import Otel
from nextbest.settings import SettingError, Settings
from nextbest.telemetry import reporting


@dataclass(frozen=True, slots=True)
class Listening:
    """Where a server that has started can be reached, and what it runs."""

    decisions: str
    control: str
    health: str
    bundle_digest: str
    workspace: str
    actions: int
    models: int
    otlp_endpoint: str | None
    is_encrypted: bool
    callers: str


class Announcer(Protocol):
    """Tells whoever runs a server what happens to it."""

    def listening(self, where: Listening) -> None:
        """Everything listens."""

    def called(self, event: Event) -> None:
        """Somebody has called the control port; on any thread."""

    def renewed(self, what: str) -> None:
        """Certificates or the access file have changed; on any thread."""

    def warned(self, what: str) -> None:
        """A variable is not honoured, or a collector does not take what is exported; on any thread."""

    def draining(self, signal_name: str) -> None:
        """The drain begins, because of this signal."""


def serve(
    bundle: bytes,
    settings: Settings,
    announcer: Announcer,
) -> bool:
    """Serves until a signal ends it.

    Args:
        bundle: The bundle file's bytes.
        settings: Addresses, limits, where spans go.
        announcer: Told what happens.

    Returns:
        Whether all calls under way were answered.

    Raises:
        ListenError: The control address cannot be had.
        SettingError: This machine does not have the kernel that is asked for, or settings contradict each
            other.
        AccessError: The access file is none.
        OSError: Another address cannot be had.
        nextbest._core.BundleError: The bundle cannot be run.
    """
    _require_kernel(settings.kernel)
    found = secrets.read(settings)
    with signals.caught() as inbox:
        server = _core.Server(bundle, _core_settings(settings, found))
        try:
            service = ControlService(server, (_core.BundleError,))
            control = ControlPort(service, settings.control_address, found, announcer.called)
        except BaseException:
            server.shutdown(0.0)
            raise
        reporting.report_to(announcer.warned)
        telemetry.measure(settings.otel, INSTRUMENTS, ModelMetrics(server.model_health))
        watch = secrets.Watch(settings, found, partial(_use, server, control), announcer.renewed)
        announcer.listening(_listening(server, control, settings, found))
        for warning in settings.otel.warnings:
            announcer.warned(warning)
        collector = CollectorWatch(lambda: server.status()["export_error"], announcer.warned)
        announcer.draining(signal.Signals(inbox.wait()).name)
        watch.stop()
        collector.stop()
        drained = _drain(server, settings.drain_s_max, inbox)
        control.close()
    return drained


def _use(server: _core.Server, control: ControlPort, found: secrets.Secrets) -> None:
    # The data plane first: it refuses what cannot be used.
    if found.certificates is not None:
        server.renew(found.tls())
    if found.access is not None:
        server.grant(found.access.of_decisions())
    control.use(found)


def _require_kernel(kernel: str | None) -> None:
    available = _core.kernels()
    if kernel is not None and kernel not in available:
        raise SettingError(
            f"this machine cannot filter with NEXTBEST_KERNEL={kernel}: give {one_of(available)}, or none"
        )


def _drain(server: _core.Server, deadline_s: float, inbox: signals.Inbox) -> bool:
    """Drains on another thread, so that this one can take a second signal."""
    with ThreadPoolExecutor(1, "nextbest-drain") as executor:
        drained = executor.submit(server.shutdown, deadline_s)
        drained.add_done_callback(lambda _: inbox.wake())
        number = inbox.wait()
        if number:
            # Neither exit handlers nor destructors: whoever sends a second signal wants the process gone.
            os._exit(128 + number)
        return drained.result()


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
    server: _core.Server, control: ControlPort, settings: Settings, found: secrets.Secrets
) -> Listening:
    status = server.status()
    return Listening(
        decisions=server.decision_address,
        control=control.address,
        health=server.health_address,
        bundle_digest=status["bundle_digest"],
        workspace=status["workspace"],
        actions=status["actions"],
        models=status["models"],
        # What follows may be a token.
        otlp_endpoint=None if settings.otel.traces is None else settings.otel.traces.url.partition("?")[0],
        is_encrypted=found.certificates is not None,
        callers=_callers(found),
    )


def _callers(found: secrets.Secrets) -> str:
    if found.access is not None:
        return f"{len(found.access.callers)} in the access file"
    return "anybody with a certificate" if found.requires_certificates else "anybody"


def _core_settings(settings: Settings, found: secrets.Secrets) -> dict[str, Any]:
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
