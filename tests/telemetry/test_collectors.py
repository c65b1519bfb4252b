"""Collectors over both protocols: TLS, certificates of both sides, headers, compression, no trust."""

import gzip
import json
import ssl
import time

import grpc
import pytest
import trustme

import nextbest
from nextbest.client.operator import Operator

QUESTION = {"channel": "web", "placements": {"hero": 1}}


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture
def files(authority, tmp_path):
    """The files of a client, by the variables that name them."""
    client = authority.issue_cert("nextbest.bank")
    parts = {
        "OTEL_EXPORTER_OTLP_CERTIFICATE": authority.cert_pem,
        "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": client.cert_chain_pems[0],
        "OTEL_EXPORTER_OTLP_CLIENT_KEY": client.private_key_pem,
    }
    for name, pem in parts.items():
        pem.write_to_path(tmp_path / name)
    return {name: str(tmp_path / name) for name in parts}


def _credentials(authority, *, asks=True):
    server = authority.issue_cert("127.0.0.1", "localhost")
    chain = (server.private_key_pem.bytes(), server.cert_chain_pems[0].bytes())
    return grpc.ssl_server_credentials([chain], authority.cert_pem.bytes() if asks else None, asks)


def _context(authority):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    return context


def _check_everything_arrives(serving, starter, collector):
    """One decision, one activation, and metrics: what each plane exports."""
    with nextbest.Client(serving.decisions, timeout_s=10.0) as client, Operator(serving.control) as operator:
        client.decide(**QUESTION)
        operator.activate(starter.read_bytes())
        (decide,) = collector.wait_for("nextbest.decide")
        (activate,) = collector.wait_for("nextbest.activate")
        collector.metrics.wait_until(lambda points: points)
        # It is counted when the answer has come.
        until = time.monotonic() + 20.0
        while not (status := operator.status()).traces.exported:
            assert time.monotonic() < until
    assert decide.resource == activate.resource == collector.metrics.resource()
    assert decide.headers["api-key"] == activate.headers["api-key"] == "k-1"
    assert (status.traces.exported, status.export_error) == (1, "")
    assert serving.stop()[0] == 0


COMMON = {"OTEL_EXPORTER_OTLP_HEADERS": "api-key=k-1", "OTEL_METRIC_EXPORT_INTERVAL": "200"}


def test_grpc_over_tls_with_certificates_of_both(start_serving, starter, grpc_collector, authority, files):
    with grpc_collector(_credentials(authority)) as collector:
        serving = start_serving(
            starter,
            OTEL_EXPORTER_OTLP_ENDPOINT=f"https://{collector.address}",
            OTEL_EXPORTER_OTLP_COMPRESSION="gzip",
            **COMMON,
            **files,
        )
        _check_everything_arrives(serving, starter, collector)


def test_grpc_with_the_authorities_of_the_system(start_serving, starter, grpc_collector, authority, files):
    with grpc_collector(_credentials(authority, asks=False)) as collector:
        serving = start_serving(
            starter,
            # Without a scheme it is TLS.
            OTEL_EXPORTER_OTLP_ENDPOINT=collector.address,
            SSL_CERT_FILE=files["OTEL_EXPORTER_OTLP_CERTIFICATE"],
            **COMMON,
        )
        _check_everything_arrives(serving, starter, collector)


def test_http_over_tls_with_certificates_of_both(start_serving, starter, http_collector, authority, files):
    with http_collector(_context(authority)) as collector:
        serving = start_serving(
            starter,
            OTEL_EXPORTER_OTLP_PROTOCOL="http/protobuf",
            OTEL_EXPORTER_OTLP_ENDPOINT=f"https://{collector.address}/otlp/",
            OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=f"https://{collector.address}/my-metrics?as=is",
            **COMMON,
            **files,
        )
        _check_everything_arrives(serving, starter, collector)
    assert {path for path, _, _ in collector.bodies} == {"/otlp/v1/traces", "/my-metrics?as=is"}


def test_http_compressed(start_serving, starter, http_collector):
    with http_collector() as collector:
        serving = start_serving(
            starter,
            OTEL_EXPORTER_OTLP_PROTOCOL="http/protobuf",
            OTEL_EXPORTER_OTLP_ENDPOINT=f"http://{collector.address}",
            OTEL_EXPORTER_OTLP_COMPRESSION="gzip",
            **COMMON,
        )
        _check_everything_arrives(serving, starter, collector)
    assert {path for path, _, _ in collector.bodies} == {"/v1/traces", "/v1/metrics"}
    for _, headers, body in collector.bodies:
        assert headers["content-encoding"] == "gzip"
        assert headers["content-type"] == "application/x-protobuf"
        assert headers["host"] == collector.address
        assert gzip.decompress(body)


def test_a_collector_that_is_not_trusted_gets_nothing(start_serving, starter, grpc_collector, files):
    with grpc_collector(_credentials(trustme.CA(), asks=False)) as collector:
        serving = start_serving(
            starter,
            OTEL_EXPORTER_OTLP_ENDPOINT=f"https://{collector.address}",
            NEXTBEST_DRAIN_S_MAX="2",
            **files,
        )
        until = time.monotonic() + 20.0
        with nextbest.Client(serving.decisions) as client, Operator(serving.control) as operator:
            client.decide(**QUESTION)
            while not (status := operator.status()).export_error:
                assert time.monotonic() < until
            assert "certificate" in status.export_error
            assert (status.traces.exported, status.traces.pending) == (0, 1)
        # Both planes say so, in lines of the server's own log.
        expected = {"the collector does not take decisions' spans", "control-plane telemetry"}
        for event in map(json.loads, serving.process.stdout):
            expected.discard(event.get("what", "").partition(":")[0])
            if not expected:
                break
        assert collector.spans == []
        code, _, error = serving.stop()
    # What the SDK of the control plane has to say does not go to standard error by itself.
    assert (code, error) == (0, "")
