"""A bundle, a question, and the client that asks it."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import caller
import pytest
from fleet import Fleet

from nextbest import bundle, workspace
from nextbest.v1 import decision_pb2
from nextbest.workspace.starter import write_starter


@pytest.fixture(scope="session")
def call_program(tmp_path_factory) -> Path:
    return caller.build(tmp_path_factory.mktemp("caller"))


@pytest.fixture(scope="session")
def starter(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("starter")
    write_starter(folder)
    compiled = workspace.compile(folder).bundle
    assert compiled is not None
    file = folder / "starter.bundle"
    file.write_bytes(bundle.seal(compiled).data)
    return file


@pytest.fixture(scope="session")
def question(tmp_path_factory) -> Path:
    """An encoded question that every server of the starter's bundle can answer."""
    placements = [decision_pb2.PlacementRequest(name="hero", count=1)]
    asked = decision_pb2.DecideRequest(channel="web", placements=placements)
    file = tmp_path_factory.mktemp("question") / "question.bin"
    file.write_bytes(asked.SerializeToString())
    return file


@pytest.fixture
def fleet(start_serving, starter, tmp_path) -> Iterator[Fleet]:
    with ExitStack() as stack:
        yield Fleet(start_serving, starter, stack, tmp_path)
