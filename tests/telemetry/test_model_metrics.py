"""Metrics of models: measured from counts, and arrived at a collector from a server in its own process."""

from datetime import UTC, datetime

import numpy as np
import pytest
from onnx import TensorProto, helper

import nextbest
from nextbest import bundle, workspace
from nextbest.models.pushing.push import Request, push
from nextbest.registry.registry import Registry
from nextbest.serve.metrics import INSTRUMENTS, measure
from nextbest.v1 import bundle_pb2, control_pb2, decision_pb2

NOW = datetime(2026, 6, 1, tzinfo=UTC)
TOWNS = ("Metropolis", "Smallville")
NAMED = {"model": "card", "version": "abababababab"}


def key(**attributes):
    return tuple(sorted({**NAMED, **attributes}.items()))


def answer(decisions):
    def histogram(*counts):
        return bundle_pb2.Histogram(edges=[0.25], counts=counts)

    def compared(*counts):
        return control_pb2.ComparedHistogram(current=histogram(*counts), reference=histogram(500, 500))

    kind = decision_pb2.DEGRADATION_KIND_MODEL_FAILED
    age = compared(decisions // 2, decisions // 2)
    model = control_pb2.ModelHealth(
        name="card",
        version="ab" * 32,
        engine="native",
        decisions=decisions,
        scores=compared(decisions, 0),
        features=[control_pb2.FeatureHealth(name="customer.age", histogram=age)],
        degradations=[control_pb2.DegradationCount(kind=kind, decisions=3)],
        card_expires_us=1_577_836_800_000_000,
    )
    return control_pb2.ModelHealthResponse(sample=8, models=[model])


def measured(decisions):
    return {
        name: {tuple(sorted(attributes.items())): value for value, attributes in values}
        for name, values in measure(answer(decisions), NOW).items()
    }


def test_what_is_measured():
    found = measured(1_000)
    assert found.keys() == {instrument.name for instrument in INSTRUMENTS}
    assert found["nextbest.model.decisions"] == {key(): 1_000}
    assert found["nextbest.model.scores"] == {key(bin="0.25"): 1_000, key(bin="+Inf"): 0}
    assert found["nextbest.model.degradations"] == {key(kind="model_failed"): 3}
    assert found["nextbest.model.scoring_engine"] == {key(engine="native"): 1}
    assert found["nextbest.model.card_expired"] == {key(): 1}
    assert found["nextbest.model.sample"] == {(): 8}
    psi = found["nextbest.model.psi"]
    assert psi[key(feature="customer.age")] == 0.0
    assert psi[key(feature="score")] > 1.0


def test_an_index_of_too_few_rows_is_not_exported():
    assert measured(50)["nextbest.model.psi"] == {}


@pytest.fixture
def served(tmp_path):
    """A bundle with a pushed version whose card has expired, and a text feature."""
    files = {
        "workspace.yaml": "name: shop\n",
        "schema.yaml": "customer: {income: {type: double}, town: {type: string}}\n",
        "channels.yaml": "channels: {web: {placements: {hero: {}}}}\n",
        "actions/cards.yaml": "issue: sales\ngroup: cards\nactions:\n"
        "  gold: {propensity: card, treatments: [{channel: web}]}\n",
        "models/card.yaml": "name: card\nversion: champion\n",
        "binding": "inputs: {x: customer.income, town: customer.town}\nprior: 0.1\n",
        "card": "owner: Ana\nexpires: 2020-01-01\n",
        "sample.csv": "customer.income,customer.town\n"
        + "".join(f"{31_337 + number},{TOWNS[number % 2]}\n" for number in range(400)),
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    nodes = [
        helper.make_node("LabelEncoder", ["town"], ["code"], domain="ai.onnx.ml", keys_strings=["Smallville"],
                         values_floats=[1.0], default_float=0.0),
        helper.make_node("Mul", ["x", "slope"], ["scaled"]),
        helper.make_node("Sub", ["scaled", "code"], ["z"]),
        helper.make_node("Sigmoid", ["z"], ["p"]),
    ]  # fmt: skip
    shape = [None, 1]
    inputs = [("x", TensorProto.FLOAT), ("town", TensorProto.STRING)]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info(name, kind, shape) for name, kind in inputs],
        [helper.make_tensor_value_info("p", TensorProto.FLOAT, shape)],
        [helper.make_tensor("slope", TensorProto.FLOAT, [1], [1e-5])],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    (tmp_path / "card.onnx").write_bytes(model.SerializeToString())
    registry = Registry(tmp_path / "models/registry")
    pushed = push(
        registry,
        Request(
            model=tmp_path / "card.onnx", name="card", by="ana", binding=tmp_path / "binding",
            card=tmp_path / "card", background=tmp_path / "sample.csv", workspace=tmp_path,
        ),
    )  # fmt: skip
    assert pushed.version is not None, pushed.diagnostics
    registry.promote(pushed.version, "champion", by="ana", at="2026-01-01T00:00:00Z")
    compilation = workspace.compile(tmp_path)
    assert compilation.bundle is not None, compilation.diagnostics
    (tmp_path / "shop.bundle").write_bytes(bundle.seal(compilation.bundle).data)
    return tmp_path / "shop.bundle", pushed.version.digest


def test_metrics_arrive(start_serving, collector, served):
    file, version = served
    serving = start_serving(
        file,
        OTEL_EXPORTER_OTLP_ENDPOINT=f"http://{collector.address}",
        OTEL_SERVICE_NAME="bank-decisions",
        OTEL_METRIC_EXPORT_INTERVAL="100",
        NEXTBEST_HEALTH_SAMPLE="1",
    )
    incomes = np.linspace(31_337, 31_736, 250)
    with nextbest.Client(serving.decisions, timeout_s=20.0) as client:
        for income in incomes:
            customer = {"income": float(income), "town": "Metropolis"}
            client.decide(customer=customer, channel="web", placements=["hero"])
    named = {"model": "card", "version": version[:12]}
    of_model = tuple(sorted(named.items()))
    points = collector.metrics.wait_until(
        lambda points: points["nextbest.model.decisions"].get(of_model) == len(incomes)
    )
    assert points.keys() == {instrument.name for instrument in INSTRUMENTS}
    assert sum(points["nextbest.model.scores"].values()) == len(incomes)
    assert points["nextbest.model.card_expired"] == {of_model: 1}
    psi = {dict(attributes)["feature"]: index for attributes, index in points["nextbest.model.psi"].items()}
    assert psi["customer.town"] > 0.25 > psi["customer.income"]
    ((attributes, one),) = points["nextbest.model.scoring_engine"].items()
    assert (one, dict(attributes)["engine"]) in {(1, "native"), (1, "onnxruntime")}
    latest = collector.metrics.requests[-1]
    (resource,) = latest.resource_metrics
    names = {entry.key: entry.value.string_value for entry in resource.resource.attributes}
    assert names["service.name"] == "bank-decisions"
    # Counts alone: nothing that a customer is or has.
    sent = b"".join(request.SerializeToString() for request in collector.metrics.requests)
    assert b"Metropolis" not in sent
    assert b"Smallville" not in sent
    assert b"3133" not in sent


def test_what_is_counted_last_goes_out_at_the_end(start_serving, collector, served):
    serving = start_serving(
        served[0], OTEL_EXPORTER_OTLP_ENDPOINT=f"http://{collector.address}", NEXTBEST_HEALTH_SAMPLE="1"
    )
    with nextbest.Client(serving.decisions, timeout_s=20.0) as client:
        client.decide(customer={"income": 1.0, "town": "x"}, channel="web", placements=["hero"])
    assert serving.stop()[0] == 0
    points = collector.metrics.points()
    assert list(points["nextbest.model.decisions"].values()) == [1]
