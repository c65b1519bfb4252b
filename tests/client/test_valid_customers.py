"""Customers of a call without those that a server refuses."""

import pytest

from nextbest.client.errors import InvalidRequest, Unavailable
from nextbest.client.valid_customers import RefusedCustomer, UnknownAttributeError, locate, upsert_valid

CUSTOMERS = [(f"c-{index}", {"age": index}) for index in range(6)]


def upsert(refused):
    """A call that stores all or none, and names the first that it refuses, as a server's does."""
    calls = []

    def store(customers):
        calls.append([customer_id for customer_id, _ in customers])
        for index, (customer_id, _) in enumerate(customers):
            if customer_id in refused:
                raise InvalidRequest("out of range", f"customers[{index}].attributes[0].value")
        return len(customers)

    return store, calls


@pytest.mark.parametrize(
    ("field", "place"),
    [
        ("customers[12].attributes[1].value", (12, "balance")),
        ("customers[12].balance", (12, "balance")),
        ("customers[3].customer_id", (3, "customer_id")),
        ("customers[3]", (3, "")),
        ("customers", None),
        ("", None),
    ],
)
def test_the_place_of_a_refusal(field, place):
    sent = [{"balance": 1.0}] * 12 + [{"age": 1, "balance": 1.0}]
    assert locate(field, sent) == place


def test_all_are_stored_with_one_call():
    store, calls = upsert(())
    assert upsert_valid(store, CUSTOMERS, 0) == (6, [])
    assert len(calls) == 1


def test_those_refused_are_named_by_their_place_among_all():
    store, calls = upsert({"c-1", "c-4"})
    stored, refused = upsert_valid(store, CUSTOMERS, 5)
    assert stored == 4
    assert refused == [RefusedCustomer(1, "age", "out of range"), RefusedCustomer(4, "age", "out of range")]
    assert calls[-1] == ["c-0", "c-2", "c-3", "c-5"]


def test_more_refusals_than_allowed_store_nothing():
    store, calls = upsert({"c-0", "c-1", "c-2"})
    stored, refused = upsert_valid(store, CUSTOMERS, 1)
    assert (stored, len(refused), len(calls)) == (0, 2, 2)


def test_no_customers_take_no_call():
    store, calls = upsert(())
    assert upsert_valid(store, [], 5) == (0, [])
    assert calls == []


def test_an_unknown_attribute_ends_it():
    def store(customers):
        raise InvalidRequest("is not an attribute", "customers[2].attributes[0].name")

    with pytest.raises(UnknownAttributeError) as caught:
        upsert_valid(store, CUSTOMERS, 5)
    assert caught.value.attribute == "age"


@pytest.mark.parametrize("error", [InvalidRequest("too many"), Unavailable("gone")])
def test_an_error_of_the_whole_call_is_raised(error):
    def store(customers):
        raise error

    with pytest.raises(type(error)):
        upsert_valid(store, CUSTOMERS, 5)
