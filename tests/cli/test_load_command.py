"""What `nextbest load` shows, writes and refuses. The load generator itself is replaced by its figures."""

import json
import re
import struct
import sys

import pytest

from nextbest import _core
from nextbest.v1 import decision_pb2

QUESTION = ("-c", "web", "-p", "hero")


def figures(rate, p99_us, *, errors=None, messages=None):
    sent = int(rate)
    answered = sent - sum((errors or {}).values())
    times = {"p50_us": 100.0, "p90_us": 200.0, "p99_us": p99_us, "p999_us": 4e3, "max_us": 9e3}
    curve = [(0.0, 90.0, 1), (0.5, 100.0, sent // 2), (0.99, p99_us, sent - 1), (1.0, 9e3, sent)]
    return {
        "sent": sent,
        "ok": answered,
        "errors": errors or {},
        "error_latencies": {status: {**times, "p99_us": 700.0} for status in errors or {}},
        "messages": messages or {},
        "achieved_per_s": float(answered),
        "measured_s": 1.0,
        "reopened": 0,
        **times,
        **{f"service_{name}": value for name, value in times.items()},
        **{f"lag_{name}": value / 20 for name, value in times.items()},
        **{f"hiccup_{name}": value / 10 for name, value in times.items()},
        "distribution": curve,
        "service_distribution": curve,
        "hiccup_distribution": curve,
        "hgrm": "       Value     Percentile\n",
    }


@pytest.fixture
def asked(monkeypatch):
    """What the load generator was given; it answers at most 3,500 a second."""
    given = []

    def load(settings, *, watch):
        given.append(settings)
        rate = settings.get("rate_per_s") or 3_500.0
        if rate > 3_500.0:
            return figures(rate, 5e5, errors={"RESOURCE_EXHAUSTED": int(rate) - 3_500})
        return figures(rate, 300.0 if rate < 3_000.0 else 2_400.0)

    for name in ("NEXTBEST_API_KEY", "NEXTBEST_ADDRESS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(_core, "load", load)
    return given


def rows(text):
    """Of the table: cells are at least two spaces apart."""
    _, after = text.split("\n─", 1)
    lines = re.split(r"\n\s*\n", after, maxsplit=1)[0].splitlines()[1:]
    return [re.split(r"\s{2,}", line.strip()) for line in lines if line.strip()]


def test_a_run_shows_latencies_beside_hiccups(nextbest, asked):
    ran = nextbest("load", *QUESTION, "--rate", "2000")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("127.0.0.1:50051, 2,000/s\n")
    assert rows(ran.out) == [
        ["OK, from when due", "100", "200", "300", "4,000", "9,000"],
        ["OK, from when sent", "100", "200", "300", "4,000", "9,000"],
        ["late to send", "5", "10", "15", "200", "450"],
        ["hiccups of this machine", "10", "20", "30", "400", "900"],
    ]
    assert "2,000 of 2,000 answered in 1.0 s: 2,000/s" in ran.out
    assert asked[0]["address"] == "127.0.0.1:50051"
    assert (asked[0]["api_key"], asked[0]["tls_ca"]) == (None, None)


def test_a_closed_loop_has_no_due_time(nextbest, asked):
    ran = nextbest("load", *QUESTION, "--in-flight", "8")
    assert ran.code == 0
    assert "from when due" not in ran.out
    assert "late to send" not in ran.out
    assert (asked[0]["in_flight"], "rate_per_s" in asked[0]) == (8, False)


def test_a_ramp_ends_where_the_server_does(nextbest, asked):
    ran = nextbest("load", *QUESTION, "--ramp", "1000:9000:1000", "--duration", "2")
    assert (ran.code, ran.err) == (0, "")
    assert [settings["rate_per_s"] for settings in asked] == [1_000, 2_000, 3_000, 4_000]
    table = rows(ran.out)
    assert table[0] == ["1,000", "1,000", "100", "200", "300", "4,000", "30"]
    assert table[3] == ["4,000", "3,500", "100", "200", "500,000", "4,000", "50,000", "12.5 %", "700"]
    assert "RESOURCE_EXHAUSTED 500" in ran.out
    assert "at 4,000/s fewer than 95% were answered in time: 3,500/s" in ran.out
    assert "knee: 2,000/s" in ran.out
    assert "goodput" not in ran.out


def test_a_ramp_goes_on_beyond(nextbest, asked, tmp_path):
    picture = tmp_path / "ramp.png"
    ran = nextbest("load", *QUESTION, "--ramp", "3000:9000:1000", "--beyond", "2", "--png", picture)
    assert (ran.code, ran.err) == (0, "")
    assert [settings["rate_per_s"] for settings in asked] == [3_000, 4_000, 5_000, 6_000]
    # All steps together: 500, 1,500 and 2,500.
    assert "RESOURCE_EXHAUSTED 4,500" in ran.out
    assert "goodput: 3,500/s at most, at 4,000/s due; 3,500/s at least from 4,000/s on" in ran.out
    assert picture.exists()


def test_a_server_that_goes_away_leaves_what_was_measured(nextbest, asked, monkeypatch):
    def load(settings, *, watch):
        if settings["rate_per_s"] > 1_000.0:
            raise _core.ServerError("cannot connect to `127.0.0.1:50051`: gone")
        return figures(1_000.0, 300.0)

    monkeypatch.setattr(_core, "load", load)
    ran = nextbest("load", *QUESTION, "--ramp", "1000:3000:1000")
    assert ran.code == 3
    assert rows(ran.out)[0][:2] == ["1,000", "1,000"]
    assert "error: cannot connect to `127.0.0.1:50051`: gone" in ran.err


@pytest.mark.parametrize(
    ("p99s", "message"),
    [
        ((300.0, 290.0, 200.0), ""),
        ((300.0, 100.0, 150.0), "this program was late"),
        ((300.0, 100.0, 50.0), "the server's limit of calls per connection"),
    ],
)
def test_a_delay_of_this_program_is_reported(nextbest, monkeypatch, p99s, message):
    found = figures(1_000.0, 0.0) | dict(zip(("p99_us", "service_p99_us", "lag_p99_us"), p99s, strict=True))
    monkeypatch.setattr(_core, "load", lambda *_, **__: found)
    for pace in (("--rate", "1000"), ("--ramp", "1000:1000:1")):
        out = nextbest("load", *QUESTION, *pace).out
        assert message in out
        assert ("was late" in out or "requests waited" in out) == bool(message)


def test_a_deadline_goes_along(nextbest, asked):
    assert nextbest("load", *QUESTION).code == 0
    assert nextbest("load", *QUESTION, "--timeout", "0.25").code == 0
    assert [settings["timeout_s"] for settings in asked] == [None, 0.25]


def test_a_ramp_for_machines(nextbest, asked):
    ran = nextbest("load", *QUESTION, "--ramp", "1000:2000:1000", "--json")
    assert ran.code == 0
    found = json.loads(ran.out)
    assert [step["rate_per_s"] for step in found["steps"]] == [1_000, 2_000]
    assert found["steps"][0]["p99_us"] == 300.0
    assert "distribution" not in found["steps"][0]
    assert (found["knee_per_s"], found["saturated_per_s"], found["interrupted"]) == (None, None, False)


def test_failures_are_reported_in_the_servers_words(nextbest, monkeypatch):
    errors = {"INVALID_ARGUMENT": 100}
    words = {"INVALID_ARGUMENT": "no channel [b]fax[/b]"}
    monkeypatch.setattr(_core, "load", lambda *_, **__: figures(100, 0.0, errors=errors, messages=words))
    ran = nextbest("load", *QUESTION)
    assert ran.code == 5
    assert "INVALID_ARGUMENT 100: no channel [b]fax[/b]" in ran.out
    assert ["INVALID_ARGUMENT, from when due", "100", "200", "700", "4,000", "9,000"] in rows(ran.out)


def test_pictures_and_percentiles(nextbest, asked, tmp_path):
    run, ramp, text = tmp_path / "run.png", tmp_path / "ramp.png", tmp_path / "run.hgrm"
    ran = nextbest("load", *QUESTION, "--png", run, "--hgrm", text)
    assert (ran.code, ran.err) == (0, "")
    assert f"wrote {run}\nwrote {text}\n" in ran.out
    assert text.read_text() == "       Value     Percentile\n"
    assert nextbest("load", *QUESTION, "--ramp", "1000:5000:1000", "--png", ramp).code == 0
    for file, size in ((run, (1_040, 624)), (ramp, (1_040, 806))):
        data = file.read_bytes()
        assert data.startswith(b"\x89PNG")
        assert struct.unpack(">II", data[16:24]) == size


@pytest.mark.parametrize("option", ["--png", "--hgrm"])
def test_files_that_cannot_be_written_are_found_before_the_run(nextbest, asked, tmp_path, option):
    for name, cause in (("nowhere/file", "its folder does not exist"), ("", "it is a folder")):
        ran = nextbest("load", *QUESTION, option, tmp_path / name)
        assert (ran.code, ran.out) == (2, "")
        assert f"error: {option}: `{tmp_path / name}` cannot be written: {cause}" in ran.err
    assert asked == []


def test_a_file_that_cannot_be_written_after_all_hides_no_figures(nextbest, asked, tmp_path, monkeypatch):
    monkeypatch.setattr("os.access", lambda *_: True)
    monkeypatch.setattr("pathlib.Path.write_text", lambda *_, **__: tmp_path.open("w"))
    ran = nextbest("load", *QUESTION, "--hgrm", tmp_path / "run.hgrm")
    assert ran.code == 2
    assert "1,000 of 1,000 answered" in ran.out
    assert "cannot be written: Is a directory" in ran.err


def test_a_picture_of_failures_alone_is_drawn(nextbest, monkeypatch, tmp_path):
    found = {**figures(100, 300.0, errors={"INTERNAL": 100}), "distribution": [], "service_distribution": []}
    none = {name: 0.0 for name in found if name.startswith("p") and name.endswith("_us")}
    monkeypatch.setattr(_core, "load", lambda *_, **__: found | none)
    for more in ((), ("--ramp", "100:200:100")):
        assert nextbest("load", *QUESTION, "--png", tmp_path / "x.png", *more).code == 5
        assert (tmp_path / "x.png").exists()


def test_a_picture_needs_what_draws(nextbest, asked, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    ran = nextbest("load", *QUESTION, "--png", tmp_path / "x.png")
    assert (ran.code, asked) == (2, [])
    assert "pip install 'nextbest[plots]'" in ran.err


def test_certificates_and_keys_are_handed_over(nextbest, asked, monkeypatch, tmp_path):
    monkeypatch.setenv("NEXTBEST_API_KEY", "from-environment")
    for name in ("ca", "cert", "key"):
        (tmp_path / name).write_text(name)
    tls = ("--tls-ca", tmp_path / "ca", "--tls-cert", tmp_path / "cert", "--tls-key", tmp_path / "key")
    assert nextbest("load", *QUESTION, *tls, "--tls-name", "decisions").code == 0
    assert nextbest("load", *QUESTION, "--api-key", "given", "--address", "unix:/run/nextbest").code == 0
    first, second = asked
    assert [first[name] for name in ("tls_ca", "tls_cert", "tls_key")] == [b"ca", b"cert", b"key"]
    assert (first["tls_name"], first["api_key"]) == ("decisions", "from-environment")
    assert (second["api_key"], second["address"]) == ("given", "unix:/run/nextbest")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--ramp", "1000"), "--ramp: `1000` is not of the form from:to:step"),
        (("--ramp", "1:2:1", "--in-flight", "3"), "--ramp and --in-flight are alternatives"),
        (("--rate", "5", "--in-flight", "3"), "--rate and --in-flight are alternatives"),
        (("--beyond", "2"), "--beyond extends a ramp, and there is none"),
        (("--ramp", "1:2:1", "--hgrm", "x"), "--hgrm is for a single run"),
        (("--tls-name", "decisions"), "--tls-ca: without --tls-ca, the connection is not encrypted"),
        (("--tls-ca", "nowhere.pem"), "cannot be read"),
        (("--tls-ca", "x", "--tls-key", "y"), "a certificate needs its private key"),
    ],
)
def test_what_does_not_go_together(nextbest, asked, options, message):
    ran = nextbest("load", *QUESTION, *options)
    assert ran.code in {2, 4}
    assert message in ran.err
    assert asked == []


def test_an_invalid_certificate_names_the_option(nextbest, tmp_path):
    (tmp_path / "ca.pem").write_text("none")
    ran = nextbest("load", *QUESTION, "--tls-ca", tmp_path / "ca.pem")
    assert ran.code == 2
    assert "`tls_ca` holds no certificate in PEM form" in ran.err


def test_ctrl_c_keeps_the_steps_that_were_measured(nextbest, asked, monkeypatch):
    def interrupted(settings, follow):
        if settings["rate_per_s"] > 1_000.0:
            raise KeyboardInterrupt
        return figures(1_000.0, 300.0)

    monkeypatch.setattr("nextbest.load.run.run", interrupted)
    ran = nextbest("load", *QUESTION, "--ramp", "1000:3000:1000")
    assert ran.code == 130
    assert "interrupted\n" in ran.out
    assert rows(ran.out)[0][:2] == ["1,000", "1,000"]


def test_customers_whose_ids_cannot_be_asked_for_are_refused(nextbest, asked, tmp_path):
    (tmp_path / "c.csv").write_text("customer_id;age\n007;x\n;1\n")
    ran = nextbest("load", *QUESTION, "--customers", tmp_path / "c.csv", "--separator", ";")
    assert ran.code == 2
    assert f"row 2 of `{tmp_path / 'c.csv'}`: the id is missing" in ran.err
    assert asked == []
    (tmp_path / "c.csv").write_text("customer_id\n007\n7\n")
    assert nextbest("load", *QUESTION, "--customers", tmp_path / "c.csv").code == 0
    requests = [decision_pb2.DecideRequest.FromString(data) for data in asked[0]["requests"]]
    assert [request.customer_id for request in requests] == ["007", "7"]
