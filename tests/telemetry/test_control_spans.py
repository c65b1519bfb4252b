"""Spans of the control plane: exported to the endpoint of the environment, and nowhere without one."""

import logging
import socket
import subprocess
import sys
import time

import pytest

from nextbest import telemetry
from nextbest.client.trace_context import metadata
from nextbest.settings import read
from nextbest.telemetry.reporting import Reporter

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def started(collector):
    telemetry.start(
        read(
            {
                "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{collector.address}",
                "OTEL_EXPORTER_OTLP_HEADERS": "api-key=s%20ecret",
                "OTEL_SERVICE_NAME": "bank-decisions",
            }
        ).otel
    )
    yield collector
    assert telemetry.stop()


def test_a_span_with_its_attributes(started):
    with telemetry.span("compile", workspace="bank", bundle_size_bytes=42) as found:
        found["bundle_digest"] = "ab12"
    assert telemetry.stop()
    (received,) = started.wait_for("nextbest.compile")
    assert received.attributes == {
        "nextbest.workspace": "bank",
        "nextbest.bundle_size_bytes": 42,
        "nextbest.bundle_digest": "ab12",
    }
    assert received.resource["service.name"] == "bank-decisions"
    assert received.scope == "nextbest"
    assert received.headers["api-key"] == "s ecret"
    assert received.span.end_time_unix_nano >= received.span.start_time_unix_nano


def test_the_callers_trace_is_the_parent(started):
    with telemetry.span("activate", parent={"traceparent": TRACEPARENT}), telemetry.span("verify"):
        inner = dict(metadata(None))["traceparent"]
    telemetry.stop()
    (activate,) = started.wait_for("nextbest.activate")
    (verify,) = started.wait_for("nextbest.verify")
    assert activate.span.trace_id.hex() == "0af7651916cd43dd8448eb211c80319c"
    assert activate.span.parent_span_id.hex() == "b7ad6b7169203331"
    assert verify.span.parent_span_id == activate.span.span_id
    assert inner == f"00-0af7651916cd43dd8448eb211c80319c-{verify.span.span_id.hex()}-01"


def test_a_failure_is_reported_without_its_text(started):
    with pytest.raises(ValueError, match="secret"), telemetry.span("check"):
        raise ValueError("secret of customer c-1")
    telemetry.stop()
    (received,) = started.wait_for("nextbest.check")
    assert received.span.status.message == "ValueError"
    assert b"secret of" not in b"".join(started.raw)


def test_nothing_is_loaded_where_nothing_is_set():
    code = """
import sys
from nextbest import settings, telemetry
from nextbest.client.trace_context import metadata
telemetry.start(settings.read({}).otel)
with telemetry.span("check", folder="x") as found:
    found["late"] = 1
assert metadata(None) == ()
assert telemetry.stop()
assert not [name for name in sys.modules if name.startswith("opentelemetry")]
"""
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


def test_an_exit_does_not_wait_for_a_collector_that_is_silent():
    # In a separate process: an abandoned export continues to retry, and draws random numbers for it.
    code = """
import sys, time
from nextbest import settings, telemetry
telemetry.start(settings.read({"OTEL_EXPORTER_OTLP_ENDPOINT": sys.argv[1]}).otel)
with telemetry.span("check"):
    pass
began = time.monotonic()
assert not telemetry.stop(timeout_s=0.3)
print(began)
"""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        ran = subprocess.run(
            [sys.executable, "-c", code, endpoint], capture_output=True, text=True, timeout=60, check=False
        )
        assert ran.returncode == 0, ran.stderr
        # The clock is the machine's, the same for all its processes.
        assert time.monotonic() - float(ran.stdout) < 2.0


def test_errors_of_exporters_are_logged_at_intervals():
    told = []
    reporter = Reporter(told.append, interval_s=3_600.0)
    for number in range(3):
        reporter.handle(logging.LogRecord("sdk", logging.WARNING, "", 0, "try %d", (number,), None))
    assert told == ["control-plane telemetry: try 0"]
