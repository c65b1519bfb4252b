"""The variables of OpenTelemetry as settings: where each signal goes, as what, and how much of it."""

import re
from pathlib import Path

import pytest
import trustme

from nextbest import __version__
from nextbest.settings import otel
from nextbest.settings.otel import VARIABLES, Destination, Otel, Support
from nextbest.settings.variables import SettingError

PAGE = Path(__file__).parents[2] / "docs/operator/opentelemetry.md"
BASE = "OTEL_EXPORTER_OTLP_ENDPOINT"
TRACES = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
SAMPLER = "OTEL_TRACES_SAMPLER"


def _urls(**given):
    found = otel.read(given)
    return [destination and destination.url for destination in (found.traces, found.metrics)]


def test_nothing_set():
    assert otel.read({}) == Otel()
    assert Otel().traces is Otel().metrics is None
    # One for the whole process, however often it is asked for.
    assert Otel().resource == Otel().resource
    assert Otel().resource.keys() == {"service.name", "service.version", "service.instance.id"}


@pytest.mark.parametrize(
    ("given", "urls"),
    [
        ({BASE: "http://c:4317"}, ["http://c:4317"] * 2),
        ({BASE: "https://c"}, ["https://c:443"] * 2),
        ({BASE: "http://c:4317/ignored"}, ["http://c:4317"] * 2),
        ({BASE: "http://[::1]:4317"}, ["http://[::1]:4317"] * 2),
        ({BASE: "c:4317"}, ["https://c:4317"] * 2),
        ({BASE: "c:4317", "OTEL_EXPORTER_OTLP_INSECURE": "True"}, ["http://c:4317"] * 2),
        ({BASE: "https://c:4317", "OTEL_EXPORTER_OTLP_INSECURE": "true"}, ["https://c:4317"] * 2),
        (
            {BASE: "c:4317", "OTEL_EXPORTER_OTLP_METRICS_INSECURE": "true"},
            ["https://c:4317", "http://c:4317"],
        ),
        ({BASE: "http://c:1", TRACES: "http://t:2"}, ["http://t:2", "http://c:1"]),
        ({TRACES: "http://t:2"}, ["http://t:2", None]),
        ({BASE: "http://c:1", "OTEL_TRACES_EXPORTER": "none"}, [None, "http://c:1"]),
        ({BASE: "http://c:1", "OTEL_METRICS_EXPORTER": "prometheus"}, ["http://c:1", None]),
        ({BASE: "http://c:1", "OTEL_METRICS_EXPORTER": "console,otlp"}, ["http://c:1"] * 2),
        ({BASE: "http://c:1", "OTEL_SDK_DISABLED": "TRUE"}, [None, None]),
        ({BASE: "http://c:1", "OTEL_SDK_DISABLED": "yes"}, ["http://c:1"] * 2),
    ],
)
def test_where_signals_go(given, urls):
    assert _urls(**given) == urls


def test_how_signals_go():
    found = otel.read(
        {
            BASE: "http://c:1",
            "OTEL_EXPORTER_OTLP_HEADERS": "Api-Key=a%3Db, x=1,",
            "OTEL_EXPORTER_OTLP_METRICS_HEADERS": "only=metrics",
            "OTEL_EXPORTER_OTLP_TIMEOUT": "2500",
            "OTEL_EXPORTER_OTLP_METRICS_TIMEOUT": "0",
            "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION": "gzip",
        }
    )
    assert found.traces == Destination(
        url="http://c:1", headers={"api-key": "a=b", "x": "1"}, timeout_s=2.5, compression="gzip"
    )
    assert found.metrics == Destination(url="http://c:1", headers={"only": "metrics"}, timeout_s=86_400.0)
    assert "a=b" not in repr(found)


def test_the_process_has_one_name():
    found = otel.read(
        {
            "OTEL_RESOURCE_ATTRIBUTES": "service.name=lost,deployment.environment.name=pr%2Cod,team=a=b",
            "OTEL_SERVICE_NAME": "bank",
        }
    )
    assert found.resource == {
        "service.name": "bank",
        "service.version": __version__,
        "service.instance.id": Otel().resource["service.instance.id"],
        "deployment.environment.name": "pr,od",
        "team": "a=b",
    }
    given = otel.read({"OTEL_RESOURCE_ATTRIBUTES": "service.instance.id=nb-0,service.name=kept"}).resource
    assert (given["service.instance.id"], given["service.name"]) == ("nb-0", "kept")


def test_how_much_is_exported():
    found = otel.read(
        {
            SAMPLER: "parentbased_traceidratio",
            "OTEL_TRACES_SAMPLER_ARG": "0.25",
            "OTEL_BSP_SCHEDULE_DELAY": "100",
            "OTEL_BSP_MAX_QUEUE_SIZE": "4096",
            "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "64",
            "OTEL_BSP_EXPORT_TIMEOUT": "0",
            "OTEL_METRIC_EXPORT_INTERVAL": "1500",
            "OTEL_METRIC_EXPORT_TIMEOUT": "500",
            "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": "Delta",
        }
    )
    assert (found.sampler, found.sampler_ratio) == ("parentbased_traceidratio", 0.25)
    assert (found.batch_delay_s, found.queue_spans_max, found.batch_spans_max) == (0.1, 4096, 64)
    assert (found.batch_timeout_s, found.metric_interval_s, found.metric_timeout_s) == (86_400.0, 1.5, 0.5)
    assert found.temporality == "delta"


def test_certificates_are_read(tmp_path):
    authority = trustme.CA()
    client = authority.issue_cert("nextbest")
    authority.cert_pem.write_to_path(tmp_path / "ca")
    client.cert_chain_pems[0].write_to_path(tmp_path / "certificate")
    client.private_key_pem.write_to_path(tmp_path / "key")
    authority.issue_cert("other").private_key_pem.write_to_path(tmp_path / "other")
    files = {
        BASE: "https://c:1",
        "OTEL_EXPORTER_OTLP_CERTIFICATE": str(tmp_path / "ca"),
        "OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE": str(tmp_path / "certificate"),
        "OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY": str(tmp_path / "key"),
    }
    found = otel.read(files)
    assert found.traces.certificate == found.metrics.certificate == authority.cert_pem.bytes()
    assert found.traces.client_certificate == client.cert_chain_pems[0].bytes()
    assert (found.traces.client_key, found.metrics.client_key) == (client.private_key_pem.bytes(), None)
    assert "BEGIN" not in repr(found)
    for name, value, message in [
        ("OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY", "", "CLIENT_KEY is not set"),
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", str(tmp_path / "none"), "No such file"),
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", str(tmp_path / "key"), "holds no certificates"),
        ("OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY", str(tmp_path / "other"), "do not fit"),
        ("OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY", str(tmp_path / "ca"), "do not fit"),
    ]:
        changed = {key: text for key, text in {**files, name: value}.items() if text}
        with pytest.raises(SettingError, match=message):
            otel.read(changed)
    (warning, *_) = otel.read({**files, BASE: "http://c:1"}).warnings
    assert "OTEL_EXPORTER_OTLP_CERTIFICATE has no effect" in warning


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        (BASE, "http://", "is not a collector's address: give http://host:port"),
        (BASE, "ftp://c:1", "is not a collector's address"),
        (BASE, "http://c:port", "is not a collector's address"),
        (BASE, "http://c:1/a b", "is not a collector's address"),
        (BASE, "http://user:secret@c:1", "send them as OTEL_EXPORTER_OTLP_HEADERS"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json", "give `grpc`"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "secret", "give `key=value` pairs"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "a b=secret", "cannot be the name of a header"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "key-bin=secret", "cannot be the name of a header"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "key=s%0Aecret", "cannot be sent"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s", "give a whole number"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "zstd", "give `none` or `gzip`"),
        ("OTEL_RESOURCE_ATTRIBUTES", "prod", "give `key=value` pairs"),
        (SAMPLER, "jaeger_remote", "give `always_on`"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "0", "give milliseconds, 1 or more"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "1s", "give a whole number"),
        ("OTEL_BSP_SCHEDULE_DELAY", "0", "give milliseconds, 1 or more"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "0", "1 or greater"),
        ("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "up", "give `cumulative`"),
    ],
)
def test_what_cannot_be_used_is_named(name, value, message):
    with pytest.raises(SettingError, match=re.escape(message)) as caught:
        otel.read({BASE: "http://c:1", name: value})
    assert name in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_ratio_is_between_0_and_1():
    for text in ("2", "-0.1", "half", "nan"):
        with pytest.raises(SettingError, match="give a ratio, 0 to 1"):
            otel.read({SAMPLER: "traceidratio", "OTEL_TRACES_SAMPLER_ARG": text})


@pytest.mark.parametrize(
    ("name", "value", "warning"),
    [
        ("OTEL_PROPAGATORS", "b3", "OTEL_PROPAGATORS is set and not honoured: callers' `traceparent`"),
        ("OTEL_LOGS_EXPORTER", "otlp", "OTEL_LOGS_EXPORTER is set and not honoured: no logs"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "9", "is honoured in part: it bounds the control plane's spans"),
        ("OTEL_PYTHON_LOG_CORRELATION", "true", "OTEL_PYTHON_LOG_CORRELATION is set and not honoured"),
        ("OTEL_SDK_DISABLED", "1", "OTEL_SDK_DISABLED is `1` and counts as false"),
        ("OTEL_TRACES_EXPORTER", "console", "OTEL_TRACES_EXPORTER names `console`"),
        ("OTEL_TRACES_SAMPLER_ARG", "0.5", "OTEL_TRACES_SAMPLER_ARG has no effect"),
    ],
)
def test_what_is_not_honoured_is_warned_of(name, value, warning):
    (found,) = otel.read({name: value}).warnings
    assert warning in found


def test_nothing_else_is_warned_of():
    honoured = {
        BASE: "http://c:1",
        SAMPLER: "traceidratio",
        "OTEL_TRACES_SAMPLER_ARG": "0.5",
        "OTEL_SERVICE_NAME": "x",
    }
    assert otel.read(honoured).warnings == ()


def test_the_page_lists_every_variable():
    rows = re.findall(r"^\| `(OTEL_\w+)` \| (\w+) \|", PAGE.read_text(), re.MULTILINE)
    assert dict(rows) == {name: variable.support.value for name, variable in VARIABLES.items()}
    assert len(rows) == len(VARIABLES)


class _Asked(dict[str, str]):
    """Variables, and which of them were asked for."""

    def __init__(self, given):
        super().__init__(given)
        self.names = set()

    def get(self, name, default=None):
        self.names.add(name)
        return super().get(name, default)

    def __getitem__(self, name):
        self.names.add(name)
        return super().__getitem__(name)

    def __contains__(self, name):
        self.names.add(name)
        return super().__contains__(name)


def test_the_table_lists_what_is_read():
    asked = _Asked({BASE: "c:1", TRACES: "t:1", SAMPLER: "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.5"})
    otel.read(asked)
    read = {name for name in asked.names if name.startswith("OTEL_")}
    assert read == {name for name, variable in VARIABLES.items() if variable.support is not Support.NO}
