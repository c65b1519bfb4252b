"""Values that an attribute, an element, a choice or a derived attribute never has."""

import pytest
from bank_schema import declare, source

from nextbest.expression import Expressions, Schema

TIERS = ("gold", "silver", "none")
ATTRIBUTES = [
    declare("customer.age", "int", minimum=0, maximum=130, required=True),
    declare("customer.rate", "double", minimum=0, maximum=1, required=True),
    declare("customer.vip", "bool", required=True),
    declare("customer.tier", "string", allowed=TIERS, required=True),
    declare("customer.products", "list<string>", allowed=("gold", "loan"), required=True),
    declare("customer.marks", "list<int>", allowed=(1, 2, 3), required=True),
    declare("customer.free", "string", required=True),
    declare("customer.kind", "string", expression=source('customer.vip ? "vip" : customer.tier')),
    declare("customer.next_age", "int", expression=source("customer.age + 1")),
    declare("context.device", "string", allowed=("mobile", "desktop"), required=True),
    declare("context.hour", "int", minimum=0, maximum=23, required=True),
]
NEVER = {
    'customer.products.exists(p, p == "gld")': ("NB504", '"gld"'),
    'customer.products.all(p, "gld" != p)': ("NB504", '"gld"'),
    'size(customer.products.filter(p, p == "Gold")) > 0': ("NB505", '"Gold"'),
    'customer.products.exists_one(p, p in ["gold", "lone"])': ("NB504", '"lone"'),
    'customer.products.filter(p, p != "gold").exists(q, q == "lone")': ("NB504", '"lone"'),
    'customer.products[0] == "lone"': ("NB504", '"lone"'),
    '"gld" in customer.products': ("NB504", '"gld"'),
    '["gld", "loan"].exists(p, p in customer.products)': ("NB504", '"gld"'),
    "customer.marks.exists(m, m == 4)": ("NB504", "4"),
    "4 in customer.marks": ("NB504", "4"),
    '(customer.vip ? "gold" : customer.tier) == "slver"': ("NB504", '"slver"'),
    'customer.kind == "VIP"': ("NB505", '"VIP"'),
    'customer.vip || customer.kind == "bronze"': ("NB504", '"bronze"'),
    '"mobil" == context.device': ("NB504", '"mobil"'),
    'context.device in ["mobile", "tv"]': ("NB504", '"tv"'),
    "24 > context.hour": ("NB506", "24"),
    "200 > customer.age": ("NB506", "200"),
    "customer.age in [18, 200]": ("NB506", "200"),
    "customer.rate in [0.5, 5.0]": ("NB506", "5.0"),
    "customer.vip || customer.age > 200": ("NB506", "200"),
    "customer.age * 2 > 300": ("NB501", "customer.age * 2 > 300"),
    "customer.next_age > 131": ("NB501", "customer.next_age > 131"),
    "customer.rate * 100.0 > 500.0": ("NB501", "customer.rate * 100.0 > 500.0"),
}
SILENT = """\
customer.products.exists(p, p == "gold")
customer.products.map(p, p + "!").exists(p, p == "gold!")
customer.free == "anything"
customer.products.exists(p, p == customer.free)
(customer.vip ? customer.free : "gold") == "silver"
customer.kind == "vip"
customer.products.exists(p, customer.free == "gld")
customer.marks.exists(m, m + 1 == 4)
customer.marks.exists(m, m > 4)
["x"].exists(x, x == customer.free)"""


@pytest.mark.parametrize("text", NEVER)
def test_a_value_that_is_never_there(text: str) -> None:
    expressions = Expressions(Schema(ATTRIBUTES))
    expressions.condition(source(text))
    (found,) = expressions.diagnostics
    marked = text[found.position.column - 1 :][: found.position.length]
    assert (found.code, marked) == NEVER[text]


@pytest.mark.parametrize("text", SILENT.splitlines())
def test_a_value_that_may_be_there(text: str) -> None:
    expressions = Expressions(Schema(ATTRIBUTES))
    expressions.condition(source(text))
    assert expressions.diagnostics == []
