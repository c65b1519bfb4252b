"""The findings that authors see: text in, rendered findings out. Every case of `findings.txt` is

    ## what it shows                   the declarations are those of `bank_schema`
    the expression                     on one line; `\\n` is the end of a line
    ^^^^^^^^^^ NB405 message           under the marked part
        help

With NEXTBEST_BLESS set, what follows the expressions is rewritten; review the difference as code.
"""

import os
from pathlib import Path

from bank_schema import bank, declare, source

from nextbest.diagnostics import CODES
from nextbest.expression import Expressions, Schema
from nextbest.expression.environment import Environment
from nextbest.expression.exclusion import find_exclusions
from nextbest.expression.parsing import Parser

FILE = Path(__file__).with_name("findings.txt")
ACTION = {"minimum_age": 21, "tags": ("gold",)}


def render(diagnostic) -> str:
    marker = " " * (diagnostic.position.column - 1) + "^" * diagnostic.position.length
    return f"{marker} {diagnostic.code} {diagnostic.message}\n    {diagnostic.help}"


def findings(text: str) -> list[str]:
    """Conditions have no prefix; `value:`, `formula:`, `context:` and `input:` come before other
    expressions."""
    expressions = Expressions(Schema(bank()))
    kind, _, rest = text.partition(": ")
    where = source(rest if kind in ("value", "formula", "context", "input") else text)
    match kind:
        case "value":
            expressions.number(where, ACTION)
        case "formula":
            expressions.formula(where)
        case "context":
            expressions.condition(where)
        case "input":
            expressions.reference(where)
        case _:
            expressions.condition(where, "", ACTION, "gold-card")
    return [render(diagnostic) for diagnostic in expressions.diagnostics]


def show(text: str) -> str:
    found = findings(text.replace("\\n", "\n"))
    return "\n".join([text, *(found or ["    nothing"])])


def test_findings() -> None:
    written = FILE.read_text(encoding="utf-8")
    blocks = [block.split("\n") for block in written.rstrip("\n").split("\n\n")]
    texts = [(lines[0], lines[1]) for lines in blocks]
    produced = "\n\n".join(f"{title}\n{show(text)}" for title, text in texts) + "\n"
    if os.environ.get("NEXTBEST_BLESS"):
        FILE.write_text(produced, encoding="utf-8")
    assert produced == written


def test_remedies_hold() -> None:
    """What a remedy asks for is written, and its finding is gone; of a whole text, every error is."""
    held = 0
    for block in FILE.read_text(encoding="utf-8").rstrip("\n").split("\n\n"):
        text = block.split("\n")[1].replace("\\n", "\n")
        if text.partition(": ")[0] in ("value", "formula", "context", "input"):
            continue
        _, _, found = Parser(Schema(bank()), Environment.of_schema(Schema(bank()))).parse(text)
        for finding in found:
            if finding.edit is None:
                continue
            after = finding.edit.apply(text)
            left = findings(after)
            assert not any(f" {finding.code} {finding.message}\n" in other for other in left), after
            if finding.edit.stretch == (0, len(text)):
                # That a condition is true or false is looked at later.
                assert not [other for other in left if " NB4" in other and " NB406 " not in other], after
                assert after in finding.help
            held += 1
    assert held > 100


def test_every_code_has_a_case() -> None:
    written = FILE.read_text(encoding="utf-8")
    # A contradiction needs two conditions, a cycle two attributes, a comment two lines, depth many
    # attributes. The analysis of whole actions is not visible from expressions.
    elsewhere = {"NB503", "NB413", "NB416", "NB417", "NB418", "NB509", "NB510", "NB511"}
    assert {code for code in CODES if code[2] in "45" and f" {code} " not in written} == elsewhere


def test_a_cycle_of_derived_attributes_is_reported_completely() -> None:
    attributes = [
        *bank(),
        declare("customer.a", "double", expression=source("customer.b + 1", 1)),
        declare("customer.b", "double", expression=source("context.c * 2", 2)),
        declare("context.c", "double", expression=source("customer.a - customer.balance", 3)),
        declare("customer.d", "double", expression=source("customer.d", 4)),
        declare("customer.e", "double", expression=source("customer.d + customer.a", 5)),
    ]
    expressions = Expressions(Schema(attributes))
    expressions.condition(source("customer.e > 1 && customer.a > 2"))
    assert [(d.code, d.message, d.position.line) for d in expressions.diagnostics] == [
        ("NB413", "`customer.a` depends on itself: customer.a -> customer.b -> context.c -> customer.a", 1),
        ("NB413", "`customer.d` depends on itself: customer.d -> customer.d", 4),
    ]


def test_a_derived_attribute_has_its_declared_type() -> None:
    attributes = [
        *bank(),
        declare("customer.a", "string", expression=source("customer.age")),
        declare("customer.b", "int", expression=source("customer.balance")),
        declare("customer.c", "double", expression=source("customer.age")),
        declare("action.d", "double", expression=source("1.0")),
        declare("context.e", "double", expression=source("action.apr")),
    ]
    expressions = Expressions(Schema(attributes))
    assert [(d.code, d.message) for d in expressions.diagnostics] == [
        ("NB406", "`customer.a` is declared as text, its expression is a whole number"),
        ("NB406", "`customer.b` is declared as a whole number, its expression is a number"),
        ("NB412", "`action.apr` is an attribute of actions, and there is no action here"),
        ("NB407", "`action.d` cannot be derived: an action's attributes are constants"),
    ]


def test_conditions_that_exclude_each_other() -> None:
    expressions = Expressions(Schema(bank()))
    inherited = expressions.condition(source("customer.age < 30 && customer.vip", 1))
    own = expressions.condition(
        source("customer.age >= action.minimum_age && customer.age > 3", 9), "", {"minimum_age": 40}
    )
    places = [expressions.place(clause) for clause in (*inherited, *own)]
    (found,) = find_exclusions(places, expressions.analysis)
    position = found.last.position
    assert (position.line, position.column, position.length) == (9, 1, 34)
    assert found.message() == "`customer.age >= 40` and `customer.age < 30` exclude each other"
    assert "actions/cards.yaml:1:1" in found.help()
    assert find_exclusions(places[: len(inherited)], expressions.analysis) == []


def test_a_finding_is_reported_once_for_all_who_inherit_it() -> None:
    expressions = Expressions(Schema(bank()))
    for age in range(5):
        assert (
            expressions.condition(source("customer.agee > action.minimum_age"), "", {"minimum_age": age})
            == []
        )
    assert [d.code for d in expressions.diagnostics] == ["NB402"]


def test_a_text_in_two_places_is_wrong_in_both() -> None:
    expressions = Expressions(Schema(bank()))
    for line in (3, 7):
        expressions.condition(source("customer.age == '18'", line))
    assert [d.position.line for d in expressions.diagnostics] == [3, 7]


def test_each_action_without_the_attribute_is_named() -> None:
    expressions = Expressions(Schema(bank()))
    for name in ("gold-card", "blue-card"):
        expressions.condition(source("customer.age > action.minimum_age"), "", {}, name)
    assert [d.message.split(" there ")[0] for d in expressions.diagnostics] == [
        "for action `gold-card`",
        "for action `blue-card`",
    ]
