"""The environment as settings: every variable, its default, and the error for an invalid value."""

import math
import re
from dataclasses import MISSING, fields
from pathlib import Path

import pytest

from nextbest.cli.servers import serve
from nextbest.settings import DRAIN_GRACE_S, SettingError, Settings, otel, read
from nextbest.settings.limits import Limits
from nextbest.settings.table import SETTINGS, Group

ROOT = Path(__file__).parents[2]


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


def test_the_table_has_every_setting():
    own = {entry.name for entry in fields(Settings)} - {"limits", "otel"}
    limits = {entry.name for entry in fields(Limits)}
    assert {one.name for one in SETTINGS if one.group is not Group.LIMITS} == own
    assert {one.name for one in SETTINGS if one.group is Group.LIMITS} == limits
    assert all(one.meaning.endswith(".") for one in SETTINGS)
    assert len({one.name for one in SETTINGS}) == len(SETTINGS)


def test_the_table_leaves_defaults_of_python_to_settings():
    in_python = {entry.name for entry in fields(Settings) if entry.default not in (None, MISSING)}
    # Their values say less than the words of the table.
    assert {one.name for one in SETTINGS if not one.default} == in_python - {"on_decision_port", "workers"}


# Where the server has the default: the crate and the constant.
OF_THE_SERVER = {
    "answer_bytes_max": ("server", "ANSWERS_BYTES_MAX"),
    "connection_age_s": ("server", "AGE_MAX"),
    "connections_max": ("server", "CONNECTIONS_MAX"),
    "customers_bytes_max": ("store", "CUSTOMERS_BYTES_MAX"),
    "customers_max": ("store", "CUSTOMERS_MAX"),
    "handshake_s_max": ("server", "HANDSHAKE_MAX"),
    "health_sample": ("server", "HEALTH_SAMPLE"),
    "idle_s_max": ("server", "IDLE_MAX"),
    "in_flight_max": ("server", "IN_FLIGHT_MAX"),
    "index_bytes_max": ("engine", "INDEX_BYTES_MAX"),
    "intake_bytes_max": ("server", "INTAKE_BYTES_MAX"),
    "keepalive_s": ("server", "KEEPALIVE_INTERVAL"),
    "keepalive_timeout_s": ("server", "KEEPALIVE_TIMEOUT"),
    "message_s_max": ("server", "MESSAGE_TIME_MAX"),
    "peer_connections_max": ("server", "PEER_CONNECTIONS_MAX"),
    "reading_s_max": ("server", "READING_TIME_MAX"),
}
SECONDS = {"secs": 1, "mins": 60, "hours": 3_600}


def constant(crate, name):
    """The value of a constant of Rust: a product of whole numbers, or a duration in seconds."""
    sources = (ROOT / "rust" / crate / "src").rglob("*.rs")
    pattern = re.compile(rf"\bconst {name}: \w+ = ([^;]+);")
    (text,) = [found[1] for path in sources for found in pattern.finditer(path.read_text())]
    duration = re.fullmatch(r"Duration::from_(\w+)\((\d+)\)", text)
    if duration:
        return SECONDS[duration[1]] * int(duration[2])
    return math.prod(int(factor) for factor in text.split(" * "))


@pytest.mark.parametrize("name", OF_THE_SERVER)
def test_the_table_has_the_defaults_of_the_server(name):
    (setting,) = [one for one in SETTINGS if one.name == name]
    assert int(setting.default.replace(",", "")) == constant(*OF_THE_SERVER[name])


def test_every_number_that_is_a_default_of_the_server_is_compared():
    numbers = {one.name for one in SETTINGS if re.fullmatch(r"[\d,]+", one.default)}
    # That of the queue is not a constant, but a field of the exporter's settings.
    assert numbers - {"trace_queue_bytes"} == OF_THE_SERVER.keys()


def test_the_help_of_serve_names_every_variable_of_a_server():
    named = set(re.findall(r"NEXTBEST_\w+", serve.__doc__ or ""))
    assert {one.variable for one in SETTINGS if one.group is not Group.COMMANDS} <= named


def test_the_grace_leaves_time_to_drain():
    assert Settings().grace_s == DRAIN_GRACE_S
    assert Settings(drain_s_max=1.0).grace_s == 0.5
    assert Settings(drain_grace_s=0.8, drain_s_max=1.0).grace_s == 0.8
