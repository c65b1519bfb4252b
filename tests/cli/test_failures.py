"""Each failure has its exit code, a message and a remedy, and never a traceback."""

import json
import socket

import pytest


@pytest.fixture
def nobody():
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
def test_no_server(nextbest, nobody, command):
    ran = nextbest(*command, nobody)
    assert ran.code == 3
    assert ran.out == ""
    assert ran.err == (
        f"error: {nobody} cannot be reached: Connection refused\n"
        " help: start one with `nextbest serve BUNDLE`, or name its address\n"
    )


def test_no_server_for_machines(nextbest, nobody):
    ran = nextbest("status", "--control-address", nobody, "--json")
    assert ran.code == 3
    error = json.loads(ran.err)["error"]
    assert error["message"] == f"{nobody} cannot be reached: Connection refused"
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
        (("decide", "-c", "web", "-p", "hero=many"), "`hero=many` is no placement"),
        (("decide", "-c", "web", "-p", "hero", "-a", "age"), "`age` is no attribute"),
        (("decide", "-c", "web", "-p", "hero", "--now", "soon"), "`soon` is no timestamp"),
        (("decide", "-c", "web", "-p", "hero", "--explanation", "all"), "one of `none`, `funnel` and `full`"),
        (("load",), "nothing to ask for"),
        (("load", "--requests", "nowhere.ndjson"), "cannot be read"),
        (("customers", "load", "nowhere.csv"), "cannot be read"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_is_wrong_is_said_before_anything_is_sent(nextbest, nobody, arguments, message):
    ran = nextbest(*arguments, "--address", nobody)
    assert ran.code in {2, 4}
    assert message in ran.err
    assert "Traceback" not in ran.err


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("not json", "line 1 of"),
        ('{"channel": "web"}', "is no question"),
        ('{"channel": "web", "placements": ["hero"], "age": 1}', "is no question"),
        ("", "holds no question"),
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
    assert ran.code == 6
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
