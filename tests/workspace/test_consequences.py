"""One mistake is one finding: what only follows from it is not reported as well."""

import pytest

from nextbest import workspace

ACTION = """\
issue: sales
group: cards
actions:
  gold:
    propensity: 0.1
    treatments: [{channel: web}]
  silver:
"""
CONTACT = "stock: {plastic: {count: 3}}\n"


def found(lay, **files: str) -> list[tuple[str, str]]:
    names = {"cards": "actions/cards.yaml"}
    written = {names.get(name, f"{name}.yaml"): text for name, text in files.items()}
    diagnostics = workspace.compile(lay(written)).diagnostics
    return [(d.code, d.position.file if d.position else "") for d in diagnostics if d.code != "NB707"]


@pytest.mark.parametrize(
    ("keys", "code"),
    [
        ("<<: {propensity: 0.1, treatments: [{channel: web}]}", "NB112"),
        ("propensty: 0.1\n    treatments: [{channel: web}]", "NB201"),
        ("propensity: 0.1\n    treatmnts: [{channel: email}]", "NB201"),
        ("propensity: 0.1\n    treatments: {channel: email}", "NB203"),
        ("propensity: 0.1\n    treatments: [{chanel: email}]", "NB201"),
        ("propensity: 0.1\n    treatments: [{<<: {channel: email}}]", "NB112"),
        ("propensity: 0.1\n    treatments:", "NB206"),
        ("propensity: 0.1\n    stok: plastic\n    treatments: [{channel: email}]", "NB201"),
        ("propensity: 0.1\n    atributes: {fee: 2}\n    treatments: [{channel: email}]", "NB201"),
    ],
)
def test_an_action_with_a_mistake(lay, keys, code):
    """It may be what serves a placement, uses a stock, or has an attribute."""
    schema = "customer: {age: {type: int, required: true}}\naction: {fee: {type: int}}\n"
    channels = "channels: {web: {placements: {hero: {}}}, email: {placements: {body: {}}}}\n"
    files = {
        "cards": f"{ACTION}    {keys}\n",
        "channels": channels,
        "contact-policies": CONTACT,
        "schema": schema,
    }
    assert found(lay, **files) == [(code, "actions/cards.yaml")]


def test_a_required_attribute_of_an_action_with_a_mistake(lay):
    schema = "action: {fee: {type: int, required: true}}\n"
    gold = ACTION.replace("  silver:\n", "    atributes: {fee: 2}\n")
    assert found(lay, schema=schema, cards=gold) == [("NB201", "actions/cards.yaml")]


def test_a_fallback_with_a_mistake(lay):
    channels = "channels: {web: {placements: {hero: {}}}, email: {placements: {body: {fallback: silver}}}}\n"
    cards = f"{ACTION}    propensity: 0.1\n    treatmnts: [{{channel: email}}]\n"
    assert found(lay, cards=cards, channels=channels) == [("NB201", "actions/cards.yaml")]


def test_a_mistake_in_one_action_does_not_hide_those_of_the_next(lay):
    cards = f"{ACTION}    propensty: 0.1\n    treatments: [{{channel: web}}]\n  blue:\n    value: 3\n"
    compilation = workspace.compile(lay({"actions/cards.yaml": cards}))
    assert [(d.code, d.position.line) for d in compilation.diagnostics] == [
        ("NB201", 8), ("NB216", 10), ("NB220", 10)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("declaration", "condition"),
    [
        ("{type: string, requird: true}", "!(customer.plan == 'a')"),
        ("{type: string, required: true, enum: [a, 5]}", "customer.plan == 'x'"),
        ("{type: int, required: true, minimum: 5, maximm: 9}", "customer.plan < 3"),
    ],
)
def test_a_declaration_with_a_mistake(lay, declaration, condition):
    cards = f"{ACTION}    propensity: 0.1\n    treatments: [{{channel: web}}]\n"
    cards += f'    eligibility: [{{when: "{condition}"}}]\n'
    files = {"schema": f"customer:\n  plan: {declaration}\n", "cards": cards}
    assert [file for _, file in found(lay, **files)] == ["schema.yaml"]


@pytest.mark.parametrize(
    "wrong", ["age: [5]", "age: {type: integer}", "fee: {type: long}", "as: {type: int}"]
)
def test_what_is_computed_from_a_declaration_with_a_mistake(lay, wrong):
    schema = """\
customer:
  age: {type: int, required: true}
  old: {type: bool, expression: customer.age > 60}
  very: {type: bool, expression: customer.old && customer.age > 90}
action:
  fee: {type: int}
"""
    name = wrong.partition(":")[0]
    lines = [f"  {wrong}" if line.startswith(f"  {name}:") else line for line in schema.splitlines()]
    lines += [f"  {wrong}"] if f"  {wrong}" not in lines else []
    cards = ACTION.replace(
        "  silver:\n", "    attributes: {fee: 3}\n    eligibility: [{when: customer.very}]\n"
    )
    assert {file for _, file in found(lay, schema="\n".join(lines) + "\n", cards=cards)} == {"schema.yaml"}
    assert len(found(lay, schema="\n".join(lines) + "\n", cards=cards)) == 1


def test_a_channel_with_a_mistake(lay):
    assert found(lay, channels="channels: {web: {placments: {hero: {}}}}\n") == [("NB201", "channels.yaml")]


def test_a_group_with_a_mistake(lay):
    cards = "issue: sales\ngroup: cards\nactons: {gold: {propensity: 0.1}}\n"
    assert found(lay, cards=cards) == [("NB201", "actions/cards.yaml")]


@pytest.mark.parametrize(
    "holder", ["base: &b {propensity: 0.1}", "shared:\n  base: &b\n    propensity: 0.1", "x: [&b {value: 3}]"]
)
@pytest.mark.parametrize("merge", ["*b", "[*b, *b]"])
def test_a_mapping_that_is_written_to_be_merged(lay, holder, merge):
    cards = f"{holder}\n{ACTION}    <<: {merge}\n    value: 3\n  blue: {{<<: {merge}}}\n"
    compilation = workspace.compile(lay({"actions/cards.yaml": cards}))
    (diagnostic,) = compilation.diagnostics
    assert diagnostic.message.startswith("merge keys (`<<`) are not read; also on line ")


def test_a_merge_key_in_quotes_is_a_key_like_any_other(lay):
    cards = f'{ACTION}    propensity: 0.1\n    treatments: [{{channel: web, content: {{"<<": 1}}}}]\n'
    assert found(lay, cards=cards) == []


def test_a_file_with_many_merge_keys_is_one_finding(lay):
    cards = (
        ACTION.replace("  gold:", "  gold: &b")
        + "    <<: *b\n"
        + "".join(f"  a{n}: {{<<: *b}}\n" for n in range(20))
    )
    (diagnostic,) = workspace.compile(lay({"actions/cards.yaml": cards})).diagnostics
    assert diagnostic.message.endswith("also on lines 9, 10, 11, 12, 13 and 15 more")


REFERRING = {
    "channels.yaml": "channels: {web: {placements: {hero: {fallback: gold}}}}\n",
    "arbitration.yaml": "context_weights: [{when: customer.age > 60, percent: 10, action: gold}]\n",
    "contact-policies.yaml": "stock: {plastic: {count: 3}}\n",
    "actions/cards.yaml": """\
issue: sales
group: cards
actions:
  gold: {propensity: 0.1, stock: plastic, treatments: [{channel: web, placement: hero}]}
""",
    "tests/anna.yaml": """\
personas: {anna: {customer: {age: 30}}}
tests: [{name: one, persona: anna, channel: web, placements: {hero: 1}, expect: {hero: [gold]}}]
""",
}


@pytest.mark.parametrize(
    ("file", "right", "wrong"),
    [
        ("actions/cards.yaml", "actions:\n  gold: ", "actions:\n  - name: gold\n  - "),
        ("actions/cards.yaml", "actions:", "actons:"),
        ("schema.yaml", "customer:", "custmer:"),
        ("schema.yaml", "customer:\n  age: {", "customer:\n  - {name: age, "),
        ("channels.yaml", "channels: {web: {placements: {hero: {fallback: gold}}}}", "channels: [web]"),
        ("channels.yaml", "{hero: {fallback: gold}}", "[hero]"),
        ("channels.yaml", "channels:", "chanels:"),
        ("channels.yaml", "placements:", "placement:"),
        ("contact-policies.yaml", "{plastic: {count: 3}}", "[plastic]"),
        ("contact-policies.yaml", "stock:", "stocks:"),
        ("tests/anna.yaml", "personas: {anna: {customer: {age: 30}}}", "personas: [anna]"),
        ("tests/anna.yaml", "personas:", "persona:"),
        ("tests/anna.yaml", "personas: {anna: {customer: {age: 30}}}", "personas:"),
    ],
)
def test_names_that_cannot_be_read_are_not_unknown_elsewhere(lay, file, right, wrong):
    schema = {"schema.yaml": "customer:\n  age: {type: int, required: true}\n"}
    text = (schema | REFERRING)[file]
    assert right in text
    diagnostics = workspace.compile(lay(REFERRING | {file: text.replace(right, wrong)})).diagnostics
    assert {d.position.file for d in diagnostics if d.code != "NB707"} == {file}


@pytest.mark.parametrize(
    ("fee", "code"),
    [
        ("atributes: {fee: 2}", "NB201"),
        ("attributes: {fee: two}", "NB305"),
        ("value: action.fee * 2.0", "NB306"),
    ],
)
def test_attributes_of_an_action_with_a_mistake(lay, fee, code):
    schema = "customer: {age: {type: int, required: true}}\naction: {fee: {type: double, required: true}}\n"
    keys = {"value": "action.fee * 2.0", "eligibility": "[{when: action.fee < 3.0}]"}
    lines = [f"{key}: {text}" for key, text in keys.items() if not fee.startswith(key)]
    cards = ACTION.replace("  silver:\n", "".join(f"    {line}\n" for line in (fee, *lines)))
    assert found(lay, schema=schema, cards=cards) == [(code, "actions/cards.yaml")]


def test_a_treatment_for_what_is_not_there(lay):
    """It may be meant for the placement that is left, or be what a fallback needs."""
    email = "email: {placements: {body: {}, foot: {fallback: silver}}}"
    channels = f"channels: {{web: {{placements: {{hero: {{}}}}}}, {email}}}\n"
    cards = f"{ACTION}    propensity: 0.1\n    treatments: [{{channel: e-mail}}]\n"
    assert found(lay, channels=channels, cards=cards) == [("NB701", "actions/cards.yaml")]
    cards = f"{ACTION}    propensity: 0.1\n    treatments: [{{channel: email, placement: bdoy}}]\n"
    assert found(lay, channels=channels, cards=cards) == [("NB702", "actions/cards.yaml")]
