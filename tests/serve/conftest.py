"""Bundles for servers of these tests."""

import numpy as np
import pytest
from skl2onnx import to_onnx
from sklearn.linear_model import LogisticRegression

from nextbest import bundle, workspace
from nextbest.workspace.starter import write_starter


def compile_to(folder, file):
    compilation = workspace.compile(folder)
    assert compilation.bundle is not None, compilation.diagnostics
    file.write_bytes(bundle.seal(compilation.bundle).data)
    return file


@pytest.fixture(scope="module")
def bundles(tmp_path_factory):
    """A folder with the starter workspace's bundle, and one of another name and so another digest."""
    folder = tmp_path_factory.mktemp("bundles")
    write_starter(folder / "starter")
    compile_to(folder / "starter", folder / "starter.bundle")
    file = folder / "starter" / "workspace.yaml"
    lines = [line for line in file.read_text().splitlines() if not line.startswith("name:")]
    file.write_text("\n".join(["name: changed", *lines]))
    compile_to(folder / "starter", folder / "changed.bundle")
    return folder


@pytest.fixture(scope="module")
def starter(bundles):
    return bundles / "starter.bundle"


@pytest.fixture(scope="module")
def changed(bundles):
    return bundles / "changed.bundle"


WORKSPACE = {
    "workspace.yaml": "name: scored\n",
    "schema.yaml": "customer:\n  age: {type: int}\n  balance: {type: double}\n",
    "channels.yaml": "channels:\n  web:\n    placements:\n      hero: {count: 1}\n",
    "actions/cards.yaml": """
issue: sales
group: cards
actions:
  gold-card:
    value: 100
    propensity: {model: cards, prior: 0.02}
    treatments:
      - {channel: web, placement: hero, content: {title: Gold}}
""",
    "models/cards.yaml": """
name: cards
file: cards.onnx
inputs:
  features: [customer.age, customer.balance]
output: probabilities
positive_class: 1
""",
}


@pytest.fixture
def scored(tmp_path):
    """A bundle with a logistic regression, and what scikit-learn itself would say of an age and a balance."""
    folder = tmp_path / "scored"
    for name, text in WORKSPACE.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    rows = np.array([[20, 1], [30, 5], [40, 2], [50, 9], [60, 3]], dtype=np.float32)
    model = LogisticRegression().fit(rows, [0, 0, 1, 0, 1])
    exported = to_onnx(model, initial_types=None, X=rows, options={"zipmap": False})
    exported.graph.input[0].name = "features"
    for node in exported.graph.node:
        node.input[:] = ["features" if name == "X" else name for name in node.input]
    (folder / "models" / "cards.onnx").write_bytes(exported.SerializeToString())

    def predict(age, balance):
        return float(model.predict_proba(np.array([[age, balance]], dtype=np.float32))[0, 1])

    return compile_to(folder, tmp_path / "scored.bundle"), predict
