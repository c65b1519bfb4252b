"""The stored attributes of a customer, and refused rows -> tables."""

from typing import TYPE_CHECKING

from nextbest.client.answers import Customer
from nextbest.layouts import Listing, name, number, text
from nextbest.wording import word_value

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nextbest.cli.rows import Refusal


def render_customer(customer: Customer) -> Listing:
    """Renders the attributes of a customer."""
    table = Listing((name("attribute"), text("value")), customer.customer_id)
    for attribute, value in customer.attributes.items():
        table.add(attribute, word_value(value))
    return table


def render_refusals(refusals: "Iterable[Refusal]") -> Listing:
    """Renders the rows of a file that were refused."""
    table = Listing((number("row"), name("column"), text("refused because")), "Refused rows")
    for refusal in refusals:
        table.add(f"{refusal.row:,}", refusal.column, refusal.message)
    return table
