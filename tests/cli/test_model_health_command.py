"""What the owner of a model sees of a server: drift, and calibration where there are outcomes."""

import json
import re
import struct
import sys

import numpy as np
import polars as pl
import pytest

from nextbest.serve.control_port import ControlPort, ControlService
from nextbest.v1 import bundle_pb2, control_pb2, decision_pb2


def compared(current, reference=(5_000, 5_000), **more):
    def histogram(counts):
        return bundle_pb2.Histogram(counts=counts, **more or {"edges": range(len(counts) - 1)})

    return control_pb2.ComparedHistogram(
        current=histogram(current), reference=histogram(reference) if reference else None
    )


def answer(age):
    model = control_pb2.ModelHealth(
        name="card",
        version="ab" * 32,
        engine="native",
        since_us=1_780_000_000_000_000,
        decisions=1_000,
        scores=compared([1_500, 1_500]),
        features=[
            control_pb2.FeatureHealth(
                name="customer.segment",
                histogram=compared([400, 400, 200], (4_000, 4_000, 2_000), categories=["a$b", "x\x1b[2J"]),
            ),
            control_pb2.FeatureHealth(name="customer.age", histogram=compared(age)),
        ],
        degradations=[
            control_pb2.DegradationCount(kind=decision_pb2.DEGRADATION_KIND_DEADLINE, decisions=12)
        ],
        card_expires_us=1_577_836_800_000_000,
    )
    return control_pb2.ModelHealthResponse(sample=8, models=[model])


class DataPlane:
    """Returns the counts that a test sets."""

    def __init__(self):
        self.answer = answer([500, 500])

    def model_health(self):
        return self.answer.SerializeToString()


@pytest.fixture
def data_plane():
    return DataPlane()


@pytest.fixture
def target(data_plane):
    port = ControlPort(ControlService(data_plane, ()), "127.0.0.1:0")
    yield port.address
    port.close(0.0)


@pytest.fixture
def outcomes(tmp_path):
    source = np.random.default_rng(0)
    propensities = source.beta(1.2, 8.0, 4_000)
    frame = pl.DataFrame(
        {
            "propensity": propensities,
            "outcome": (source.random(4_000) < propensities).astype(int),
            "action": source.choice(["gold", "silver"], 4_000),
            "model": ["card"] * 3_000 + ["loan"] * 1_000,
        }
    )
    frame.write_parquet(tmp_path / "outcomes.parquet")
    return tmp_path / "outcomes.parquet"


def test_a_steady_model(nextbest, target):
    ran = nextbest("model", "health", "card", "--target", target)
    assert (ran.code, ran.err) == (0, "")
    assert "card@abababababab\nscored by   the native engine\n" in ran.out
    assert "decisions   1,000 counted (one in 8) since 2026-05-28 20:26:40 UTC" in ran.out
    assert "prior used  deadline 12\n" in ran.out
    assert "model card  expired on 2020-01-01\n" in ran.out
    score = next(line for line in ran.out.splitlines() if line.startswith("score  "))
    assert re.split(r"\s{2,}", score) == [
        "score", "0.000", "0.001", "3,000", "10,000", "0.0 %", "0.0 %", "steady"
    ]  # fmt: skip


def test_names_of_attributes_are_not_cut(nextbest, target, monkeypatch):
    monkeypatch.setenv("COLUMNS", "79")
    found = nextbest("model", "health", "card", "--target", target).out
    assert re.findall(r"^(?:score|customer\.\w+)(?=  )", found, re.MULTILINE) == [
        "score", "customer.age", "customer.segment"
    ]  # fmt: skip


def test_an_alert_ends_with_one(nextbest, target, data_plane):
    data_plane.answer = answer([900, 100])
    ran = nextbest("model", "health", "card", "--target", target, "--json")
    assert ran.code == 1
    found = json.loads(ran.out)["health"]
    assert found["alerts"] == ["customer.age"]
    assert [drift["what"] for drift in found["drifts"]] == ["score", "customer.age", "customer.segment"]
    assert found["drifts"][1]["index"] == pytest.approx(0.4 * np.log(9.0))
    assert (found["is_expired"], found["since"][:10]) == (True, "2026-05-28")
    assert nextbest("model", "health", "card", "--target", target, "--alert", "2").code == 0


def test_what_cannot_be_asked(nextbest, target):
    ran = nextbest("model", "health", "loan", "--target", target)
    assert ran.code == 4
    assert "has no model `loan`: it has `card`" in ran.err
    ran = nextbest("model", "health", "card", "--target", "127.0.0.1:9")
    assert ran.code == 3
    ran = nextbest("model", "health", "card", "--target", target, "--warn", "0.5")
    assert ran.code == 2
    assert "give --alert a greater number" in ran.err


def test_outcomes_need_no_server(nextbest, outcomes, monkeypatch):
    monkeypatch.setenv("NEXTBEST_CONTROL_ADDRESS", "127.0.0.1:9")
    ran = nextbest("model", "health", "card", "--outcomes", outcomes)
    assert (ran.code, ran.err) == (0, "")
    assert "no server was reached; name one with --target" in ran.out
    assert "\noutcomes     3,000\nexpected     1" in ran.out
    assert len([line for line in ran.out.splitlines() if re.search(r"[\d.]+ % to [\d.]+ %", line)]) == 12
    ran = nextbest("model", "health", "card", "--outcomes", outcomes, "--json")
    found = json.loads(ran.out)
    assert found["health"] is None
    calibration = found["calibration"]
    assert (len(calibration["bins"]), calibration["overall"]["rows"]) == (10, 3_000)
    assert calibration["actions"].keys() == {"gold", "silver"}
    assert 0.8 < calibration["overall"]["ratio"] < 1.2
    assert (calibration["overall"]["verdict"], calibration["alerts"]) == ("calibrated", [])
    # A server that is asked for by name has to be there.
    assert nextbest("model", "health", "card", "--outcomes", outcomes, "--target", "127.0.0.1:9").code == 3


def test_a_calibration_that_alerts_ends_with_one(nextbest, tmp_path, monkeypatch):
    monkeypatch.setenv("NEXTBEST_CONTROL_ADDRESS", "127.0.0.1:9")
    source = np.random.default_rng(0)
    propensities = source.beta(2, 15, 5_000)
    actions = [f"[/x]\x1b[2J{row % 31:02}" for row in range(5_000)]
    happened = (source.random(5_000) < 2.5 * propensities).astype(int)
    frame = pl.DataFrame({"propensity": propensities, "outcome": happened, "action": actions})
    frame.write_parquet(tmp_path / "bad.parquet")
    command = ("model", "health", "card", "--outcomes", tmp_path / "bad.parquet")
    ran = nextbest(*command)
    assert (ran.code, ran.err) == (1, "")
    assert "\nverdict      alert\n" in ran.out
    assert "calibration alerts: overall, decile 1, decile 2, decile 3" in ran.out
    assert "and 21 more actions: --json has them all" in ran.out
    assert "\x1b" not in ran.out
    found = json.loads(nextbest(*command, "--json").out)["calibration"]
    assert found["bins"][0]["verdict"] == "alert"
    assert found["alerts"][:2] == ["overall", "decile 1"]
    # By settings, it is a warning, or nothing.
    assert nextbest(*command, "--ratio-alert", "9").code == 0
    assert "\nverdict      warn\n" in nextbest(*command, "--ratio-alert", "9").out
    refused = nextbest(*command, "--ratio-warn", "2")
    assert refused.code == 2
    assert "give --ratio-alert a greater number" in refused.err


@pytest.mark.parametrize("columns", ["80", "200"])
def test_a_calibration_fits_the_terminal(nextbest, outcomes, monkeypatch, columns):
    monkeypatch.setenv("NEXTBEST_CONTROL_ADDRESS", "127.0.0.1:9")
    monkeypatch.setenv("COLUMNS", columns)
    ran = nextbest("model", "health", "card", "--outcomes", outcomes)
    rows = [line for line in ran.out.splitlines() if re.search(r"%  (calibrated|too few)$", line)]
    assert len(rows) == 12
    assert {len(re.split(r"\s{2,}", line)) for line in rows} == {7}
    assert max(map(len, rows)) <= 80


def test_few_outcomes_are_too_few(nextbest, tmp_path, monkeypatch):
    monkeypatch.setenv("NEXTBEST_CONTROL_ADDRESS", "127.0.0.1:9")
    rows = "".join(f"{0.01 * row},{int(row == 5)}\n" for row in range(1, 21))
    (tmp_path / "few.csv").write_text("propensity,outcome\n" + rows)
    ran = nextbest("model", "health", "card", "--outcomes", tmp_path / "few.csv")
    assert (ran.code, ran.err) == (0, "")
    assert "\nverdict      too few\n" in ran.out
    assert len([line for line in ran.out.splitlines() if line.endswith("%  too few")]) == 10


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("propensity,outcome\n0.5,2\n", "row 1 of the outcomes has no `outcome`"),
        ("propensity,outcome\n0.5,1\n1.5,1\n", "row 2 of the outcomes has no `propensity`"),
        ("propensity,outcome\n0.5,1\n0.5,\n", "row 2 of the outcomes has no `outcome`"),
        ("propensity,outcome\n", "there are no outcomes"),
        ("propensity\n0.5\n", "add it, with 1 where it happened, 0 where it did not; there are `propensity`"),
        ("outcome,propensities\n1,0.5\n", "did you mean `propensities`?"),
        ("propensity,outcome\nhigh,1\n", "row 1 of the outcomes, column `propensity`: `high` is not"),
        ("model,propensity,outcome\nloan,0.5,1\ncard,0.5,7\n", "row 2 of the outcomes has no `outcome`"),
        ("propensities,outcome\n0.5,1\n", "have no column `propensity`"),
        ("propensity,outcome,model\n0.5,1,loan\n", "no outcome is of the model `card`"),
    ],
)
def test_values_that_are_not_outcomes(nextbest, tmp_path, table, message):
    (tmp_path / "o.csv").write_text(table)
    ran = nextbest("model", "health", "card", "--outcomes", tmp_path / "o.csv")
    assert ran.code == 2
    assert message in ran.err
    assert "help: " in ran.err


def test_names_in_outcomes_are_text(nextbest, tmp_path, monkeypatch):
    # No server: one that listens at the default port has other models.
    monkeypatch.setenv("NEXTBEST_CONTROL_ADDRESS", f"unix:{tmp_path}/unused.sock")
    lines = ["model;action;propensity;outcome", *["007;01;0.5;true", "007;01;0.5;0"] * 50, "7;1;0.5;1"]
    (tmp_path / "o.csv").write_text("\n".join(lines))
    ran = nextbest("model", "health", "007", "--outcomes", tmp_path / "o.csv", "--separator", ";", "--json")
    calibration = json.loads(ran.out)["calibration"]
    assert calibration["overall"]["rows"] == 100
    assert calibration["actions"].keys() == {"01"}


def test_a_picture(nextbest, target, data_plane, outcomes, tmp_path):
    data_plane.answer = answer([900, 100])
    file = tmp_path / "health.png"
    ran = nextbest("model", "health", "card", "--target", target, "--outcomes", outcomes, "--png", file)
    assert (ran.code, ran.err) == (1, "")
    assert f"wrote {file}\n" in ran.out
    data = file.read_bytes()
    assert data.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", data[16:24])
    assert 1_000 < width < 2_000
    assert 500 < height < 2_000
    alone = nextbest("model", "health", "card", "--outcomes", outcomes, "--target", target, "--png", file)
    assert alone.code == 1


def test_a_picture_needs_what_draws(nextbest, target, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    ran = nextbest("model", "health", "card", "--target", target, "--png", tmp_path / "x.png")
    assert ran.code == 2
    assert "pip install 'nextbest[plots]'" in ran.err
    assert not (tmp_path / "x.png").exists()
