"""Versions that are as small as they can be: any bytes, with a manifest."""

import hashlib
from contextlib import contextmanager

import pytest

from nextbest.models import ModelError
from nextbest.models.report import Confinement, Facts, Golden, Latency, Report
from nextbest.models.signature import Element, Signature, Tensor
from nextbest.registry.card import Card
from nextbest.registry.manifest import Binding, BoundColumn, Manifest
from nextbest.registry.registry import Registry

WHEN = "2026-01-02T03:04:05Z"
GOLDEN = Golden(rows=2, tolerance=1e-5, difference=0.0, row=1, expected=0.5, score=0.5)


def manifest_of(
    onnx: bytes, files: dict[str, bytes], name: str = "card", *, has_golden: bool = True
) -> Manifest:
    tensor = Tensor("x", Element.FLOAT32, (None, 2), "tensor(float)")
    facts = Facts(len(onnx), 3, "tests", 8, {"ai.onnx": 17}, {"Add": 1}, {}, Signature((tensor,), (tensor,)))
    return Manifest(
        name=name,
        version=hashlib.sha256(onnx).hexdigest(),
        pushed_at=WHEN,
        pushed_by="ana",
        files={file: hashlib.sha256(data).hexdigest() for file, data in files.items()},
        report=Report(
            facts,
            Confinement(True, True, False),
            golden=GOLDEN if has_golden else None,
            latency=Latency(1.5, 2.0, 0.1, 100),
        ),
        binding=Binding(
            {"x": [BoundColumn("customer.age"), BoundColumn("customer.job", '"?"')]}, "y", 1, 0.02
        ),
        card=Card("Ana", metrics={"auc": 0.8}, limits=["none"], expires="2027-01-01"),
    )


def publish(registry: Registry, onnx: bytes, **files: bytes):
    return registry.publish(manifest_of(onnx, files), onnx, files)


@contextmanager
def refused(code: str):
    with pytest.raises(ModelError) as caught:
        yield
    assert caught.value.code == code
    assert caught.value.help
