"""Attributes on the command line: with a schema, with a type, and without either."""

import io
from datetime import UTC, datetime, timedelta

import pytest

from nextbest import regular_file
from nextbest.casting import Schema
from nextbest.cli import attributes
from nextbest.cli.exit_codes import ExitCode
from nextbest.cli.output import CommandError

SCHEMA = Schema(
    {
        "age": "int",
        "vip": "bool",
        "balance": "double",
        "code": "string",
        "since": "timestamp",
        "tenure": "duration",
        "tags": "list<string>",
        "levels": "list<int>",
    }
)
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("pair", "name", "value"),
    [
        ("age=42", "age", 42),
        ("vip=true", "vip", True),
        ("vip=False", "vip", False),
        ("balance=12", "balance", 12.0),
        ("code=007", "code", "007"),
        ("code=a=b", "code", "a=b"),
        ("since=2026-06-01T12:00:00Z", "since", NOON),
        ("since=2026-06-01T14:00:00+02:00", "since", NOON),
        ("since=2026-06-01", "since", datetime(2026, 6, 1, tzinfo=UTC)),
        ("tenure=1h30m", "tenure", timedelta(minutes=90)),
        ("tenure=-7d", "tenure", timedelta(days=-7)),
        ("tenure=1.5s", "tenure", timedelta(seconds=1.5)),
        ("tags=a,b", "tags", ["a", "b"]),
        ('tags=["a,b"]', "tags", ["a,b"]),
        ("tags=[]", "tags", []),
        ("levels=1,2", "levels", [1, 2]),
        ("levels=[3]", "levels", [3]),
        ("age=", "age", None),
    ],
)
def test_with_a_schema(pair, name, value):
    assert attributes.from_pairs([pair], SCHEMA, "--attribute") == {name: value}


@pytest.mark.parametrize(
    ("pair", "name", "value"),
    [
        ("age=42", "age", 42),
        ("age=42.0", "age", 42.0),
        ("vip=true", "vip", True),
        ("gone=null", "gone", None),
        ("code=gold", "code", "gold"),
        ('code="42"', "code", "42"),
        ('tags=["a"]', "tags", ["a"]),
        ("since=2026-06-01", "since", "2026-06-01"),
        ("since:timestamp=2026-06-01T12:00:00Z", "since", NOON),
        ("code:string=42", "code", "42"),
        ("balance:double=1", "balance", 1.0),
        ("tenure:duration=7d", "tenure", timedelta(days=7)),
    ],
)
def test_without_a_schema(pair, name, value):
    found = attributes.from_pairs([pair], Schema(), "--attribute")
    assert found == {name: value}
    assert type(found[name]) is type(value)


@pytest.mark.parametrize(
    ("pair", "message", "remedy"),
    [
        ("age", "`age` is not an attribute", "write --attribute name=value"),
        ("=1", "`=1` is not an attribute", "write --attribute name=value"),
        ("age=old", "`old` is not a whole number", "such as 42"),
        ("vip=perhaps", "`perhaps` is not true or false", "yes or no"),
        ("since=yesterday", "`yesterday` is not a timestamp", "2026-01-31T09:00:00Z"),
        ("tenure=long", "`long` is not a duration", "1h30m"),
        ("levels=a", "element 1: `a` is not a whole number", "42"),
        ("age:number=1", "`number` is not a type", "bool, int, double"),
        ("other=" + "[" * 50_000, "nested too deeply", "without lists inside lists"),
        ("other=NaN", "`NaN` is not JSON", "null"),
        ('other={"a": 1, "a": 2}', "the key `a` appears more than once", "each key once"),
        ('other={"a": 1}', "a JSON object is not an attribute value", "give a boolean"),
    ],
)
def test_ambiguous_values_are_refused(pair, message, remedy):
    with pytest.raises(CommandError) as caught:
        attributes.from_pairs([pair], SCHEMA, "--attribute")
    assert caught.value.message == message
    assert remedy in caught.value.help
    assert caught.value.code == ExitCode.USAGE


JSON = '{"age": 42, "balance": 1, "since": "2026-06-01", "tags": ["a"], "free:duration": "1h", "gone": null}'
EXPECTED = {
    "age": 42,
    "balance": 1.0,
    "since": datetime(2026, 6, 1, tzinfo=UTC),
    "tags": ["a"],
    "free": timedelta(hours=1),
    "gone": None,
}


def test_json_inline():
    assert attributes.from_json(JSON, SCHEMA, "--customer-json") == EXPECTED


def test_json_of_a_file(tmp_path):
    (tmp_path / "c.json").write_text(JSON)
    assert attributes.from_json(str(tmp_path / "c.json"), SCHEMA, "--customer-json") == EXPECTED


def test_json_of_standard_input(monkeypatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(JSON.encode())))
    assert attributes.from_json("-", SCHEMA, "--customer-json") == EXPECTED


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("{", "not JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
        ("[1]", "not a JSON object"),
        ("nowhere.json", "`nowhere.json` cannot be read: No such file or directory"),
        ('{"a": {"b": 1}}', "a JSON object is not an attribute value"),
        ('{"age": 17, "age": 42}', "the key `age` appears more than once"),
        ('{"age": 17, "age:int": 42}', "the attribute `age` appears more than once"),
        ('{"age": NaN}', "`NaN` is not JSON"),
        ('{"balance": -Infinity}', "`-Infinity` is not JSON"),
        ("[" * 200_000, "nested too deeply"),
        ("/dev/zero", "`/dev/zero` cannot be read: not a regular file"),
    ],
)
def test_ambiguous_json_is_refused(source, message):
    with pytest.raises(CommandError) as caught:
        attributes.from_json(source, SCHEMA, "--customer-json")
    assert caught.value.message == message


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b'{"code": "\xff"}', "not UTF-8"),
        (b"\n", "standard input is empty"),
        (b" " * (regular_file.BYTES_MAX + 1) + b"{}", "standard input has more than 16,777,216 bytes"),
    ],
)
def test_standard_input_that_is_not_json_is_refused(monkeypatch, data, message):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
    with pytest.raises(CommandError) as caught:
        attributes.from_json("-", SCHEMA, "--customer-json")
    assert caught.value.message == message


def test_an_attribute_that_is_given_twice_is_refused():
    with pytest.raises(CommandError) as caught:
        attributes.from_pairs(["age=17", "age=42"], SCHEMA, "--attribute")
    assert caught.value.message == "the attribute `age` appears more than once"


@pytest.mark.parametrize(
    ("schema", "written", "is_noted"),
    [
        (Schema(), "1990-01-31", True),
        (Schema(), "1990-01-31T00:00:00Z", False),
        (SCHEMA, "1990-01-31", False),
    ],
)
def test_a_day_of_utc_is_reported_if_no_bundle_has_the_time_zone(capsys, schema, written, is_noted):
    attributes.from_pairs([f"since:timestamp={written}"], schema, "--attribute")
    attributes.from_json(f'{{"since:timestamp": "{written}"}}', schema, "--customer-json")
    assert capsys.readouterr().err.count("the date of since was taken as a day of UTC") == 2 * is_noted
