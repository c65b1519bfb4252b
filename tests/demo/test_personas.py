"""The persona tests of the bank's workspace hold, on models trained here."""

import pytest

from nextbest.models import locate_runtime
from nextbest.workspace import personas

core = pytest.importorskip("nextbest._core")


def test_all_hold(compilation, sealed):
    bundle = core.Bundle(sealed.data, onnxruntime_path=locate_runtime())
    results = personas.run(compilation, bundle)
    assert len(results) >= 10
    assert {result.name: result.failures for result in results if not result.passed} == {}
