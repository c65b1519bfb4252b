"""`nextbest model evaluate`: what it shows, which versions it takes, and what it refuses."""

import json
import re
import struct

import numpy as np
import polars as pl
import pytest
from registered import logistic, publish

from nextbest.registry.registry import Registry

A, B = "customer.a", "customer.b"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A champion, a challenger that knows more, and rows."""
    (tmp_path / "workspace.yaml").write_text("name: shop\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NEXTBEST_MODEL_REGISTRY", raising=False)
    root = tmp_path / "models/registry"
    for weights, columns, alias in (((1.0,), [A], "champion"), ((1.0, 1.0), [A, B], "challenger")):
        version = publish(root, logistic(*weights, intercept=-1.0), columns)
        Registry(root).promote(version, alias, by="ana", at="2026-01-02T03:04:05Z")
    source = np.random.default_rng(0)
    first, second = source.normal(size=(2, 2_000))
    happened = source.random(2_000) < 1 / (1 + np.exp(1.0 - first - second))
    frame = pl.DataFrame({A: first, B: second, "bought": happened})
    frame.write_parquet(tmp_path / "rows.parquet")
    texts = pl.when("bought").then(pl.lit("yes")).otherwise(pl.lit("no")).alias("answer")
    frame.select(A, B, texts).write_csv(tmp_path / "rows.csv", separator=";")
    return tmp_path


COMMAND = ("model", "evaluate", "card", "rows.parquet", "--label", "bought")


@pytest.mark.slow
def test_champion_and_challenger(nextbest, folder, monkeypatch):
    monkeypatch.setenv("COLUMNS", "81")
    ran = nextbest(*COMMAND)
    assert (ran.code, ran.err) == (0, "")
    lines = ran.out.splitlines()
    assert max(len(line) for line in lines if re.match(r" *(\d+ %?|[a-zA-Z ]+)  ", line)) <= 80
    assert "on rows.parquet, label `bought`" in lines[0]
    assert lines[1].startswith("2,000 rows with a score, ")
    auc = next(line for line in lines if line.startswith("AUC "))
    assert [cell[:3] for cell in auc.split()] == ["AUC", "0.7", "0.7", "+0."]
    assert len([line for line in lines if re.match(r"\d+0 % ", line)]) == 10
    assert lines[-3].startswith("AUC: that of the challenger is higher by 0.0")
    assert lines[-3].endswith("): better")
    assert lines[-2].startswith("log loss: that of the challenger is lower by 0.")


@pytest.mark.slow
def test_for_machines_and_as_a_picture(nextbest, folder):
    ran = nextbest(
        "model", "evaluate", "card", "rows.csv", "--separator", ";", "--label", "answer", "--positive", "yes",
        "--png", "gain.png", "--json",
    )  # fmt: skip
    assert (ran.code, ran.err) == (0, "")
    found = json.loads(ran.out)
    assert (found["label"], found["positive"], found["rows"]) == ("answer", "yes", 2_000)
    assert [one["title"] for one in found["versions"]] == ["champion", "challenger"]
    first, second = found["versions"]
    assert first["auc"]["low"] < first["auc"]["value"] < second["auc"]["value"] < second["auc"]["high"]
    assert [len(one["gain"]) for one in found["versions"]] == [10, 10]
    assert first["gain"][9]["captured"] == 1.0
    assert second["calibration"]["overall"]["verdict"] == "calibrated"
    assert [one["direction"] for one in found["differences"]] == ["better"] * 3
    assert found["verdict"][0].startswith("AUC: that of the challenger is higher by ")
    data = (folder / "gain.png").read_bytes()
    width, height = struct.unpack(">II", data[16:24])
    assert data.startswith(b"\x89PNG")
    assert 1_000 < width < 2_000
    assert 400 < height < 800


@pytest.mark.slow
def test_versions_that_are_named(nextbest, folder):
    alone = nextbest("model", "evaluate", "card@champion", "rows.parquet", "--label", "bought", "--json")
    found = json.loads(alone.out)
    assert ([one["title"] for one in found["versions"]], found["differences"]) == (["champion"], [])
    other = publish(folder / "models/registry", logistic(2.0, 2.0, intercept=-2.0), [A, B])
    reference = f"card@{other.digest[:8]}"
    # The same order of customers, and scores that are too far apart.
    turned = nextbest(
        "model", "evaluate", reference, "rows.parquet", "--label", "bought", "--against", "card@challenger"
    )
    assert f"card@{other.digest[:12]} and card@" in turned.out.splitlines()[0]
    assert "AUC: no significant difference with these rows (+0.0000" in turned.out
    assert "log loss: that of the challenger is lower by" in turned.out
    assert "alert" in turned.out


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("model", "evaluate", "card", "rows.parquet"), 2, "Missing option '--label'"),
        (("model", "evaluate", "loan", "rows.parquet", "--label", "bought"), 1, "error[NB617]"),
        ((*COMMAND, "--against", "card@shadow"), 1, "error[NB617]"),
        ((*COMMAND, "--against", "card@champion"), 2, "give another version with --against"),
        ((*COMMAND[:-1], "bough"), 1, "error[NB682]: the rows of the file have no column `bough`"),
        ((*COMMAND, "--separator", ";"), 1, "leave out --separator and --encoding"),
        (("model", "evaluate", "card", "gone.csv", "--label", "bought"), 2, "`gone.csv` cannot be read"),
        (
            ("model", "evaluate", "card", "rows.csv", "--separator", ";", "--label", "answer"),
            1,
            "give --positive with the value of positive rows; there are `no`, `yes`",
        ),
    ],
)
def test_what_is_refused(nextbest, folder, arguments, code, message):
    ran = nextbest(*arguments)
    assert ran.code == code
    assert message in ran.out + ran.err
