"""Each failure has its exit code, a message and a remedy, and never a traceback."""

import json
import socket

import pytest

from nextbest import workspace
from nextbest.bundle import seal
from nextbest.workspace.starter import write_starter


@pytest.fixture
def unused_address():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    return f"127.0.0.1:{port}"


@pytest.mark.parametrize(
    "command",
    [
        ("decide", "-c", "web", "-p", "hero", "--address"),
        ("explain", "gold-card", "-c", "web", "-p", "hero", "--address"),
        ("customers", "get", "c-1", "--address"),
        ("customers", "delete", "c-1", "--address"),
        ("customers", "upsert", "c-1", "-a", "age=1", "--address"),
        ("status", "--control-address"),
    ],
    ids=lambda command: " ".join(command[:2]),
)
def test_no_server(nextbest, unused_address, command):
    ran = nextbest(*command, unused_address)
    assert ran.code == 3
    assert ran.out == ""
    assert ran.err == (
        f"error: {unused_address} cannot be reached: Connection refused\n"
        " help: start one with `nextbest serve BUNDLE`, or name its address\n"
    )


def test_no_server_for_machines(nextbest, unused_address):
    ran = nextbest("status", "--control-address", unused_address, "--json")
    assert ran.code == 3
    error = json.loads(ran.err)["error"]
    assert error["message"] == f"{unused_address} cannot be reached: Connection refused"
    assert error["help"]


def test_an_answer_that_is_late(nextbest):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        ran = nextbest("decide", "-c", "web", "-p", "hero", "--address", address, "--timeout", "0.2")
    assert ran.code == 5
    assert f"no answer from {address} within 0.2 s" in ran.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("decide", "-c", "web", "-p", "hero=many"), "`hero=many` is not a placement"),
        (("decide", "-c", "web", "-p", "hero", "-a", "age"), "`age` is not an attribute"),
        (("decide", "-c", "web", "-p", "hero", "--now", "soon"), "`soon` is not a timestamp"),
        (
            ("decide", "-c", "web", "-p", "hero", "--now", "2026-12-25"),
            "2026-12-25T00:00:00Z, or decide here with --bundle",
        ),
        (("explain", "-c", "web", "-p", "hero", "--now", "2026-12-25T08:00"), "has no time zone"),
        (("decide", "-c", "web", "-p", "hero", "--explanation", "all"), "one of `none`, `funnel` and `full`"),
        (("load",), "there is no question to send"),
        (("load", "--requests", "nowhere.ndjson"), "cannot be read"),
        (("customers", "load", "nowhere.csv"), "cannot be read"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_errors_are_reported_before_anything_is_sent(nextbest, unused_address, arguments, message):
    ran = nextbest(*arguments, "--address", unused_address)
    assert ran.code in {2, 4}
    assert message in ran.err
    assert "Traceback" not in ran.err


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("not json", "line 1 of"),
        ('{"channel": "web"}', "is not a question"),
        ('{"channel": "web", "placements": ["hero"], "age": 1}', "is not a question"),
        ("", "does not hold a question"),
    ],
)
def test_files_of_questions(nextbest, tmp_path, line, message):
    (tmp_path / "q.ndjson").write_text(f"{line}\n")
    ran = nextbest("load", "--requests", tmp_path / "q.ndjson")
    assert ran.code == 2
    assert message in ran.err


def test_a_variable_that_cannot_be_used(nextbest, monkeypatch):
    monkeypatch.setenv("NEXTBEST_WORKERS", "two")
    ran = nextbest("status")
    assert ran.code == 2
    assert "NEXTBEST_WORKERS is `two`" in ran.err


def test_a_control_address_elsewhere_is_refused(nextbest, tmp_path):
    nextbest("init", tmp_path)
    ran = nextbest(
        "serve",
        tmp_path,
        "--control-address",
        "0.0.0.0:0",
        "--address",
        "127.0.0.1:0",
        "--health-address",
        "127.0.0.1:0",
    )
    assert ran.code == 2
    assert "without knowing its callers" in ran.err


def test_a_fault_of_nextbest_itself(nextbest, monkeypatch):
    def broken():
        raise ZeroDivisionError("of all things")

    monkeypatch.setattr("nextbest.cli.versions.metadata.version", lambda _: broken())
    ran = nextbest("version")
    assert ran.code == 70
    assert "a fault of nextbest itself: ZeroDivisionError: of all things" in ran.err
    assert "NEXTBEST_DEBUG=1" in ran.err
    assert "Traceback" not in ran.err
    monkeypatch.setenv("NEXTBEST_DEBUG", "1")
    assert "Traceback" in nextbest("version").err


@pytest.fixture(scope="module")
def bundle_file(tmp_path_factory):
    folder = tmp_path_factory.mktemp("settings")
    write_starter(folder / "shop")
    compiled = workspace.compile(folder / "shop").bundle
    (folder / "shop.bundle").write_bytes(seal(compiled).data)
    (folder / "text").write_text("no PEM")
    return folder / "shop.bundle"


@pytest.mark.parametrize(
    "wrong",
    [
        {"NEXTBEST_ADDRESS": "nowhere"},
        {"NEXTBEST_ADDRESS": "127.0.0.1:70000"},
        {"NEXTBEST_ADDRESS": "127.0.0.1:-1"},
        {"NEXTBEST_ADDRESS": f"unix:/tmp/{'x' * 200}"},
        {"NEXTBEST_ADDRESS": "unix:/no/such/folder"},
        {"NEXTBEST_ADDRESS": "192.0.2.1:5000"},
        {"NEXTBEST_HEALTH_ADDRESS": "x"},
        {"NEXTBEST_CONTROL_ADDRESS": "x"},
        {"NEXTBEST_CONTROL_ADDRESS": "127.0.0.1:70000"},
        {"NEXTBEST_WORKERS": "100000"},
        {"NEXTBEST_WORKERS": "9" * 40},
        {"NEXTBEST_WORKERS": "-1"},
        {"NEXTBEST_INDEX_BYTES_MAX": "9" * 40},
        {"NEXTBEST_IN_FLIGHT_MAX": "9" * 40},
        {"NEXTBEST_CONNECTIONS_MAX": "9" * 40},
        {"NEXTBEST_SHADOW_EVERY": "9" * 40},
        {"NEXTBEST_TRACE_QUEUE_BYTES": "9" * 40},
        {"NEXTBEST_HEALTH_SAMPLE": "9" * 40},
        {"NEXTBEST_KEEPALIVE_S": "0"},
        {"NEXTBEST_IDLE_S_MAX": "nan"},
        {"NEXTBEST_DRAIN_S_MAX": "inf"},
        {"NEXTBEST_KERNEL": "mmx"},
        {"NEXTBEST_ACCESS": "FOLDER"},
        {"NEXTBEST_ACCESS": "FOLDER/text"},
        {"NEXTBEST_ACCESS": "/no/such/file"},
        {"NEXTBEST_TLS_CERTIFICATE": "FOLDER/text"},
        {"NEXTBEST_TLS_CERTIFICATE": "FOLDER", "NEXTBEST_TLS_KEY": "FOLDER"},
        {"NEXTBEST_TLS_CERTIFICATE": "FOLDER/text", "NEXTBEST_TLS_KEY": "FOLDER/text"},
        {"NEXTBEST_STATE": "redis:x"},
        {"NEXTBEST_STATE": "/dev/null"},
        {"NEXTBEST_CUSTOMER_HASH_KEY": "short"},
    ],
    ids=lambda wrong: " ".join(f"{name}={value[:12]}" for name, value in wrong.items()),
)
def test_a_bad_setting_ends_with_2_and_a_remedy(nextbest, monkeypatch, bundle_file, wrong):
    ports = ("NEXTBEST_ADDRESS", "NEXTBEST_CONTROL_ADDRESS", "NEXTBEST_HEALTH_ADDRESS")
    for name, value in {**dict.fromkeys(ports, "127.0.0.1:0"), **wrong}.items():
        monkeypatch.setenv(name, value.replace("FOLDER", str(bundle_file.parent)))
    ran = nextbest("serve", bundle_file)
    assert ran.code == 2, ran.err
    assert "\n help: " in ran.err
    assert "a fault of nextbest itself" not in ran.err
