"""Python values to protocol values and back."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextbest.errors import InvalidRequest
from nextbest.question import Question, assemble, assemble_batches, assemble_explain, batches
from nextbest.v1.customer_pb2 import IntList, StringList, Value
from nextbest.values import decode, encode

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
        ({"a": 1}, "a dict is no attribute value"),
        (b"bytes", "a bytes is no attribute value"),
    ],
)
def test_what_has_no_form_is_refused_where_it_stands(value, message):
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
