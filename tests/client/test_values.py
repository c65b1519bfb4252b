"""Python values to protocol values and back."""

import re
from datetime import UTC, date, datetime, timedelta, timezone

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextbest.client.answers import Customer
from nextbest.client.encoding import assemble, assemble_batches, assemble_explain, batches
from nextbest.client.errors import InvalidRequest
from nextbest.client.question import Question
from nextbest.client.values import decode, encode
from nextbest.v1.customer_pb2 import IntList, StringList, Value

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, Value()),
        (True, Value(bool=True)),
        (0, Value(int=0)),
        (-(2**63), Value(int=-(2**63))),
        (1.5, Value(double=1.5)),
        ("", Value(string="")),
        ("Zoë", Value(string="Zoë")),
        (NOON, Value(timestamp_us=1_780_315_200_000_000)),
        (datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), Value(timestamp_us=-1)),
        (
            datetime(2026, 6, 1, 14, tzinfo=timezone(timedelta(hours=2))),
            Value(timestamp_us=1_780_315_200_000_000),
        ),
        (timedelta(days=-1, microseconds=1), Value(duration_us=-86_399_999_999)),
        (["a", "b"], Value(strings=StringList(items=["a", "b"]))),
        (("a",), Value(strings=StringList(items=["a"]))),
        ([1, -2], Value(ints=IntList(items=[1, -2]))),
        ([], Value(strings=StringList())),
    ],
)
def test_encoding(value, expected):
    encoded = encode(value, "customer.x")
    assert encoded == expected
    assert encoded.WhichOneof("kind") == expected.WhichOneof("kind")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (float("nan"), "not a finite number"),
        (float("-inf"), "not a finite number"),
        (2**63, "does not fit 64 bits"),
        (timedelta.max, "does not fit 64 bits"),
        (datetime(2026, 6, 1), "a datetime without a time zone"),
        ("\ud800", "half a character"),
        ([1, "a"], "either texts or whole numbers"),
        ([True], "either texts or whole numbers"),
        ([1.5], "either texts or whole numbers"),
        ([2**64], "does not fit 64 bits"),
        ({"a": 1}, "a dict is not an attribute value"),
        (b"bytes", "a bytes is not an attribute value"),
    ],
)
def test_values_without_a_form_are_refused_at_their_path(value, message):
    with pytest.raises(InvalidRequest, match=message) as caught:
        encode(value, "customer.x")
    assert caught.value.field.startswith("customer.x")


scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(min_value=-(2**63), max_value=2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_categories=["Cs"])),
    st.datetimes(timezones=st.just(UTC)),
    st.timedeltas(timedelta(days=-100_000_000), timedelta(days=100_000_000)),
    st.lists(st.text(st.characters(exclude_categories=["Cs"]))),
    st.lists(st.integers(min_value=-(2**63), max_value=2**63 - 1)),
)


@given(scalars)
def test_what_is_encoded_is_decoded(value):
    again = decode(Value.FromString(encode(value, "x").SerializeToString()))
    assert again == value
    assert type(again) is type(value)


HALF = "a\udcff"


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"customer_id": HALF}, "customer_id"),
        ({"channel": HALF}, "channel"),
        ({"placements": [HALF]}, r"placements.a\udcff"),
        ({"customer": {HALF: 1}}, r"customer.a\udcff"),
        ({"context": {"x": HALF}}, "context.x"),
        ({"context": {"x": ["b", HALF]}}, "context.x[1]"),
    ],
)
def test_half_characters_of_a_question_are_refused(arguments, field):
    question = Question(**{"channel": "web", "placements": ["hero"]} | arguments)
    with pytest.raises(InvalidRequest, match="half a character") as caught:
        assemble(question)
    assert caught.value.field == field


def test_half_characters_of_names_beside_a_question_are_refused():
    question = Question(channel="web", placements=["hero"])
    for call, field in (
        (lambda: assemble_explain(question, ["b", HALF]), "actions[1]"),
        (lambda: list(assemble_batches(question, ["c-1", HALF])), "customers[1].customer_id"),
        (lambda: list(batches([(HALF, {})])), "customers[0].customer_id"),
        (lambda: list(batches([("c-1", {HALF: 1})])), r"customers[0].a\udcff"),
    ):
        with pytest.raises(InvalidRequest, match="half a character") as caught:
            call()
        assert caught.value.field == field


QUESTION = {"channel": "web", "placements": ["hero"]}


def test_a_batch_takes_attributes_as_decide_does():
    customers = [{"age": 42}, {}, "c-1", ("c-2", {"age": 43}), ["c-3", {}], Customer("c-4", {"age": 44})]
    (batch,) = assemble_batches(Question(**QUESTION), customers)
    asked = [
        (one.customer_id, [attribute.value.int for attribute in one.customer]) for one in batch.customers
    ]
    assert asked == [
        ("", [42]), ("", []), ("c-1", []), ("c-2", [43]), ("c-3", []), ("c-4", [44]),
    ]  # fmt: skip
    alone = assemble(Question(**QUESTION, customer={"age": 42}))
    assert batch.customers[0].customer == alone.customer


@pytest.mark.parametrize(
    ("customers", "field", "message"),
    [
        (["c-1", 5], "customers[1]", 'or attributes, {"age": 42} is needed, not int'),
        ([None], "customers[0]", "not NoneType"),
        ([("c-1",)], "customers[0]", "not tuple"),
        ([("c-1", {}, {})], "customers[0]", "not tuple"),
        ([("c-1", 42)], "customers[0]", "mapping of names and values"),
        ([(5, {})], "customers[0].customer_id", "a text is needed"),
        ([{5: 1}], "customers[0].5", "a text is needed"),
        ([{"age": {}}], "customers[0].age", "a dict is not an attribute value"),
        ({"age": 42}, "customers", '[{"age": 42}], is needed, not dict'),
        ("c-1", "customers", "is needed, not str"),
        (5, "customers", "is needed, not int"),
        (None, "customers", "is needed, not None"),
        (pl.DataFrame({"age": [42]}), "customers", "not a table: give its rows: to_dicts()"),
        (pd.DataFrame({"age": [42]}), "customers", "to_dict('records') of pandas"),
    ],
)
def test_an_invalid_customer_of_a_batch(customers, field, message):
    with pytest.raises(InvalidRequest, match=re.escape(message)) as caught:
        list(assemble_batches(Question(**QUESTION), customers))
    assert caught.value.field == field


@pytest.mark.parametrize("customers", [["c-1"], [{"age": 42}], [5], [("c-1", "x")], {"c-1": {}}, 5])
def test_an_invalid_customer_of_an_upsert(customers):
    with pytest.raises(InvalidRequest) as caught:
        list(batches(customers))
    assert caught.value.field in {"customers", "customers[0]"}


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"customer": [("age", 42)]}, "customer"),
        ({"customer": "age"}, "customer"),
        ({"customer": None}, "customer"),
        ({"context": 5}, "context"),
        ({"context": {5: 1}}, "context.5"),
        ({"customer_id": 5}, "customer_id"),
        ({"customer_id": None}, "customer_id"),
        ({"channel": None}, "channel"),
        ({"channel": b"web"}, "channel"),
        ({"placements": 5}, "placements"),
        ({"placements": None}, "placements"),
        ({"placements": [5]}, "placements.5"),
        ({"placements": [["hero"]]}, "placements.['hero']"),
        ({"placements": {"hero": "1"}}, "placements.hero"),
        ({"placements": {"hero": 1.5}}, "placements.hero"),
        ({"placements": {"hero": None}}, "placements.hero"),
        ({"placements": {5: 1}}, "placements.5"),
        ({"dry_run": "false"}, "dry_run"),
        ({"dry_run": []}, "dry_run"),
        ({"explanation": ["full"]}, "explanation"),
        ({"contributions": 5}, "contributions"),
        ({"contributions_top": "3"}, "contributions_top"),
        ({"now": "2026-06-01"}, "now"),
        ({"now": date(2026, 6, 1)}, "now"),
        ({"seed": "1"}, "seed"),
        ({"seed": 1.5}, "seed"),
        ({"seed": True}, "seed"),
    ],
)
def test_arguments_of_another_shape_are_named(arguments, field):
    with pytest.raises(InvalidRequest) as caught:
        assemble(Question(**(QUESTION | arguments)))
    assert caught.value.field == field


@pytest.mark.parametrize("actions", ["gold", 5, None, {"gold": 1}])
def test_actions_to_explain_are_a_list(actions):
    with pytest.raises(InvalidRequest) as caught:
        assemble_explain(Question(**QUESTION), actions)
    assert caught.value.field == "actions"


def test_numbers_of_numpy_are_taken():
    asked = Question(channel="web", placements={"hero": np.int64(2)}, seed=np.int64(3), dry_run=np.True_)
    request = assemble(asked)
    assert (request.placements[0].count, request.seed, request.dry_run) == (2, 3, True)
