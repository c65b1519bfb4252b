"""What a server refuses of a question: the option that is at fault, and what to write."""

import pytest

from nextbest.cli.refused_options import name_option
from nextbest.client.errors import InvalidRequest

QUESTION = {
    "channel": "web",
    "placements": {"hero": 1},
    "customer": {"age": "1,250", "income": "0,8", "zip": 1067, "tags": "a", "vip": "perhaps", "visits": 1.5},
    "context": {"page": 3},
}


def option_of(root, name):
    return f"--{root}"


@pytest.mark.parametrize(
    ("field", "message", "option", "reworded", "remedy"),
    [
        ("customer[0].value", "`customer.age` is a whole number: text was sent",
         "--customer age", "`1,250` may be 1250 or 1.250", "write 1250"),
        ("customers[0].attributes[1].value", "`customer.income` is a number: text was sent",
         "--customer income", "`0,8` is not a number: it has a decimal comma", "write 0.8"),
        ("customer.attributes[2].value", "`customer.zip` is text: a whole number was sent",
         "--customer zip", "`customer.zip` is text: a whole number was sent",
         "name the type: zip:string=..."),
        ("customer[3].value", "`customer.tags` is a list of texts: text was sent",
         "--customer tags", "`customer.tags` is a list of texts: text was sent",
         "name the type: tags:list<string>=..."),
        ("customer[5].value", "`customer.visits` is a whole number: a number was sent",
         "--customer visits", "`1.5` is not a whole number", "write a whole number, such as 42"),
        ("decide.context[0].name", "no attribute `page`", "--context page", "no attribute `page`", ""),
        ("placements[0].name", "no placement `hero`", "--placement hero", "no placement `hero`", ""),
        ("placements.hero", "a count is 1 to 100", "--placement hero", "a count is 1 to 100", ""),
        ("channel", "no channel `web`", "--channel", "no channel `web`", ""),
        ("customer[9].name", "no attribute", "customer[9].name", "no attribute", ""),
    ],
)  # fmt: skip
def test_the_option_at_fault(field, message, option, reworded, remedy):
    error = name_option(InvalidRequest(message, field), QUESTION, option_of)
    assert (error.field, error.message, error.help) == (option, reworded, remedy)


def test_a_server_needs_placements():
    error = name_option(
        InvalidRequest("missing: name at least one", "placements"), QUESTION | {"placements": {}}, option_of
    )
    assert error.help == "give --placement NAME"
