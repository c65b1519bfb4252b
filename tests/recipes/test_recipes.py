"""The recipes for other languages: each is built by its own tools, in a copy, and asks real servers."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest

import nextbest
from nextbest import bundle, workspace
from nextbest.v1 import decision_pb2_grpc
from nextbest.workspace.starter import write_starter

RECIPES = Path(__file__).parent
PROTO = RECIPES.parents[1] / "proto"
PROTOC = f"{sys.executable} -m grpc_tools.protoc"
# A first run fetches packages and compiles them: a minute for all three on two cores.
BUILD_S_MAX = 500

QUESTION: dict[str, Any] = {
    "customer": {"age": 42, "income": 5200.0, "products": []},
    "context": {"page": "cards"},
    "channel": "web",
    "placements": {"hero": 1},
}

pytestmark = pytest.mark.slow

Run = Callable[[str], str]


def tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"`{name}` is not installed: it builds or runs this recipe")
    return found


def run(*command: str, cwd: Path, **environment: str) -> str:
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=BUILD_S_MAX,
        cwd=cwd,
        env={**os.environ, **environment},
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def build_go(folder: Path) -> Run:
    go = tool("go")
    run("sh", "generate.sh", str(PROTO), cwd=folder, PROTOC=PROTOC, GOFLAGS="-mod=readonly")
    run(go, "build", "-o", "recipe", ".", cwd=folder, GOFLAGS="-mod=readonly")
    assert run(go, "vet", ".", cwd=folder) == ""
    return lambda address: run("./recipe", address, cwd=folder)


def build_java(folder: Path) -> Run:
    maven = (tool("mvn"), "--quiet", "--batch-mode", f"-Dproto={PROTO}")
    tool("javac")
    run(*maven, "compile", cwd=folder)

    def ask(address: str) -> str:
        # Maven switches colours off, whether they were on or not.
        return run(*maven, "exec:java", f"-Dexec.args={address}", cwd=folder).replace("\x1b[0m", "")

    return ask


def build_node(folder: Path) -> Run:
    node = tool("node")
    run(tool("npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund", cwd=folder)
    return lambda address: run(node, "main.js", address, cwd=folder, PROTO=str(PROTO))


@pytest.fixture(scope="module")
def serving(tmp_path_factory, start_serving_once):
    folder = tmp_path_factory.mktemp("starter")
    write_starter(folder)
    compiled = workspace.compile(folder).bundle
    assert compiled is not None
    file = folder / "starter.bundle"
    file.write_bytes(bundle.seal(compiled).data)
    return start_serving_once(file)


@pytest.fixture
def overloaded():
    """Where every call is refused for the load."""

    class Overloaded(decision_pb2_grpc.DecisionServiceServicer):
        calls = 0

        def Decide(self, _, context):  # noqa: N802 - named by the protocol
            self.calls += 1
            context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "too many calls")

    server, servicer = grpc.server(ThreadPoolExecutor(1)), Overloaded()
    decision_pb2_grpc.add_DecisionServiceServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}", servicer
    server.stop(None).wait()


@pytest.fixture
def silent():
    """Where somebody listens, and never says anything."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"127.0.0.1:{listening.getsockname()[1]}"


@pytest.fixture
def closed():
    """Where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return f"127.0.0.1:{taken.getsockname()[1]}"


@pytest.mark.parametrize(
    ("language", "build"), [("go", build_go), ("java", build_java), ("node", build_node)]
)
def test_a_recipe_works(language, build, tmp_path, serving, overloaded, silent, closed, monkeypatch):
    built = shutil.ignore_patterns("node_modules", "target")
    folder = shutil.copytree(RECIPES / language, tmp_path / language, ignore=built)
    ask = build(folder)
    with nextbest.Client(serving.decisions, timeout_s=10.0) as client:
        (best,) = client.decide(**QUESTION)["hero"]
    said = f"hero: {best.action} ({best.treatment}), priority {best.score.priority:.3f}\n"
    # A second is little for a program that has just begun, beside others that compile.
    monkeypatch.setenv("TIMEOUT_MS", "20000")
    assert ask(f"dns:///{serving.decisions}") == said
    address, servicer = overloaded
    assert ask(address).endswith("ask less often (RESOURCE_EXHAUSTED)\n")
    assert servicer.calls == 1
    monkeypatch.delenv("TIMEOUT_MS")
    assert ask(silent) == "hero: default, no answer came in time (DEADLINE_EXCEEDED)\n"
    assert ask(closed) == "hero: default, no server can be reached (UNAVAILABLE)\n"
