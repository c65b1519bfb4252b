"""Models of the demo bank in a running server: checked by ONNX Runtime beside it, and swapped under load."""

import gc
import threading
import time
from pathlib import Path

import pytest

from nextbest import _core, bundle
from nextbest.client.client import Client
from nextbest.demo import questions
from nextbest.models import locate_runtime
from nextbest.serve.status import read

SETTINGS = {"address": "127.0.0.1:0", "health_address": "127.0.0.1:0", "onnxruntime_path": locate_runtime()}


def serve(data, **settings):
    return _core.Server(data, {**SETTINGS, **settings})


def customers(made, count):
    for row in made.customers.head(count).iter_rows(named=True):
        customer_id = row.pop("customer_id")
        yield customer_id, {name: value for name, value in row.items() if value is not None}


def decide(client, made, count, channel="web"):
    for customer_id, attributes in customers(made, count):
        client.decide(
            customer_id=customer_id, customer=attributes, channel=channel,
            placements=questions.PLACEMENTS[channel],
        )  # fmt: skip


def shadow(server, compared_min):
    """What the shadow checks have found, once they have come so far."""
    deadline = time.monotonic() + 20.0
    while time.monotonic() < deadline:
        found = read(server).shadow
        if found.compared + found.failed >= compared_min:
            break
        time.sleep(0.02)
    return found


@pytest.fixture
def every_model_is_lowered(compilation):
    assert [
        (model.name, model.native_refusal)
        for model in compilation.bundle.models
        if not model.HasField("native")
    ] == []


def test_native_scores_are_those_of_onnx_runtime_while_serving(made, sealed, every_model_is_lowered):
    server = serve(sealed.data, shadow_every=1, workers=1)
    try:
        with Client(server.decision_address) as client:
            decide(client, made, 40)
        found = shadow(server, 300)
    finally:
        server.shutdown(1.0)
    assert found.compared >= 300
    assert (found.disagreed, found.failed) == (0, 0)
    assert found.farthest <= 1e-6


def test_a_native_model_that_differs_is_counted(made, compilation):
    message = type(compilation.bundle)()
    message.CopyFrom(compilation.bundle)
    (trees,) = [model for model in message.models if model.native.ensembles]
    weights = trees.native.ensembles[0].leaf_weights
    weights[:] = [weight + 0.01 for weight in weights]
    server = serve(bundle.seal(message).data, shadow_every=1, workers=1)
    try:
        with Client(server.decision_address) as client:
            decide(client, made, 20)
        found = shadow(server, 50)
    finally:
        server.shutdown(1.0)
    assert 0 < found.disagreed <= found.compared
    assert found.farthest > 1e-6


def test_nothing_is_checked_by_default(made, sealed):
    server = serve(sealed.data, shadow_every=0, workers=1)
    try:
        with Client(server.decision_address) as client:
            decide(client, made, 5)
        assert read(server).shadow.compared == 0
    finally:
        server.shutdown(1.0)


def resident_mb():
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise AssertionError("no VmRSS")


@pytest.mark.slow
def test_models_are_swapped_under_load(made, compilation):
    """No request fails, none sees two bundles, and memory does not grow."""
    sealed = [bundle.seal(compilation.bundle)]
    other = type(compilation.bundle)()
    other.CopyFrom(compilation.bundle)
    other.workspace += "-2"
    sealed.append(bundle.seal(other))
    digests = {one.digest for one in sealed}
    server = serve(sealed[0].data, workers=1)
    stop, seen, faults = threading.Event(), set(), []
    people = list(customers(made, 50))

    def ask():
        with Client(server.decision_address) as client:
            turn = 0
            while not stop.is_set():
                customer_id, attributes = people[turn % len(people)]
                turn += 1
                try:
                    found = client.decide(
                        customer_id=customer_id, customer=attributes, channel="web",
                        placements=questions.PLACEMENTS["web"],
                    )  # fmt: skip
                    seen.add(found.bundle_digest)
                except Exception as error:  # noqa: BLE001 - whatever it is, it is counted
                    faults.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        memory = []
        for turn in range(120):
            active, previous, *_ = server.activate(sealed[(turn + 1) % 2].data)
            assert {active, previous} == digests
            if turn in {40, 119}:
                gc.collect()
                memory.append(resident_mb())
    finally:
        stop.set()
        asking.join()
        server.shutdown(1.0)
    assert faults == []
    assert seen == digests
    assert memory[1] - memory[0] < 30.0
