"""Files of customers: their types, what is left out, and rows that a server refuses."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from nextbest.casting import Schema
from nextbest.cli.customers import _Loading
from nextbest.cli.output import CommandError
from nextbest.cli.rows import CustomerTable, Refusal, find_customer, suggestions
from nextbest.client.errors import InvalidRequest, Unavailable
from nextbest.client.values import encode_attributes

NOON = datetime(2026, 6, 1, 12)


def _rows(path, id_column="customer_id", schema=None):
    table = CustomerTable(path, id_column, schema)
    return [(id_, attributes) for batch in table.batches() for _, id_, attributes in batch.customers]


@pytest.fixture
def parquet(tmp_path):
    frame = pl.DataFrame(
        {
            "customer_id": ["c-1", "c-2"],
            "age": pl.Series([42, None], dtype=pl.UInt8),
            "vip": [True, None],
            "balance": pl.Series([1.5, float("nan")], dtype=pl.Float32),
            "segment": pl.Series(["mass", None], dtype=pl.Categorical),
            "since": [NOON, None],
            "zoned": pl.Series([NOON, None]).dt.replace_time_zone("Europe/Amsterdam"),
            "born": [date(1984, 2, 29), None],
            "tenure": [timedelta(days=3), None],
            "tags": [["a", "b"], []],
            "levels": pl.Series([[1], None], dtype=pl.List(pl.Int16)),
            "price": pl.Series(["9.99", None]).cast(pl.Decimal(10, 2)),
            "never": [None, None],
            "none": [[], None],
        }
    )
    frame.write_parquet(tmp_path / "c.parquet")
    return tmp_path / "c.parquet"


def test_types_of_parquet(parquet):
    assert _rows(parquet) == [
        (
            "c-1",
            {
                "age": 42,
                "vip": True,
                "balance": 1.5,
                "segment": "mass",
                "since": datetime(2026, 6, 1, 12, tzinfo=UTC),
                "zoned": datetime(2026, 6, 1, 10, tzinfo=UTC),
                "born": datetime(1984, 2, 29, tzinfo=UTC),
                "tenure": timedelta(days=3),
                "tags": ["a", "b"],
                "levels": [1],
                "price": 9.99,
                "never": None,
                "none": [],
            },
        ),
        ("c-2", {"tags": []} | dict.fromkeys(_rows(parquet)[0][1].keys() - {"tags"})),
    ]


def test_everything_can_be_sent(parquet):
    for _, attributes in _rows(parquet):
        encode_attributes(attributes, "x")


def test_dates_are_days_of_the_zone_of_the_bundle(parquet):
    zoned = Schema({"born": "timestamp", "since": "timestamp"}, "America/New_York")
    (first, _) = _rows(parquet, schema=zoned)
    born, since = datetime(1984, 2, 29, 5, tzinfo=UTC), NOON.replace(tzinfo=UTC)
    assert first == ("c-1", {"born": born, "since": since})
    assert CustomerTable(parquet, "customer_id", zoned).dates_of_utc == []
    assert CustomerTable(parquet, "customer_id").dates_of_utc == ["born"]


def test_a_schema_casts_and_leaves_out(parquet):
    table = CustomerTable(parquet, "customer_id", Schema({"age": "double", "tags": "list<string>"}))
    assert table.attributes == ["age", "tags"]
    assert "balance" in table.left_out
    assert _rows(parquet, schema=Schema({"age": "double"}))[0] == ("c-1", {"age": 42.0})


@pytest.mark.parametrize(("name", "separator"), [("c.csv", ","), ("c.tsv", "\t")])
def test_types_of_text_files(tmp_path, name, separator):
    lines = ["id;age;rate;since;segment", "7;42;0.5;2026-06-01T12:00:00;mass", "8;;;;"]
    (tmp_path / name).write_text("\n".join(lines).replace(";", separator))
    assert _rows(tmp_path / name, "id") == [
        ("7", {"age": 42, "rate": 0.5, "since": datetime(2026, 6, 1, 12, tzinfo=UTC), "segment": "mass"}),
        ("8", {"age": None, "rate": None, "since": None, "segment": None}),
    ]


def test_ndjson(tmp_path):
    (tmp_path / "c.ndjson").write_text(
        '{"customer_id": "a", "tags": ["x"]}\n{"customer_id": "b", "tags": null}\n'
    )
    assert _rows(tmp_path / "c.ndjson") == [("a", {"tags": ["x"]}), ("b", {"tags": None})]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("c.xlsx", "", "is not a supported kind of file"),
        ("c.parquet", "not parquet", "cannot be read"),
        ("c.csv", "id,age\n1,2\n", "has no column `customer_id`"),
        ("c.ndjson", '{"customer_id": 1.5, "age": 2}\n', "the number `1.5` is not an id"),
        ("c.ndjson", '{"customer_id": "a", "x": {"y": 1}}\n', "holds JSON objects"),
    ],
)
def test_files_that_cannot_be_used(tmp_path, name, content, message):
    (tmp_path / name).write_text(content)
    with pytest.raises(CommandError, match=message):
        CustomerTable(tmp_path / name, "customer_id")


def test_a_missing_file(tmp_path):
    with pytest.raises(CommandError, match="cannot be read"):
        CustomerTable(tmp_path / "nowhere.csv", "customer_id")


SCHEMA = Schema(
    {
        "zip": "string",
        "age": "int",
        "vip": "bool",
        "balance": "double",
        "born": "timestamp",
        "tenure": "duration",
        "tags": "list<string>",
    }
)


CSV = """customer_id,zip,age,vip,balance,born,tenure,tags
00123,01067,3.0,1,2,1990-01-31,720h,"[""a""]"
123,10115,,,,,,
"""
NDJSON = """{"customer_id": "00123", "zip": "01067", "age": 3.0, "vip": 1, "balance": 2, "born": "1990-01-31", "tenure": "P30D", "tags": ["a"]}
{"customer_id": 123, "zip": "10115"}
"""  # noqa: E501 - a line of the file


@pytest.mark.parametrize(("name", "content"), [("c.csv", CSV), ("c.ndjson", NDJSON)])
def test_text_is_cast_to_what_the_schema_declares(tmp_path, name, content):
    (tmp_path / name).write_text(content)
    whole = {
        "zip": "01067",
        "age": 3,
        "vip": True,
        "balance": 2.0,
        "born": datetime(1990, 1, 31, tzinfo=UTC),
        "tenure": timedelta(days=30),
        "tags": ["a"],
    }
    # What a line does not name is left as it is; an empty value of CSV is missing.
    bare = {"zip": "10115"} | (dict.fromkeys(SCHEMA.keys() - {"zip"}) if name == "c.csv" else {})
    assert _rows(tmp_path / name, schema=SCHEMA) == [("00123", whole), ("123", bare)]


def test_what_a_line_does_not_name_is_not_removed(tmp_path):
    lines = [
        '{"customer_id": "a", "age": 1}',
        '{"customer_id": "b", "zip": null}',
        '{"customer_id": "a", "zip": "1"}',
        '{"customer_id": "a", "age": null}',
    ]
    (tmp_path / "c.ndjson").write_text("\n".join(lines))
    assert _rows(tmp_path / "c.ndjson") == [
        ("a", {"age": 1}), ("b", {"zip": None}), ("a", {"zip": "1"}), ("a", {"age": None}),
    ]  # fmt: skip
    path = tmp_path / "c.ndjson"
    assert find_customer(path, "customer_id", "a", SCHEMA).attributes == {"age": None, "zip": "1"}
    assert find_customer(path, "customer_id", "b", SCHEMA).attributes == {"zip": None}


def test_rows_that_cannot_be_cast_are_named_and_the_others_kept(tmp_path):
    lines = [
        "customer_id,age,born",
        "a,1,03/04/1990",
        "b,2,1990-04-03",
        ",3,",
        "d ,4,",
        "e,9999999999999999999,",
    ]
    (tmp_path / "c.csv").write_text("\n".join(lines))
    (batch,) = CustomerTable(tmp_path / "c.csv", "customer_id", SCHEMA).batches()
    assert [id_ for _, id_, _ in batch.customers] == ["b"]
    assert batch.refusals == [
        Refusal(1, "born", "`03/04/1990` may be 3 April or 4 March: write 1990-04-03 or 1990-03-04"),
        Refusal(3, "customer_id", "the id is missing: write an id for each customer"),
        Refusal(4, "customer_id", "the id `d ` begins or ends with a blank: write d"),
        Refusal(
            5, "age", "`9999999999999999999` does not fit 64 bits: "
            "whole numbers are from -9223372036854775808 to 9223372036854775807",
        ),
    ]  # fmt: skip


def test_numbers_for_what_is_declared_as_text_are_refused_as_a_column(tmp_path):
    pl.DataFrame({"customer_id": ["a"], "zip": [1067]}).write_parquet(tmp_path / "c.parquet")
    with pytest.raises(
        CommandError, match=r"the column `zip` of .*: the number `1067` is not text"
    ) as caught:
        CustomerTable(tmp_path / "c.parquet", "customer_id", SCHEMA)
    assert "loses leading zeros" in caught.value.help


def test_without_a_schema_nothing_of_csv_is_guessed_that_text_could_be(tmp_path):
    lines = ["customer_id,zip,born,code,flag", "007,01067,03/04/1990,1e,true", "7,10115,31/01/1990,2,yes"]
    (tmp_path / "c.csv").write_text("\n".join(lines))
    assert _rows(tmp_path / "c.csv") == [
        ("007", {"zip": "01067", "born": "03/04/1990", "code": "1e", "flag": "true"}),
        ("7", {"zip": "10115", "born": "31/01/1990", "code": "2", "flag": "yes"}),
    ]


def test_columns_that_are_left_out_are_listed_with_what_may_be_meant():
    schema = {"age": "int", "segment": "string"}
    assert suggestions(["agee", "phone", "customer.segment"], schema, []) == (
        "agee (did you mean `age`?), phone, customer.segment (did you mean `segment`?)"
    )
    assert suggestions(["agee"], schema, ["age"]) == "agee"


def test_ids_that_come_again_are_counted(tmp_path):
    (tmp_path / "c.csv").write_text("customer_id\n1\n01\n1\n\n1\n")
    assert CustomerTable(tmp_path / "c.csv", "customer_id", Schema()).repeated_count == 2


class Store:
    """Accepts customers whose age is not 13, and refuses others with a reason, as the server does."""

    def __init__(self):
        self.stored = {}
        self.calls = 0

    def upsert(self, customers):
        self.calls += 1
        for index, (_, attributes) in enumerate(customers):
            if attributes["age"] == 13:
                raise InvalidRequest(
                    "`customer.age` is out of range", f"customers[{index}].attributes[0].value"
                )
        self.stored |= dict(customers)
        return len(customers)


@pytest.fixture
def table(tmp_path):
    ages = [13 if index in {0, 1_500, 2_499} else 20 for index in range(2_500)]
    ids = [f"c-{index}" for index in range(2_500)]
    pl.DataFrame({"customer_id": ids, "age": ages}).write_parquet(tmp_path / "c.parquet")
    return CustomerTable(tmp_path / "c.parquet", "customer_id")


def test_refused_rows_are_left_out_and_named(table):
    store, steps = Store(), []
    loading = _Loading(store.upsert, table, refusals_max=20)
    loading.run(steps.append)
    assert loading.stored == len(store.stored) == 2_497
    assert loading.refusals == [
        Refusal(row, "age", "`customer.age` is out of range") for row in (1, 1_501, 2_500)
    ]
    assert steps == [1_000, 1_000, 500]
    assert store.calls == 6


def test_too_many_refused_rows_end_it(table):
    store = Store()
    loading = _Loading(store.upsert, table, refusals_max=1)
    loading.run(lambda _: None)
    assert loading.gave_up
    assert len(loading.refusals) == 2
    assert loading.stored == 999


def test_a_column_that_is_not_an_attribute_ends_it(table):
    def upsert(customers):
        raise InvalidRequest("there is no customer attribute `age`", "customers[0].attributes[0].name")

    with pytest.raises(CommandError, match="the column `age` is not an attribute") as caught:
        _Loading(upsert, table, 20).run(lambda _: None)
    assert "--bundle" in caught.value.help


@pytest.mark.parametrize("error", [InvalidRequest("too many"), Unavailable("gone")])
def test_what_is_not_about_a_row_ends_it(table, error):
    def upsert(customers):
        raise error

    with pytest.raises(type(error)):
        _Loading(upsert, table, 20).run(lambda _: None)
