"""Models whose rows change one another: refused by a push and by `check`, or scored one by one."""

import hashlib

import numpy as np
import onnx
import polars as pl
import pytest
from onnx import TensorProto, helper
from onnxruntime.quantization import QuantType, quantize_dynamic

from nextbest import bundle, workspace
from nextbest.bundle.offline import OfflineBundle
from nextbest.models.job import Job, Plan
from nextbest.models.pushing.push import Request, push
from nextbest.models.validation import validate
from nextbest.registry.registry import Registry

WEIGHTS = np.array([[0.4, -0.2], [-0.3, 0.5]], np.float32)
ROWS = np.random.default_rng(0).normal(size=(40, 2)).astype(np.float32)


def graph(nodes, constants, shape=(None, 2), kind=TensorProto.FLOAT, output=(None, 2)):
    made = helper.make_graph(
        [
            helper.make_node(*node[:3], name=node[2][0], **(node[3] if len(node) > 3 else {}))
            for node in nodes
        ],
        "g",
        [helper.make_tensor_value_info("x", kind, shape)],
        [helper.make_tensor_value_info("p", TensorProto.FLOAT, output)],
        [onnx.numpy_helper.from_array(np.asarray(values), name) for name, values in constants.items()],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    return helper.make_model(made, opset_imports=opsets, ir_version=8).SerializeToString()


LINE = [("MatMul", ["x", "w"], ["z"])]
SOFTMAX = graph([*LINE, ("Softmax", ["z"], ["p"], {"axis": 0})], {"w": WEIGHTS})
# Name, graph, the operators to be named.
DEPENDENT = {
    "a softmax over rows": (SOFTMAX, ["p"]),
    "the mean of all rows": (
        graph(
            [
                *LINE,
                ("ReduceMean", ["z"], ["mean"], {"axes": [0], "keepdims": 1}),
                ("Sub", ["z", "mean"], ["centred"]),
                ("Sigmoid", ["centred"], ["p"]),
            ],
            {"w": WEIGHTS},
        ),
        ["mean"],
    ),
    "a sum from the first row on": (
        graph(
            [*LINE, ("CumSum", ["z", "axis"], ["sums"]), ("Sigmoid", ["sums"], ["p"])],
            {"w": WEIGHTS, "axis": np.array(0)},
        ),
        ["sums"],
    ),
    "the number of rows": (
        graph(
            [
                *LINE,
                ("Shape", ["z"], ["shape"]),
                ("Gather", ["shape", "first"], ["rows"]),
                ("Cast", ["rows"], ["count"], {"to": TensorProto.FLOAT}),
                ("Div", ["z", "count"], ["shared"]),
                ("Sigmoid", ["shared"], ["p"]),
            ],
            {"w": WEIGHTS, "first": np.array(0)},
        ),
        ["count"],
    ),
}


def rehearse(model, **options):
    return validate(Job(model, Plan.INDEPENDENCE, output="p", column=1, background={"x": ROWS}, **options))


@pytest.mark.parametrize("name", DEPENDENT)
def test_rows_that_change_one_another_are_found_and_the_operator_is_named(name):
    model, nodes = DEPENDENT[name]
    outcome = rehearse(model)
    assert [refusal.code for refusal in outcome.refusals] == ["NB671"]
    assert outcome.report.independence.nodes == nodes
    assert f"`{nodes[0]}` joins rows" in outcome.refusals[0].message
    assert "rows: one" in outcome.refusals[0].help


MANY_ROWS = graph(
    [
        *LINE,
        ("Shape", ["z"], ["shape"]),
        ("Gather", ["shape", "first"], ["rows"]),
        ("Greater", ["rows", "many"], ["are_many"]),
        ("Cast", ["are_many"], ["weight"], {"to": TensorProto.FLOAT}),
        ("Add", ["z", "weight"], ["more"]),
        ("Sigmoid", ["more"], ["p"]),
    ],
    {"w": WEIGHTS, "first": np.array(0), "many": np.array(700)},
)
RARE_ROWS = graph(
    [
        ("ReduceMax", ["x"], ["largest"], {"axes": [0], "keepdims": 1}),
        ("Sub", ["largest", "bound"], ["beyond"]),
        ("Relu", ["beyond"], ["excess"]),
        ("Add", ["x", "excess"], ["moved"]),
        ("MatMul", ["moved", "w"], ["z"]),
        ("Sigmoid", ["z"], ["p"]),
    ],
    {"w": WEIGHTS, "bound": np.float32(100.0)},
)


@pytest.mark.parametrize("model", [MANY_ROWS, RARE_ROWS])
def test_many_rows_and_rare_rows_change_no_score_either(model):
    rows = np.random.default_rng(1).normal(size=(300, 2)).astype(np.float32)
    rows[290] = 200.0
    job = Job(model, Plan.INDEPENDENCE, output="p", column=1, background={"x": rows})
    assert [refusal.code for refusal in validate(job).refusals] == ["NB671"]


def test_a_row_that_always_fails_is_not_taken_for_dependence():
    model = graph(
        [
            ("Cast", ["x"], ["number"], {"to": TensorProto.INT64}),
            ("Gather", ["table", "number"], ["line"]),
            ("Sigmoid", ["line"], ["p"]),
        ],
        {"table": np.array([0.1, 0.2], np.float32)},
        (None, 1),
        output=(None, 1),
    )
    rows = np.zeros((200, 1), np.float32)
    rows[150] = 9.0
    job = Job(model, Plan.INDEPENDENCE, output="p", background={"x": rows})
    outcome = validate(job)
    assert not outcome.refusals
    assert outcome.report.independence.is_independent


@pytest.mark.parametrize("name", DEPENDENT)
def test_each_row_by_itself_is_taken(name):
    outcome = rehearse(DEPENDENT[name][0], row_by_row=True)
    assert not outcome.refusals
    assert not outcome.report.independence.is_independent


def test_an_int8_net_has_the_scale_of_its_batch(tmp_path):
    """As ONNX Runtime's dynamic quantisation writes it."""
    plain = graph([*LINE, ("Sigmoid", ["z"], ["p"])], {"w": WEIGHTS})
    (tmp_path / "plain.onnx").write_bytes(plain)
    quantize_dynamic(tmp_path / "plain.onnx", tmp_path / "int8.onnx", weight_type=QuantType.QUInt8)
    model = (tmp_path / "int8.onnx").read_bytes()
    assert not rehearse(plain).refusals
    outcome = rehearse(model, any_operator=True)
    assert [refusal.code for refusal in outcome.refusals] == ["NB671"]
    assert "DynamicQuantizeLinear" in "".join(outcome.report.facts.operators)
    assert not rehearse(model, any_operator=True, row_by_row=True).refusals


def test_a_squeeze_that_removes_the_only_row_is_refused_either_way():
    nodes = [*LINE, ("Gather", ["z", "one"], ["c"], {"axis": 1}), ("Squeeze", ["c"], ["s"])]
    model = graph([*nodes, ("Sigmoid", ["s"], ["p"])], {"w": WEIGHTS, "one": np.array([1])}, output=(None,))
    for row_by_row in (False, True):
        (refusal,) = validate(
            Job(model, Plan.INDEPENDENCE, output="p", background={"x": ROWS}, row_by_row=row_by_row)
        ).refusals
        assert refusal.code == "NB671"
        assert "for a row by itself, though it has for 40 rows" in refusal.message
        assert "squeeze" in refusal.help


def test_without_rows_some_are_drawn():
    outcome = validate(Job(SOFTMAX, Plan.INDEPENDENCE, output="p", column=1))
    assert [refusal.code for refusal in outcome.refusals] == ["NB671"]
    texts = helper.make_node(
        "LabelEncoder", ["x"], ["n"], domain="ai.onnx.ml",
        keys_strings=["a", "b", "c"], values_floats=[0.5, -1.0, 2.0], default_float=0.0,
    )  # fmt: skip
    model = onnx.load_from_string(
        graph([("Softmax", ["n"], ["p"], {"axis": 0})], {}, (None, 1), TensorProto.STRING, (None, 1))
    )
    model.graph.node.insert(0, texts)
    outcome = validate(Job(model.SerializeToString(), Plan.INDEPENDENCE, output="p"))
    assert outcome.report.independence.nodes == ["p"]


SHOP = {
    "workspace.yaml": "name: shop\n",
    "schema.yaml": "customer: {a: {type: double}, b: {type: double}}\naction: {fee: {type: double}}\n",
    "channels.yaml": "channels: {web: {placements: {hero: {count: 3}}}}\n",
    "actions/cards.yaml": """
issue: sales
group: cards
actions:
  gold: {propensity: card, attributes: {fee: 1.0}, treatments: [{channel: web}]}
  silver: {propensity: card, attributes: {fee: 2.0}, treatments: [{channel: web}]}
  bronze: {propensity: card, attributes: {fee: 3.0}, treatments: [{channel: web}]}
""",
}
BINDING = "prior: 0.0123\ninputs: {x: [customer.a, action.fee]}\noutput: p\npositive_class: 1\n"


@pytest.fixture
def shop(tmp_path):
    for name, content in SHOP.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    (tmp_path / "models").mkdir()
    return tmp_path


def served(folder):
    """The propensity of each action."""
    found = workspace.compile(folder)
    assert found.bundle is not None, found.diagnostics
    decision = OfflineBundle(bundle.seal(found.bundle).data).decide(
        customer={"a": 0.5}, channel="web", placements={"hero": 3}
    )
    return {action.action: action.score.propensity for action in decision["hero"]}


def test_a_plain_file_is_refused_by_check_and_served_row_by_row(shop):
    (shop / "models/card.onnx").write_bytes(SOFTMAX)
    (shop / "models/card.yaml").write_text(f"name: card\nfile: card.onnx\n{BINDING}")
    found = workspace.compile(shop)
    assert found.bundle is None
    (diagnostic,) = [one for one in found.diagnostics if one.code == "NB671"]
    assert (diagnostic.position.file, diagnostic.position.line) == ("models/card.yaml", 2)
    (shop / "models/card.yaml").write_text(f"name: card\nfile: card.onnx\n{BINDING}rows: one\n")
    # A softmax over a single row is 1.
    assert served(shop) == {"gold": 1.0, "silver": 1.0, "bronze": 1.0}


def test_a_version_keeps_its_rows_apart(shop):
    """The trainer scored each row by itself; served, all three actions are in one decision."""
    quarter = onnx.load_from_string(SOFTMAX)
    quarter.graph.node[-1].output[0] = "s"
    quarter.graph.node.append(helper.make_node("Div", ["s", "four"], ["p"]))
    quarter.graph.initializer.append(onnx.numpy_helper.from_array(np.float32(4.0), "four"))
    (shop / "q.onnx").write_bytes(quarter.SerializeToString())
    frame = pl.DataFrame({"customer.a": ROWS[:, 0], "action.fee": ROWS[:, 1], "expected": 0.25})
    frame.write_parquet(shop / "golden.parquet")
    registry = Registry(shop / "models/registry")
    for rows, code in (("", "NB671"), ("rows: one\n", "")):
        (shop / "binding.yaml").write_text(BINDING + rows)
        request = Request(
            model=shop / "q.onnx", name="card", by="ana", binding=shop / "binding.yaml",
            golden=shop / "golden.parquet", workspace=shop,
        )  # fmt: skip
        pushed = push(registry, request)
        assert [one.code for one in pushed.diagnostics] == ([code] if code else [])
    assert pushed.manifest.binding.row_by_row
    assert pushed.version.digest == hashlib.sha256(quarter.SerializeToString()).hexdigest()
    registry.promote(pushed.version, "champion", by="ana", at="2026-01-01T00:00:00Z")
    (shop / "models/card.yaml").write_text("name: card\nversion: champion\n")
    (shop / "binding.yaml").unlink()
    assert served(shop) == {"gold": 0.25, "silver": 0.25, "bronze": 0.25}
    # A model file that binds otherwise is tried again.
    (shop / "models/card.yaml").write_text(f"name: card\nversion: champion\n{BINDING}")
    assert served(shop) == {"gold": 0.25, "silver": 0.25, "bronze": 0.25}


VECTORS = [
    ("Mul", ["age", "w"], ["aged"]),
    ("Gather", ["levels", "visits"], ["level"]),
    ("Add", ["aged", "level"], ["s"]),
    ("Sigmoid", ["s"], ["p"]),
]


def test_inputs_of_one_number_a_row_are_bound_and_served(shop):
    made = helper.make_graph(
        [helper.make_node(*node) for node in VECTORS],
        "g",
        [
            helper.make_tensor_value_info("age", TensorProto.FLOAT, [None]),
            helper.make_tensor_value_info("visits", TensorProto.INT64, [None]),
        ],
        [helper.make_tensor_value_info("p", TensorProto.FLOAT, [None])],
        [
            onnx.numpy_helper.from_array(np.float32(0.5), "w"),
            onnx.numpy_helper.from_array(np.array([-1.0, 0.25], np.float32), "levels"),
        ],
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    (shop / "schema.yaml").write_text(
        "customer: {a: {type: double}, visits: {type: int}}\naction: {fee: {type: double}}\n"
    )
    (shop / "m.onnx").write_bytes(model.SerializeToString())
    (shop / "binding.yaml").write_text(
        "prior: 0.01\noutput: p\n"
        "inputs: {age: action.fee, visits: {attribute: customer.visits, missing: 1}}\n"
    )
    fees, visits = np.array([1.0, 2.0, -3.0]), [0, 1, 1]
    margins = fees * 0.5 + np.array([-1.0, 0.25])[visits]
    pl.DataFrame(
        {"action.fee": fees, "customer.visits": visits, "expected": 1 / (1 + np.exp(-margins))}
    ).write_parquet(shop / "golden.parquet")
    registry = Registry(shop / "models/registry")
    request = Request(
        model=shop / "m.onnx", name="card", by="ana", binding=shop / "binding.yaml",
        golden=shop / "golden.parquet", background=shop / "golden.parquet", budget_us=1e6, workspace=shop,
    )  # fmt: skip
    pushed = push(registry, request)
    assert not pushed.diagnostics
    registry.promote(pushed.version, "champion", by="ana", at="2026-01-01T00:00:00Z")
    (shop / "models/card.yaml").write_text("name: card\nversion: champion\n")
    (shop / "binding.yaml").unlink()
    expected = {
        name: 1 / (1 + np.exp(-(fee / 2 + 0.25))) for name, fee in (("gold", 1), ("silver", 2), ("bronze", 3))
    }
    assert served(shop) == pytest.approx(expected, abs=1e-6)
    # Two attributes for one number a row.
    (shop / "binding.yaml").write_text("inputs: {age: [action.fee, customer.a], visits: customer.visits}\n")
    (shop / "m.onnx").write_bytes(model.SerializeToString() + b"\x32\x01\x61")
    refused = push(registry, request)
    assert [one.code for one in refused.diagnostics] == ["NB608"]
    assert refused.diagnostics[0].message == "the input `age` has 1 column, but 2 are bound"
