"""The demo bank, made once: a smaller crowd, the same workspace."""

import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from nextbest import bundle, workspace
from nextbest.demo import bank
from nextbest.workspace.definitions import moment_us

# The independent reading of the bundle format lives with the peer it is written for.
sys.path.insert(0, str(Path(__file__).parents[2] / "bench"))


@pytest.fixture(scope="session")
def now():
    return datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="session")
def made(tmp_path_factory, now):
    return bank.prepare(tmp_path_factory.mktemp("bank"), customer_count=2_000, now=now)


@pytest.fixture(scope="session")
def compilation(made):
    return workspace.compile(made.workspace, now_us=moment_us("2026-06-15"))


@pytest.fixture(scope="session")
def sealed(compilation):
    assert compilation.bundle is not None, compilation.diagnostics
    return bundle.seal(compilation.bundle)
