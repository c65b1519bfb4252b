"""A real OTLP collector: gRPC, in this process, keeping every span and the metrics it is sent."""
# ruff: noqa: N802 - methods are named by the protocol

import gzip
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import grpc
import pytest
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2, metrics_service_pb2_grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc
from opentelemetry.proto.trace.v1 import trace_pb2

from nextbest import bundle, workspace
from nextbest.workspace.starter import write_starter


@dataclass
class Received:
    """A span with what it came with."""

    span: trace_pb2.Span
    resource: dict[str, object]
    scope: str
    headers: dict[str, str]

    @property
    def attributes(self):
        return attributes(self.span.attributes)


@dataclass
class Metrics(metrics_service_pb2_grpc.MetricsServiceServicer):
    requests: list[metrics_service_pb2.ExportMetricsServiceRequest] = field(default_factory=list)
    arrived: threading.Condition = field(default_factory=threading.Condition)

    def Export(self, request, context):
        self.take(request)
        return metrics_service_pb2.ExportMetricsServiceResponse()

    def take(self, request):
        with self.arrived:
            self.requests.append(request)
            self.arrived.notify_all()

    def wait_until(self, what, timeout_s=20.0):
        """Waits for an export whose points match a condition, and returns them."""
        with self.arrived:
            met = self.arrived.wait_for(lambda: self.requests and what(self.points()), timeout_s)
            assert met, self.points() if self.requests else "no metrics"
            return self.points()

    def resource(self):
        """Of the latest export."""
        (metrics,) = self.requests[-1].resource_metrics
        return attributes(metrics.resource.attributes)

    def points(self):
        """Of the latest export: by metric, values by their attributes."""
        found = {}
        for resource in self.requests[-1].resource_metrics:
            for metric in (metric for scope in resource.scope_metrics for metric in scope.metrics):
                data = getattr(metric, metric.WhichOneof("data"))
                found[metric.name] = {
                    tuple(sorted(attributes(point.attributes).items())): getattr(
                        point, point.WhichOneof("value")
                    )
                    for point in data.data_points
                }
        return found


@dataclass
class Collector(trace_service_pb2_grpc.TraceServiceServicer):
    address: str = ""
    spans: list[Received] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    arrived: threading.Condition = field(default_factory=threading.Condition)
    metrics: Metrics = field(default_factory=Metrics)

    def Export(self, request, context):
        self.take(request, dict(context.invocation_metadata()))
        return trace_service_pb2.ExportTraceServiceResponse()

    def take(self, request, headers):
        with self.arrived:
            self.raw.append(request.SerializeToString())
            for resource_spans in request.resource_spans:
                resource = attributes(resource_spans.resource.attributes)
                for scope_spans in resource_spans.scope_spans:
                    for span in scope_spans.spans:
                        self.spans.append(Received(span, resource, scope_spans.scope.name, headers))
            self.arrived.notify_all()

    def wait_for(self, name, count=1, timeout_s=20.0):
        """Returns the spans of a name, once there is this number of them."""
        with self.arrived:
            met = self.arrived.wait_for(lambda: len(self.named(name)) >= count, timeout_s)
            assert met, f"{count} spans `{name}` expected, got {[r.span.name for r in self.spans]}"
            return self.named(name)

    def named(self, name):
        return [received for received in self.spans if received.span.name == name]


def attributes(entries):
    return {entry.key: value(entry.value) for entry in entries}


def value(any_value):
    kind = any_value.WhichOneof("value")
    if kind == "array_value":
        return [value(item) for item in any_value.array_value.values]
    if kind == "kvlist_value":
        return attributes(any_value.kvlist_value.values)
    return getattr(any_value, kind) if kind else None


@contextmanager
def collecting(credentials=None):
    """Runs a collector over gRPC, in plain text or over TLS."""
    servicer = Collector()
    server = grpc.server(ThreadPoolExecutor(2))
    metrics_service_pb2_grpc.add_MetricsServiceServicer_to_server(servicer.metrics, server)
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(servicer, server)
    if credentials is None:
        port = server.add_insecure_port("127.0.0.1:0")
    else:
        port = server.add_secure_port("127.0.0.1:0", credentials)
    servicer.address = f"127.0.0.1:{port}"
    server.start()
    yield servicer
    server.stop(None).wait()


@contextmanager
def collecting_over_http(context=None):
    """Runs a collector over HTTP/1.1; `bodies` of it holds path, headers and bytes of each request."""
    servicer = Collector()
    servicer.bodies = []

    class Receiver(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Of the TLS handshake too: a peer that sends nothing must not hold up the end of a test.
        timeout = 20.0

        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            servicer.bodies.append((self.path, headers, body))
            message = gzip.decompress(body) if headers.get("content-encoding") == "gzip" else body
            if "metrics" in self.path:
                servicer.metrics.take(metrics_service_pb2.ExportMetricsServiceRequest.FromString(message))
            else:
                servicer.take(trace_service_pb2.ExportTraceServiceRequest.FromString(message), headers)
            self.send_response(200)
            self.send_header("content-type", "application/x-protobuf")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    servicer.address = f"127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield servicer
    server.shutdown()
    server.server_close()


@pytest.fixture
def starter(tmp_path):
    """A compiled workspace."""
    write_starter(tmp_path / "starter")
    compilation = workspace.compile(tmp_path / "starter")
    (tmp_path / "starter.bundle").write_bytes(bundle.seal(compilation.bundle).data)
    return tmp_path / "starter.bundle"


@pytest.fixture
def grpc_collector():
    return collecting


@pytest.fixture
def http_collector():
    return collecting_over_http


@pytest.fixture
def collector():
    with collecting() as servicer:
        yield servicer
