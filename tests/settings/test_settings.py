"""The environment as settings: every variable, its default, and what is said of one that cannot be used."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from nextbest.cli.servers import serve
from nextbest.settings import DRAIN_GRACE_S, SettingError, Settings, otel, read
from nextbest.settings.limits import Limits, variable


def test_nothing_set():
    assert read({}) == Settings()
    assert read({"NEXTBEST_ADDRESS": " ", "OTEL_EXPORTER_OTLP_ENDPOINT": ""}) == Settings()


def test_everything_set():
    assert read(
        {
            "NEXTBEST_ADDRESS": "0.0.0.0:1",
            "NEXTBEST_CONTROL_ADDRESS": "127.0.0.1:2",
            "NEXTBEST_HEALTH_ADDRESS": "0.0.0.0:3",
            "NEXTBEST_WORKERS": "4",
            "NEXTBEST_KERNEL": "portable",
            "NEXTBEST_INDEX_BYTES_MAX": "1000000",
            "NEXTBEST_HEALTH_SAMPLE": "16",
            "NEXTBEST_DRAIN_GRACE_S": "2.5",
            "NEXTBEST_DRAIN_S_MAX": "30",
            "NEXTBEST_IN_FLIGHT_MAX": "500",
            "NEXTBEST_LATE_MODELS": "refuse",
            "NEXTBEST_CONNECTIONS_MAX": "100",
            "NEXTBEST_PEER_CONNECTIONS_MAX": "10",
            "NEXTBEST_INTAKE_BYTES_MAX": "1000000",
            "NEXTBEST_ANSWER_BYTES_MAX": "2000000",
            "NEXTBEST_CUSTOMERS_MAX": "3000",
            "NEXTBEST_CUSTOMERS_BYTES_MAX": "4000000",
            "NEXTBEST_HANDSHAKE_S_MAX": "1",
            "NEXTBEST_MESSAGE_S_MAX": "2.5",
            "NEXTBEST_READING_S_MAX": "3",
            "NEXTBEST_IDLE_S_MAX": "4",
            "NEXTBEST_KEEPALIVE_S": "5",
            "NEXTBEST_KEEPALIVE_TIMEOUT_S": "6",
            "NEXTBEST_CONNECTION_AGE_S": "0",
            "NEXTBEST_TRACE_QUEUE_BYTES": "1048576",
            "NEXTBEST_CUSTOMER_HASH_KEY": "0123456789abcdef",
            "NEXTBEST_MODEL_REGISTRY": "/srv/models",
            "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4317",
            "NEXTBEST_DEBUG": "1",
        }
    ) == Settings(
        address="0.0.0.0:1",
        control_address="127.0.0.1:2",
        health_address="0.0.0.0:3",
        workers=4,
        kernel="portable",
        index_bytes_max=1_000_000,
        health_sample=16,
        drain_grace_s=2.5,
        drain_s_max=30.0,
        in_flight_max=500,
        late_models="refuse",
        limits=Limits(
            connections_max=100,
            peer_connections_max=10,
            intake_bytes_max=1_000_000,
            answer_bytes_max=2_000_000,
            customers_max=3_000,
            customers_bytes_max=4_000_000,
            handshake_s_max=1.0,
            message_s_max=2.5,
            reading_s_max=3.0,
            idle_s_max=4.0,
            keepalive_s=5.0,
            keepalive_timeout_s=6.0,
            connection_age_s=0.0,
        ),
        trace_queue_bytes=1_048_576,
        customer_hash_key=b"0123456789abcdef",
        model_registry=Path("/srv/models"),
        otel=otel.read({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4317"}),
        debug=True,
    )


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("NEXTBEST_WORKERS", "two", "NEXTBEST_WORKERS is `two`: give a whole number"),
        ("NEXTBEST_WORKERS", "-1", "give a whole number"),
        ("NEXTBEST_KERNEL", "sse", "NEXTBEST_KERNEL is `sse`: give `avx512`, `avx2` or `portable`"),
        ("NEXTBEST_LATE_MODELS", "drop", "NEXTBEST_LATE_MODELS is `drop`: give `degrade` or `refuse`"),
        ("NEXTBEST_IN_FLIGHT_MAX", "many", "give a whole number"),
        ("NEXTBEST_INDEX_BYTES_MAX", "1 GB", "give a whole number"),
        ("NEXTBEST_HEALTH_SAMPLE", "some", "give a whole number"),
        ("NEXTBEST_HEALTH_SAMPLE", "4294967296", "give 0 to 1,000,000"),
        ("NEXTBEST_DRAIN_S_MAX", "soon", "give seconds, 0 to 86400"),
        ("NEXTBEST_DRAIN_GRACE_S", "nan", "give seconds, 0 to 86400"),
        ("NEXTBEST_CONNECTIONS_MAX", "0", "give a whole number, 1 or greater"),
        ("NEXTBEST_IDLE_S_MAX", "-1", "give seconds, 0 to 86400"),
        ("NEXTBEST_TRACE_QUEUE_BYTES", "1 MB", "give a whole number"),
        ("NEXTBEST_CUSTOMER_HASH_KEY", "short", "openssl rand -hex 32"),
    ],
)
def test_what_cannot_be_used_is_named(name, value, message):
    with pytest.raises(SettingError, match=re.escape(message)) as caught:
        read({name: value})
    assert name in str(caught.value)


def test_secrets_are_not_shown():
    assert "0123456789abcdef" not in repr(read({"NEXTBEST_CUSTOMER_HASH_KEY": "0123456789abcdef"}))


def test_every_setting_is_documented():
    for kind in (Settings, Limits):
        for entry in fields(kind):
            assert f"{entry.name}: " in (kind.__doc__ or "")


def test_every_limit_stands_in_the_help_of_serve():
    for entry in fields(Limits):
        assert variable(entry.name) in (serve.__doc__ or "")


def test_the_grace_leaves_time_to_drain():
    assert Settings().grace_s == DRAIN_GRACE_S
    assert Settings(drain_s_max=1.0).grace_s == 0.5
    assert Settings(drain_grace_s=0.8, drain_s_max=1.0).grace_s == 0.8
