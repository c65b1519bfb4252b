"""Labels of classes: found where exporters put them, shown, and taken for the column of a score."""

import random

import numpy as np
import polars as pl
import pytest
from catboost import CatBoostClassifier
from lightgbm import LGBMClassifier
from onnx import ModelProto, TensorProto, helper, load_from_string, numpy_helper
from onnxmltools import convert_lightgbm
from onnxmltools.convert.common.data_types import FloatTensorType
from skl2onnx import to_onnx
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import BaggingClassifier, GradientBoostingClassifier, StackingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier

from nextbest import models, workspace
from nextbest.models.labels import Labels, labels_of
from nextbest.models.pushing.push import Request, push
from nextbest.models.zipmap import strip_zipmap
from nextbest.registry.registry import Registry

ROWS = np.random.default_rng(5).normal(size=(90, 2)).astype(np.float32)
WORDS = np.where(ROWS[:, 0] > 0.4, "no", np.where(ROWS[:, 1] > 0, "maybe", "yes"))
TWO = np.where(ROWS[:, 0] > 0, "decline", "accept")
SKLEARN = [
    LogisticRegression(),
    GradientBoostingClassifier(n_estimators=2),
    GaussianNB(),
    CalibratedClassifierCV(LogisticRegression(), cv=2),
    StackingClassifier([("lr", LogisticRegression())], cv=2),
    MLPClassifier(2, max_iter=30, tol=10),
    OneVsRestClassifier(LogisticRegression()),
    BaggingClassifier(LogisticRegression(), n_estimators=2),
]


def labels(onnx: bytes, output: str = "probabilities") -> Labels | None:
    signature = models.inspect(strip_zipmap(onnx))
    return next(tensor.labels for tensor in signature.outputs if tensor.name == output)


@pytest.mark.parametrize("model", SKLEARN, ids=lambda model: type(model).__name__)
@pytest.mark.parametrize("classes", [TWO, WORDS], ids=["two", "three"])
@pytest.mark.parametrize("zipmap", [False, True])
def test_scikit_learn(model, classes, zipmap):
    model = model.fit(ROWS, classes)
    onnx = to_onnx(model, ROWS[:1], options={id(model): {"zipmap": zipmap}})
    name = next(output.name for output in onnx.graph.output if "prob" in output.name)
    assert labels(onnx.SerializeToString(), name) == Labels(tuple(model.classes_), are_texts=True)


@pytest.mark.parametrize("zipmap", [False, True])
def test_lightgbm(zipmap):
    model = LGBMClassifier(n_estimators=2, verbose=-1).fit(ROWS, np.where(ROWS[:, 0] > 0, 2, 1))
    onnx = convert_lightgbm(model, initial_types=[("x", FloatTensorType([None, 2]))], zipmap=zipmap)
    assert labels(onnx.SerializeToString()) == Labels(("1", "2"), are_texts=False)


def test_catboost(tmp_path):
    model = CatBoostClassifier(iterations=2, verbose=0, allow_writing_files=False).fit(ROWS, WORDS)
    model.save_model(tmp_path / "m.onnx", format="onnx")
    assert labels((tmp_path / "m.onnx").read_bytes()) == Labels(("maybe", "no", "yes"), are_texts=True)


def net(*more, outputs=("probabilities",), width=3, label=TensorProto.STRING):
    """A net that answers with probabilities, and what else it makes of its scores `s`."""
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["s"]),
        helper.make_node("Softmax", ["s"], ["probabilities"]),
        *more,
    ]
    kinds = {"probabilities": (TensorProto.FLOAT, [None, width]), "label": (label, [None])}
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 2])],
        [helper.make_tensor_value_info(name, *kinds[name]) for name in outputs],
        [
            numpy_helper.from_array(np.ones((2, 3), np.float32), "w"),
            helper.make_tensor("names", TensorProto.STRING, [3], [b"low", b"mid", b"high"]),
        ],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()


BEST = helper.make_node("ArgMax", ["s"], ["best"], axis=1, keepdims=0)


@pytest.mark.parametrize("width", [3, None])
def test_a_net_that_names_the_best_class(width):
    picked = helper.make_node("Gather", ["names", "best"], ["label"])
    encoded = helper.make_node(
        "LabelEncoder", ["best"], ["label"], domain="ai.onnx.ml",
        keys_int64s=[2, 0, 1], values_strings=["high", "low", "mid"],
    )  # fmt: skip
    for last in (picked, encoded):
        onnx = net(BEST, last, outputs=["label", "probabilities"], width=width)
        assert labels(onnx) == Labels(("low", "mid", "high"), are_texts=True)


def test_labels_that_only_a_zipmap_has_survive_its_removal():
    zipped = helper.make_node(
        "ZipMap", ["probabilities"], ["zipped"], domain="ai.onnx.ml", classlabels_strings=["a", "b", "c"]
    )
    model = load_from_string(net(zipped))
    kind = helper.make_sequence_type_proto(
        helper.make_map_type_proto(TensorProto.STRING, helper.make_tensor_type_proto(TensorProto.FLOAT, []))
    )
    model.graph.output[0].CopyFrom(helper.make_value_info("zipped", kind))
    stripped = strip_zipmap(model.SerializeToString())
    assert labels(stripped, "zipped") == Labels(("a", "b", "c"), are_texts=True)
    assert strip_zipmap(stripped) == stripped


@pytest.mark.parametrize(
    "onnx",
    [
        net(),
        net(BEST, helper.make_node("Identity", ["best"], ["label"]), outputs=["label", "probabilities"],
            label=TensorProto.INT64),
        net(BEST, helper.make_node("LabelEncoder", ["best"], ["label"], domain="ai.onnx.ml",
            keys_int64s=[0, 7], values_strings=["a", "b"]), outputs=["label", "probabilities"]),
    ],
    ids=["no label", "label without names", "names of other columns"],
)  # fmt: skip
def test_a_graph_without_names_of_classes(onnx):
    assert labels(onnx) is None


def test_damaged_graphs_have_no_labels_and_break_nothing():
    source = random.Random(3)
    bases = [
        load_from_string(net(BEST, helper.make_node("Gather", ["names", "best"], ["label"]),
                             outputs=["label", "probabilities"])),
        load_from_string(classifier(**TEXTS)),
    ]  # fmt: skip
    for _ in range(400):
        model = ModelProto.FromString(source.choice(bases).SerializeToString())
        for _ in range(3):
            node = source.choice(model.graph.node)
            change = source.choice([node.input, node.output, node.attribute, model.graph.output])
            if len(change):
                del change[source.randrange(len(change))]
            if node.output and node.input and source.random() < 0.3:
                node.input[0] = node.output[0]
            node.doc_string = source.choice(
                ["", "class labels: " + "[" * 100_000, 'class labels: {"names": 3}']
            )
        for output in model.graph.output:
            labels_of(model.graph, output.name, source.choice([None, 1, 2, 3]))


def classifier(**given) -> bytes:
    """Two classes: the score of the second falls with `x`."""
    node = helper.make_node(
        "LinearClassifier", ["x"], ["label", "p"], domain="ai.onnx.ml",
        coefficients=[0.8, -0.8], intercepts=[-2.0, 2.0], post_transform="SOFTMAX", **given,
    )  # fmt: skip
    outputs = ["label", "p"] if given else ["p"]
    if not given:
        node = helper.make_node("Concat", ["x", "x"], ["p"], axis=1)
    kind = TensorProto.STRING if "classlabels_strings" in given else TensorProto.INT64
    kinds = {"label": (kind, [None]), "p": (TensorProto.FLOAT, [None, 2])}
    graph = helper.make_graph(
        [node],
        "classifier",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 1])],
        [helper.make_tensor_value_info(name, *kinds[name]) for name in outputs],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()


TEXTS = {"classlabels_strings": ["accept", "decline"]}
SIGNS = {"classlabels_ints": [-1, 1]}
ONE_AND_TWO = {"classlabels_ints": [1, 2]}


@pytest.fixture
def shop(tmp_path):
    """A workspace with its own model file; written with the classes and the keys of the file."""

    def write(classes: dict, line: str, action: str = "card") -> workspace.Compilation:
        files = {
            "workspace.yaml": "name: shop\n",
            "schema.yaml": "customer: {a: {type: double}}\n",
            "channels.yaml": "channels: {web: {placements: {hero: {}}}}\n",
            "actions/cards.yaml": "issue: sales\ngroup: cards\nactions:\n"
            f"  gold: {{propensity: {action}, treatments: [{{channel: web}}]}}\n",
            "models/card.yaml": f"name: card\nfile: card.onnx\nprior: 0.1\n"
            f"inputs: {{x: customer.a}}\n{line}\n",
        }
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(text)
        (tmp_path / "models/card.onnx").write_bytes(classifier(**classes))
        return workspace.compile(tmp_path)

    return write


@pytest.mark.parametrize(
    ("classes", "line", "column"),
    [
        (TEXTS, "positive_class: accept", 0),
        (TEXTS, "positive_class: 1", 1),
        ({"classlabels_strings": ["0", "1"]}, 'positive_class: "1"', 1),
        (SIGNS, "", 1),
        (SIGNS, "positive_class: 1", 1),
        (SIGNS, 'positive_class: "-1"', 0),
        (ONE_AND_TWO, 'positive_class: "1"', 0),
        (ONE_AND_TWO, 'positive_class: "2"', 1),
    ],
)
def test_a_class_is_a_column(shop, classes, line, column):
    compiled = shop(classes, line)
    assert compiled.diagnostics == []
    assert compiled.bundle.models[0].positive_column == column


@pytest.mark.parametrize(
    ("classes", "line", "code", "message", "remedy"),
    [
        (TEXTS, "", "NB676", "`accept` is column 0, `decline` is column 1", "`positive_class: accept`"),
        ({"classlabels_strings": ["no", "yes"]}, "", "NB676", "`positive_class` is missing", "'yes'`"),
        ({"classlabels_strings": ["0", "1"]}, "", "NB676", "`0` is column 0", "`positive_class: '1'`"),
        (TEXTS, "positive_class: acept", "NB611", "`acept` is not a class", "did you mean `accept`?"),
        (TEXTS, "positive_class: card", "NB611", "`card` is not a class", "use `accept` or `decline`"),
        (TEXTS, "positive_class: 2", "NB611", "the output `p` has 2 columns", "use `0` or `1`"),
        (ONE_AND_TWO, "positive_class: 2", "NB611", "the output `p` has 2 columns", 'in quotes: "2"'),
        (ONE_AND_TWO, "positive_class: 1", "NB678", "is column 1 of the output `p`, the class `2`", '"2"'),
        (SIGNS, "positive_class: -1", "NB205", "is less than 0", 'quote it if it is a class: "-1"'),
        (TEXTS, "positive_class: true", "NB203", "or a class as text, is expected", 'quote it if'),
    ],
)  # fmt: skip
def test_a_class_that_is_not_given_or_not_there(shop, classes, line, code, message, remedy):
    found = [found for found in shop(classes, line).diagnostics if found.code == code]
    assert len(found) == 1, "reported once"
    assert message in found[0].message
    assert remedy in found[0].help


def test_without_names_a_class_is_a_number(shop):
    (found,) = shop({}, "positive_class: accept").diagnostics
    assert (found.code, found.help) == ("NB611", "write the number of the column, from 0 to 1")
    (found,) = shop({}, 'positive_class: "1"').diagnostics
    assert (found.code, found.help) == ("NB611", "write the number of the column, without quotes: 1")


def test_an_action_names_a_class_of_a_model_for_many(shop):
    compiled = shop(TEXTS, "positive_class: accept", "{model: card, column: decline}")
    assert compiled.diagnostics == []
    assert compiled.bundle.actions[0].model_column == 1
    (found,) = shop(TEXTS, "positive_class: accept", "{model: card, column: declined}").diagnostics
    assert (found.code, found.help) == ("NB611", "did you mean `decline`?")
    assert found.position.file == "actions/cards.yaml"
    (found,) = shop(TEXTS, "positive_class: accept", "{model: card, column: 2}").diagnostics
    assert found.code == "NB611"


def pushing(folder, binding: str | None):
    (folder / "card.onnx").write_bytes(classifier(**TEXTS))
    rows = pl.DataFrame({"customer.a": [-1.0, 0.0, 1.0]})
    rows.write_parquet(folder / "sample.parquet")
    given = {}
    if binding is not None:
        (folder / "binding.yaml").write_text(f"inputs: {{x: customer.a}}\n{binding}\n")
        given = {"binding": folder / "binding.yaml", "background": folder / "sample.parquet"}
    registry = Registry(folder / "models/registry")
    return push(
        registry, Request(model=folder / "card.onnx", name="card", by="ana", workspace=folder, **given)
    )


@pytest.mark.parametrize("binding", [None, ""], ids=["without binding", "without positive class"])
def test_a_push_asks_for_the_class(tmp_path, binding):
    (found,) = pushing(tmp_path, binding).diagnostics
    assert found.code == "NB676"
    assert "`accept` is column 0, `decline` is column 1" in found.message


def test_a_version_names_its_class(tmp_path):
    pushed = pushing(tmp_path, "positive_class: accept")
    assert pushed.diagnostics == []
    binding, report = pushed.manifest.binding, pushed.manifest.report
    assert (binding.positive_column, binding.score) == (0, "p[0]: accept")
    assert report.facts.signature.outputs[1].labels == Labels(("accept", "decline"), are_texts=True)
    # P(accept) of the three rows; that of the other class would rise.
    assert report.spread.low == pytest.approx(1 / (1 + np.exp(5.6)), rel=1e-4)
