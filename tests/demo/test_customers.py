"""Customers fit the schema, hang together, and come out the same each time."""

from datetime import UTC, datetime

import polars as pl
import pytest
import yaml

from nextbest.demo import customers

NOW = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def people():
    return customers.generate(3_000, now=NOW)


@pytest.fixture(scope="module")
def schema(made):
    written = yaml.safe_load((made.workspace / "schema.yaml").read_text())
    return {name: a for name, a in written["customer"].items() if "expression" not in a}


def test_the_same_seed_gives_the_same_customers(people):
    assert people.equals(customers.generate(3_000, now=NOW))
    assert not people.equals(customers.generate(3_000, seed=1, now=NOW))


def test_columns_are_the_attributes_of_the_schema(people, schema):
    assert people.columns[0] == "customer_id"
    assert set(people.columns[1:]) == set(schema)
    assert people["customer_id"].n_unique() == len(people)


def test_types_are_those_of_the_schema(people, schema):
    kinds = {
        "int": pl.Int64,
        "double": pl.Float64,
        "string": pl.String,
        "bool": pl.Boolean,
        "timestamp": pl.Datetime("us", "UTC"),
        "list<string>": pl.List(pl.String),
    }
    assert {name: people[name].dtype for name in schema} == {n: kinds[a["type"]] for n, a in schema.items()}


def test_values_are_within_the_schema(people, schema):
    for name, attribute in schema.items():
        column = people[name].drop_nulls()
        if attribute["type"] == "list<string>":
            column = column.explode(empty_as_null=False)
        if "enum" in attribute:
            assert set(column) <= set(attribute["enum"]), name
        if "minimum" in attribute:
            assert column.min() >= attribute["minimum"], name
        if "maximum" in attribute:
            assert column.max() <= attribute["maximum"], name


def test_only_what_may_be_missing_is_missing(people, schema):
    missing = {name for name in schema if people[name].null_count()}
    assert missing == {name for name, attribute in schema.items() if not attribute.get("required")}


def test_money_goes_with_segment_and_trouble_with_score(people):
    by_segment = dict(people.group_by("segment").agg(pl.col("savings").median()).iter_rows())
    assert by_segment["mass"] < by_segment["affluent"] < by_segment["private"]
    trouble = pl.col("overdraft_days") > 30
    score = people.group_by(trouble.alias("trouble")).agg(pl.col("credit_score").mean())
    assert dict(score.iter_rows())[True] < dict(score.iter_rows())[False]
    students = people.filter(pl.col("employment") == "student")
    assert students["age"].max() < 30
