"""A workspace -> the bundle it means; and all that is wrong with one, once and nothing else."""

import random
import textwrap
from pathlib import Path

import pytest

from nextbest import workspace
from nextbest.bundle import seal
from nextbest.bundle.offline import OfflineBundle
from nextbest.v1 import bundle_pb2, customer_pb2
from nextbest.workspace import Compilation
from nextbest.workspace.definitions import moment_us, span_us

WORKSPACE = {
    "workspace.yaml": "name: bank\ncurrency: EUR\n",
    "schema.yaml": """
        customer:
          age: {type: int, required: true, minimum: 0, maximum: 130, label: Age}
          balance: {type: double, required: true}
          income: {type: double, required: true}
          ratio: {type: double, expression: customer.balance / customer.income}
          products: {type: list<string>, required: true}
        context:
          page: {type: string, enum: [home, cards], required: true}
        action:
          apr: {type: double}
          kind: {type: string}
        """,
    "channels.yaml": """
        channels:
          web:
            placements:
              sidebar: {count: 3}
              hero: {fallback: silver}
          email: {placements: {body: {count: 2}}}
        """,
    "issues.yaml": """
        issues:
          sales:
            lever: 10
            eligibility: [{when: customer.age >= 18, reason: adults}]
          care: {}
        """,
    "actions/cards.yaml": """
        issue: sales
        group: cards
        lever: 5
        limit: 2
        eligibility: [{when: customer.balance > 0}]
        actions:
          silver:
            propensity: {model: card, prior: 0.25}
            value: customer.balance * 2.0
            attributes: {kind: debit}
            treatments: [{channel: web}]
          gold:
            label: Gold card
            value: action.apr * 10.0
            propensity: card
            mandatory: true
            lever: -20
            active: {from: 2026-01-01, until: 2026-06-01T12:00:00.5+02:00}
            attributes: {apr: 12.5}
            eligibility: [{when: customer.age < 70 && action.apr > 3.0, reason: not for the old}]
            applicability: [{when: '!("gold" in customer.products)'}]
            suitability: [{when: customer.ratio > 1.0 || customer.age > 40}]
            treatments:
              - {channel: web, placement: hero, content: {z: 1, a: [true, null, "é"]},
                 eligibility: [{when: 'context.page == "cards"'}]}
              - {name: mail, channel: email}
        """,
    "actions/care.yaml": """
        issue: care
        group: news
        actions:
          newsletter:
            propensity: 0.5
            enabled: false
            treatments: [{channel: web}, {channel: email, placement: body}]
        """,
    "models/card.yaml": """
        name: card
        file: card.onnx
        prior: 0.02
        inputs:
          features: [customer.ratio, {attribute: action.apr, missing: 1}]
        """,
    "arbitration.yaml": """
        arbitration:
          factors: {context_weight: false}
          thresholds: {propensity: 0.01, priority: 0.5}
        context_weights:
          - {when: 'context.page == "cards"', percent: 40, group: cards}
          - {when: customer.age > 60, percent: -10}
        """,
}

# Of the check: within the windows above.
NOW_US = moment_us("2026-03-01")


@pytest.fixture
def write(tmp_path: Path, onnx: bytes):
    def write(**changes: str) -> Path:
        files = WORKSPACE | {name.replace("__", "/") + ".yaml": text for name, text in changes.items()}
        names = list(files)
        random.shuffle(names)
        for name in names:
            path = tmp_path / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(textwrap.dedent(files[name]))
        (tmp_path / "models/card.onnx").write_bytes(onnx)
        return tmp_path

    return write


@pytest.fixture
def bundle(write) -> bundle_pb2.Bundle:
    compilation = workspace.compile(write(), now_us=NOW_US)
    assert [d.message for d in compilation.errors] == []
    return compilation.bundle


def codes(compilation: Compilation) -> list[tuple[str, str, int]]:
    return [(d.code, d.position.file, d.position.line) for d in compilation.diagnostics if d.position]


def texts(bundle: bundle_pb2.Bundle, clauses) -> list[str]:
    return [bundle.clauses[clause].text for clause in clauses]


def test_tables_are_sorted_by_name_and_placements_as_written(bundle):
    assert (bundle.workspace, bundle.currency) == ("bank", "EUR")
    assert [action.name for action in bundle.actions] == ["gold", "newsletter", "silver"]
    assert [channel.name for channel in bundle.channels] == ["email", "web"]
    assert [(p.name, p.count) for p in bundle.channels[1].placements] == [("sidebar", 3), ("hero", 1)]
    assert list(bundle.files) == sorted(bundle.files)
    assert [(issue.name, issue.lever_percent) for issue in bundle.issues] == [("care", 0), ("sales", 10)]
    cards, news = bundle.groups
    assert (cards.name, cards.issue, cards.lever_percent, cards.limit) == ("cards", 1, 5, 2)
    assert (news.name, news.issue, news.limit) == ("news", 0, 0)


def test_attributes_are_declared(bundle):
    age = bundle.attributes[0]
    assert (age.name, age.root, age.type, age.required, age.label) == (
        "age",
        bundle_pb2.ROOT_CUSTOMER,
        bundle_pb2.TYPE_INT,
        True,
        "Age",
    )
    assert (age.minimum.int, age.maximum.int) == (0, 130)
    assert "ratio" not in [attribute.name for attribute in bundle.attributes]


def test_purposes_are_kept_and_reported_once(write):
    schema = WORKSPACE["schema.yaml"].replace("required: true}", "required: true, purposes: [advice]}")
    compilation = workspace.compile(write(schema=schema), now_us=NOW_US)
    kept = {attribute.name: list(attribute.purposes) for attribute in compilation.bundle.attributes}
    assert kept["balance"] == kept["page"] == ["advice"]
    (found,) = [d for d in compilation.diagnostics if d.code == "NB224"]
    assert found.message == "the purposes of `customer.balance` and of 3 more are kept, but not yet applied"


def test_policies_are_inherited_in_order(bundle):
    gold, newsletter, silver = bundle.actions
    inherited = ["customer.age >= 18", "customer.balance > 0"]
    assert texts(bundle, gold.eligibility) == [*inherited, "customer.age < 70"]
    assert texts(bundle, silver.eligibility) == inherited
    assert list(newsletter.eligibility) == []
    # What several actions inherit is there once.
    assert list(gold.eligibility[:2]) == list(silver.eligibility)
    condition = bundle.conditions[bundle.clauses[gold.eligibility[2]].condition]
    assert condition.text == "customer.age < 70 && action.apr > 3.0"
    assert condition.reason == "not for the old"
    assert bundle.files[condition.position.file] == "actions/cards.yaml"
    assert condition.position.line == 21


def test_positions_point_into_the_files(bundle, tmp_path):
    for clause in bundle.clauses:
        lines = (tmp_path / bundle.files[clause.position.file]).read_text().splitlines()
        assert lines[clause.position.line - 1][clause.position.column - 1 :].startswith(
            clause.text.split("\n")[0]
        )


def test_actions(bundle):
    gold, newsletter, silver = bundle.actions
    assert (gold.label, gold.mandatory, gold.enabled, gold.lever_percent) == ("Gold card", True, True, -20)
    assert gold.active_from_us == moment_us("2026-01-01")
    assert gold.active_until_us == moment_us("2026-06-01T10:00:00.500Z")
    assert gold.WhichOneof("value") == "value_constant"
    assert gold.value_constant == 125.0
    assert (gold.prior, gold.model) == (0.02, 0)
    assert silver.WhichOneof("value") == "value_program"
    assert (silver.prior, silver.HasField("active_from_us")) == (0.25, False)
    assert (newsletter.prior, newsletter.enabled, newsletter.HasField("model")) == (0.5, False, False)
    assert newsletter.value_constant == 1.0
    absent = customer_pb2.Value()
    assert list(gold.attributes) == [customer_pb2.Value(double=12.5), absent]
    assert list(silver.attributes) == [absent, customer_pb2.Value(string="debit")]


def test_treatments_and_fallbacks(bundle):
    hero, mail = bundle.actions[0].treatments
    assert (hero.name, hero.channel, hero.placement) == ("web-hero", 1, 1)
    assert hero.content == '{"a":[true,null,"é"],"z":1}'
    assert texts(bundle, hero.eligibility) == ['context.page == "cards"']
    assert (mail.name, mail.channel, mail.HasField("placement"), mail.content) == ("mail", 0, False, "{}")
    fallback = bundle.channels[1].placements[1]
    assert bundle.actions[fallback.fallback].name == "silver"
    assert not bundle.channels[1].placements[0].HasField("fallback")


def test_models_are_bound(bundle, onnx):
    (model,) = bundle.models
    assert (model.name, model.output, model.positive_column) == ("card", "probabilities", 1)
    assert model.onnx == onnx
    (given,) = model.inputs
    ratio, apr = given.columns
    assert (given.name, given.element_type) == ("features", bundle_pb2.FLOAT32)
    assert bundle.features[ratio.feature].name == "customer.ratio"
    assert not ratio.HasField("missing")
    assert apr.action_attribute == 0
    assert apr.missing == customer_pb2.Value(double=1.0)


def test_arbitration(bundle):
    arbitration = bundle.arbitration
    assert arbitration.context_weight_off
    assert not arbitration.propensity_off
    assert (arbitration.propensity_threshold, arbitration.priority_threshold) == (0.01, 0.5)
    cards, old = bundle.context_weights
    assert (cards.percent, cards.WhichOneof("scope"), cards.group) == (40, "group", 0)
    assert cards.text == 'context.page == "cards"'
    assert (old.percent, old.WhichOneof("scope")) == (-10, None)


def test_the_same_files_give_the_same_bytes(write, monkeypatch):
    first = workspace.compile(write(), now_us=NOW_US).bundle.SerializeToString(deterministic=True)
    listed = Path.iterdir
    monkeypatch.setattr(Path, "iterdir", lambda path: iter(sorted(listed(path), reverse=True)))
    assert workspace.compile(write(), now_us=NOW_US).bundle.SerializeToString(deterministic=True) == first


def test_progress_ends_at_its_total(write):
    reports: dict[str, list[tuple[int, int]]] = {}
    workspace.compile(write(), lambda stage, done, total: reports.setdefault(stage, []).append((done, total)))
    assert list(reports) == ["load", "models", "lower"]
    for stage, seen in reports.items():
        assert seen == sorted(seen), stage
    assert reports["lower"][-1] == (3, 3)


def test_an_inherited_error_is_reported_once(write):
    compilation = workspace.compile(
        write(issues="issues: {care: {}, sales: {eligibility: [{when: customer.agee >= 18}]}}"),
        now_us=NOW_US,
    )
    assert codes(compilation) == [("NB402", "issues.yaml", 1)]


def test_a_wrong_declaration_is_not_reported_where_it_is_used(write):
    schema = WORKSPACE["schema.yaml"].replace("age: {type: int", "age: {type: integer")
    assert codes(workspace.compile(write(schema=schema), now_us=NOW_US)) == [("NB204", "schema.yaml", 3)]


@pytest.mark.parametrize(
    "name",
    ["schema", "channels", "actions__cards", "actions__care", "arbitration", "issues", "models__card"],
)
def test_a_broken_file_is_the_only_one_reported(write, name):
    compilation = workspace.compile(write(**{name: "a: 1\nb: [\n"}), now_us=NOW_US)
    file = name.replace("__", "/") + ".yaml"
    found = [(code, at) for code, at, _ in codes(compilation) if not code.startswith("NB5")]
    assert found == [("NB103", file)]
    assert compilation.bundle is None


def test_errors_of_all_files_are_reported_at_once(write):
    compilation = workspace.compile(
        write(
            actions__care="""
                issue: care
                group: [news]
                actions: {a: {propensity: 7, treatments: [{channel: wbe}]}}
                """,
            arbitration="context_weights: [{when: customer.agee > 1, percent: x, group: crads}]\n",
            channels="channels: {web: {placements: {hero: {count: 0, fallback: unknown}}}}\n",
        )
    )
    found = {(code, file) for code, file, _ in codes(compilation)}
    assert found >= {
        ("NB203", "actions/care.yaml"),
        ("NB205", "actions/care.yaml"),
        ("NB701", "actions/care.yaml"),
        ("NB203", "arbitration.yaml"),
        ("NB205", "channels.yaml"),
        ("NB214", "channels.yaml"),
        ("NB701", "actions/cards.yaml"),
    }


def test_findings_come_in_the_order_of_the_files(write):
    compilation = workspace.compile(write(issues="issues: {x: {}, y: {}}", arbitration="a: 1\nb: 2\n"))
    places = [(d.position.file, d.position.line, d.position.column) for d in compilation.diagnostics]
    assert places == sorted(places)


@pytest.mark.parametrize("path", ["nowhere", "."])
def test_a_folder_that_is_not_a_workspace_is_reported(tmp_path, path):
    compilation = workspace.compile(tmp_path / path)
    assert [d.code for d in compilation.diagnostics] == ["NB101"]
    assert compilation.bundle is None


def test_hidden_files_and_foreign_folders_are_left_alone(write, tmp_path):
    write()
    for name in (".git/config.yaml", "node_modules/x/y.yaml", "actions/.draft.yaml", "docs/notes.yaml"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{{{")
    assert workspace.compile(tmp_path).errors == []


@pytest.mark.parametrize(
    ("written", "us"),
    [("30m", 1_800_000_000), ("7d", 604_800_000_000), ("1w", 604_800_000_000), ("1d12h", 129_600_000_000)],
)
def test_lengths_of_time(written, us):
    assert span_us(written) == us


@pytest.mark.parametrize("written", ["", "0d", "7", "d", "1h1d", "7 d", "-1d", "401d", "1s", "٣d"])
def test_texts_that_are_not_durations(written):
    with pytest.raises(ValueError, match="is not"):
        span_us(written)


@pytest.mark.parametrize(
    "written",
    [
        "",
        "2026",
        "2026-1-1",
        "2026-13-01",
        "2026-02-30",
        "2026-01-01T10:00",
        "2026-01-01 10:00:00Z",
        "20260101",
    ],
)
def test_texts_that_are_not_dates(written):
    with pytest.raises(ValueError, match="is not"):
        moment_us(written)


def test_conditions_whose_normal_form_would_explode_stay_small(tmp_path: Path) -> None:
    """Twenty pairs joined by OR are a million clauses; one derived feature expresses the same."""
    fields = "".join(f"  x{place}: {{type: int, required: true}}\n" for place in range(40))
    pairs = " || ".join(
        f"(customer.x{2 * place} > %d && customer.x{2 * place + 1} > 1)" for place in range(20)
    )
    actions = "".join(
        f"  action-{number}:\n    treatments: [{{channel: web}}]\n"
        f"    propensity: 0.1\n    eligibility: [{{when: {pairs % tuple([number] * 20)!r}}}]\n"
        for number in range(100)
    )
    files = {
        "workspace.yaml": "name: explosive\n",
        "schema.yaml": f"customer:\n{fields}",
        "channels.yaml": "channels: {web: {placements: {hero: {count: 100}}}}\n",
        "actions/all.yaml": f"issue: sales\ngroup: all\nactions:\n{actions}",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    compilation = workspace.compile(tmp_path)
    assert compilation.diagnostics == []
    made = compilation.bundle
    assert made is not None
    assert len(made.clauses) <= 64 * 100
    assert max(len(clause.literals) for clause in made.clauses) <= 16
    data = seal(made).data
    assert len(data) < 2_000_000
    given = {f"x{place}": 0 for place in range(40)} | {"x6": 50, "x7": 2}
    decision = OfflineBundle(data).decide(channel="web", placements={"hero": 100}, customer=given)
    assert {ranked.action for ranked in decision["hero"]} == {f"action-{number}" for number in range(50)}
