"""The same value has the same meaning behind every door: Parquet, CSV, NDJSON, the client, a command line."""

import csv
import json
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nextbest import bundle, workspace
from nextbest.bundle.offline import OfflineBundle
from nextbest.casting import CastError, Schema, cast
from nextbest.casting.column import TARGETS, cast_column
from nextbest.casting.duration import spell_duration
from nextbest.casting.table import read_table
from nextbest.cli.attributes import from_json, from_pairs
from nextbest.cli.output import CommandError, plain
from nextbest.client import errors
from nextbest.client.values import encode

INTS = st.integers(-(2**63), 2**63 - 1)
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=20)
VALUES = {
    "bool": st.booleans(),
    "int": INTS,
    "double": st.floats(allow_nan=False, allow_infinity=False),
    "string": TEXTS | st.sampled_from(["01067", "10115", "true", "NA", "2026-01-31", "[]", '"', " "]),
    "timestamp": st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC)),
    "duration": st.integers(-(10**16), 10**16).map(lambda us: timedelta(microseconds=us)),
    "list<string>": st.lists(TEXTS, max_size=4),
    "list<int>": st.lists(INTS, max_size=4),
}


def spelled(value):
    """As people and programs write a value as text."""
    match value:
        case bool():
            return str(value).lower()
        case float():
            return repr(value)
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case timedelta():
            return spell_duration(value)
        case list():
            return json.dumps(value)
        case _:
            return str(value)


def in_json(value):
    """As `--json` writes it."""
    return plain(value)


class Doors:
    def __init__(self, folder):
        self.folder = folder

    def texts(self, texts, kind):
        """What a CSV file gives for texts: values, or messages of refusal."""
        with (self.folder / "t.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file, quoting=csv.QUOTE_ALL).writerows([["row", "x"], *enumerate_(texts)])
        return self._column(self.folder / "t.csv", kind)

    def lines(self, values, kind):
        lines = [json.dumps({"row": row, "x": value}) for row, value in enumerate_(values)]
        (self.folder / "t.ndjson").write_text("\n".join(lines), encoding="utf-8")
        return self._column(self.folder / "t.ndjson", kind)

    def parquet(self, values, dtype, kind):
        pl.DataFrame({"x": pl.Series(values, dtype=dtype)}).write_parquet(self.folder / "t.parquet")
        return self._column(self.folder / "t.parquet", kind)

    @staticmethod
    def _column(path, kind):
        column = cast_column(read_table(path).columns["x"], kind)
        found = dict(enumerate(column.values.to_list()))
        return list((found | {row: error.message for row, error in column.refusals.items()}).values())


def enumerate_(values):
    return [(row, value) for row, value in enumerate(values)]


@pytest.fixture(scope="module")
def doors(tmp_path_factory):
    return Doors(tmp_path_factory.mktemp("doors"))


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    """A bundle that declares an attribute of every type, named after it."""
    root = tmp_path_factory.mktemp("workspace")
    files = {
        "workspace.yaml": {"name": "types"},
        "schema.yaml": {"customer": {name_of(kind): {"type": kind} for kind in VALUES}},
        "channels.yaml": {"channels": {"web": {"placements": {"hero": {"count": 1}}}}},
        "actions/a.yaml": {
            "issue": "sales",
            "group": "g",
            "actions": {
                "a": {"value": 1, "propensity": 0.1, "treatments": [{"channel": "web", "placement": "hero"}]}
            },
        },
    }
    (root / "actions").mkdir()
    for name, content in files.items():
        (root / name).write_text(json.dumps(content))
    compiled = workspace.compile(root).bundle
    assert compiled is not None
    return OfflineBundle(bundle.seal(compiled).data)


def name_of(kind):
    return kind.replace("<", "_").replace(">", "")


@pytest.mark.parametrize("kind", VALUES)
def test_a_value_is_the_same_behind_every_door(doors, engine, kind):
    @given(st.lists(VALUES[kind], min_size=1, max_size=6))
    @settings(max_examples=25, deadline=None)
    def check(values):
        texts = [spelled(value) for value in values]
        expected = [encode(value, "x") for value in values]
        found = {
            "parquet": doors.parquet(values, TARGETS[kind], kind),
            "csv": doors.texts(texts, kind),
            "ndjson": doors.lines([in_json(value) for value in values], kind),
            "text of ndjson": doors.lines(texts, kind),
            "text of parquet": doors.parquet(texts, pl.String(), kind),
            "attribute": [from_pairs([f"x={text}"], Schema({"x": kind}), "-a")["x"] for text in texts],
            "json": [
                from_json(json.dumps({"x": in_json(value)}), Schema({"x": kind}), "--customer-json")["x"]
                for value in values
            ],
        }
        for door, cast_values in found.items():
            assert [encode(value, "x") for value in cast_values] == expected, door
        for value in found["csv"]:
            engine.decide(channel="web", placements={"hero": 1}, customer={name_of(kind): value})

    check()


WRONG = {
    "bool": ["2", "maybe", "ja", "0.5", "truee"],
    "int": ["1.5", "9223372036854775808", "1,5", "1e3", "inf", "0x10", "1_000", "half"],
    "double": ["1,5", "inf", "-Infinity", "1e999", "1.2.3", "1_000.0", "1 000", "twelve"],
    "timestamp": ["03/04/1990", "31.12.1990", "2026-02-30", "19900131", "1780315200", "0000-01-01", "soon",
                  "2026-06-01T25:00:00Z", "2026-W01", "2026-06-01T12Z"],
    "duration": ["30", "1:30", "P1Y", "1ns", "99999999999h", "long", "3 days", "PT", "h"],
    "list<string>": ["[1]", '["a", null]', '{"a": 1}', '["a"', "[[]]"],
    "list<int>": ["[1.5]", '["a"]', "[9223372036854775808]", "[true]", "[[1]]"],
}  # fmt: skip


@pytest.mark.parametrize("kind", WRONG)
def test_a_text_is_refused_for_the_same_reason_behind_every_door(doors, kind):
    texts = WRONG[kind]
    reasons = []
    for text in texts:
        with pytest.raises(CastError) as refused:
            cast(text, kind)
        reasons.append(refused.value.message)
        with pytest.raises(CommandError) as caught:
            from_pairs([f"x={text}"], Schema({"x": kind}), "-a")
        assert caught.value.message == reasons[-1]
    assert doors.texts(texts, kind) == reasons
    assert doors.lines(texts, kind) == reasons
    assert doors.parquet(texts, pl.String(), kind) == reasons


@pytest.mark.parametrize(
    ("value", "kind"),
    [(2**63, "int"), (float("inf"), "double"), ("\ud800", "string"), ([1, "a"], "list<int>")],
)
def test_what_has_no_form_in_the_protocol_is_refused_by_all(value, kind):
    with pytest.raises(CastError):
        cast(value, kind)
    with pytest.raises(errors.InvalidRequest):
        encode(value, "x")


def test_nothing_is_missing_behind_every_door(doors):
    for kind in VALUES:
        for found in (
            doors.lines([None, None], kind),
            doors.parquet([None, None], TARGETS[kind], kind),
            [
                from_pairs(["x="], Schema({"x": kind}), "-a")["x"],
                from_json('{"x": null}', Schema({"x": kind}), "-j")["x"],
            ],
        ):
            assert found == [None, None]
        if kind != "string":
            assert doors.texts(["", "NaN"], kind) == [None, None]
