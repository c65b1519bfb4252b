"""The recipes for other languages: built by the commands of their first lines, they ask real servers."""

import copy
import os
import re
import shutil
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest
import trustme
import yaml
from cryptography.hazmat.primitives import serialization

import nextbest
from nextbest import bundle, workspace
from nextbest.serve import access
from nextbest.v1 import decision_pb2_grpc
from nextbest.workspace.starter import write_starter

RECIPES = Path(__file__).parent
PROTO = RECIPES.parents[1] / "proto"
PROTOC = f"{sys.executable} -m grpc_tools.protoc"
# A first run fetches packages and compiles them: a minute for all three on two cores.
BUILD_S_MAX = 500

# A second is little for a program that has just begun, beside others that compile.
PATIENCE_MS = "20000"
TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
TOOLS = {"go": ("go",), "java": ("mvn", "javac"), "node": ("npm", "node")}
SOURCES = ("main.go", "Recipe.java", "main.js")
# A command in the first lines of a recipe. Those with sudo install tools, and are not run.
STEP = re.compile(r"^//\s+\$ (.+)$", re.MULTILINE)

QUESTION: dict[str, Any] = {
    "customer": {"age": 42, "income": 5200.0, "products": []},
    "context": {"page": "cards"},
    "channel": "web",
    "placements": {"hero": 1},
}

pytestmark = pytest.mark.slow


class Recipe:
    """A copy of a recipe, beside the protocol as in this repository."""

    def __init__(self, language: str, folder: Path) -> None:
        (folder / "proto").symlink_to(PROTO)
        built = shutil.ignore_patterns("node_modules", "target")
        self.folder = shutil.copytree(RECIPES / language, folder / "tests/recipes" / language, ignore=built)
        (source,) = (path for name in SOURCES for path in self.folder.rglob(name))
        steps = STEP.findall(source.read_text())
        *self.build_steps, self.run_step = (step for step in steps if not step.startswith("sudo"))

    def build(self) -> None:
        for step in self.build_steps:
            self.run(step, PROTOC=PROTOC, GOFLAGS="-mod=readonly")

    def ask(self, address: str, **environment: str) -> str:
        said = self.run(self.run_step.replace("127.0.0.1:50051", address), **environment)
        # Maven switches colours off, whether they were on or not.
        return said.replace("\x1b[0m", "")

    def run(self, command: str, **environment: str) -> str:
        done = subprocess.run(
            ["bash", "-c", command],
            capture_output=True,
            text=True,
            timeout=BUILD_S_MAX,
            cwd=self.folder,
            env={**os.environ, **environment},
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout


@pytest.fixture(scope="module", params=TOOLS)
def recipe(request, tmp_path_factory):
    for name in TOOLS[request.param]:
        if shutil.which(name) is None:
            pytest.skip(f"`{name}` is not installed: it builds or runs this recipe")
    recipe = Recipe(request.param, tmp_path_factory.mktemp(request.param))
    recipe.build()
    if request.param == "go":
        assert recipe.run("go vet .", GOFLAGS="-mod=readonly") == ""
    return recipe


@pytest.fixture(scope="module")
def quick_recipe(recipe):
    """The same, without Maven between: it takes three seconds each time."""
    if recipe.folder.name == "java":
        classes = recipe.run(
            "mvn -q exec:exec -Dproto=../../../proto -Dexec.executable=echo -Dexec.args=%classpath"
        )
        recipe = copy.copy(recipe)
        recipe.run_step = f"java -cp {classes.strip().splitlines()[0]} nextbest.recipe.Recipe 127.0.0.1:50051"
    return recipe


@pytest.fixture(scope="module")
def starter(tmp_path_factory):
    folder = tmp_path_factory.mktemp("starter")
    write_starter(folder)
    compiled = workspace.compile(folder).bundle
    assert compiled is not None
    file = folder / "starter.bundle"
    file.write_bytes(bundle.seal(compiled).data)
    return file


@pytest.fixture(scope="module")
def serving(starter, start_serving_once):
    return start_serving_once(starter)


@pytest.fixture(scope="module")
def expected(serving):
    with nextbest.Client(serving.decisions, timeout_s=10.0) as client:
        (best,) = client.decide(**QUESTION)["hero"]
    return f"hero: {best.action} ({best.treatment}), priority {best.score.priority:.3f}\n"


@pytest.fixture(scope="module")
def secured(starter, start_serving_once, tmp_path_factory):
    """Where callers need TLS, and a key or a certificate: the address, and the variables for each."""
    folder = tmp_path_factory.mktemp("secured")
    authority = trustme.CA()
    files = {name: str(folder / f"{name.lower()}.pem") for name in ("CA", "CERTIFICATE", "KEY", "SERVER")}
    authority.cert_pem.write_to_path(files["CA"])
    own = authority.issue_cert("crm.example")
    own.cert_chain_pems[0].write_to_path(files["CERTIFICATE"])
    # Java takes PKCS #8 alone.
    private = serialization.load_pem_private_key(own.private_key_pem.bytes(), None)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    Path(files["KEY"]).write_bytes(private.private_bytes(*form))
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(files["SERVER"])
    key, digest = access.create_key()
    callers = {
        "web": {"roles": ["decide"], "keys": [digest]},
        "crm": {"roles": ["decide"], "certificates": ["crm.example"]},
    }
    (folder / "access.yaml").write_text(yaml.safe_dump({"callers": callers}))
    options = ("--access", str(folder / "access.yaml"), "--tls-certificate", files["SERVER"])
    keys = ("--tls-key", files["SERVER"], "--tls-client-ca", files["CA"])
    by_certificate = {name: files[name] for name in ("CA", "CERTIFICATE", "KEY")}
    by_key = {"CA": files["CA"], "API_KEY": key}
    return start_serving_once(starter, *options, *keys).decisions, by_key, by_certificate


@pytest.fixture
def overloaded():
    """Where every call is refused for the load."""

    class Overloaded(decision_pb2_grpc.DecisionServiceServicer):
        def __init__(self) -> None:
            self.traces: list[Any] = []

        def Decide(self, _, context):  # noqa: N802 - named by the protocol
            self.traces.append(dict(context.invocation_metadata()).get("traceparent"))
            context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "too many calls")

    server, servicer = grpc.server(ThreadPoolExecutor(1)), Overloaded()
    decision_pb2_grpc.add_DecisionServiceServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}", servicer
    server.stop(None).wait()


@pytest.fixture
def silent():
    """The address of a socket that accepts and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"127.0.0.1:{listening.getsockname()[1]}"


@pytest.fixture
def closed():
    """An address without a listener."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return f"127.0.0.1:{taken.getsockname()[1]}"


def test_a_recipe_shows_what_the_server_decides(recipe, serving, expected):
    assert recipe.ask(f"dns:///{serving.decisions}", TIMEOUT_MS=PATIENCE_MS) == expected


def test_a_recipe_is_known_by_its_key_or_its_certificate(quick_recipe, secured, expected):
    address, by_key, by_certificate = secured
    assert quick_recipe.ask(address, TIMEOUT_MS=PATIENCE_MS, **by_key) == expected
    assert quick_recipe.ask(address, TIMEOUT_MS=PATIENCE_MS, **by_certificate) == expected
    unknown = quick_recipe.ask(address, TIMEOUT_MS=PATIENCE_MS, **by_key | {"API_KEY": "another"})
    assert unknown.startswith("hero: default, ")
    assert "unauthenticated" in unknown.lower()


def test_a_recipe_sends_its_trace_and_asks_an_overloaded_server_once(quick_recipe, overloaded):
    address, servicer = overloaded
    said = quick_recipe.ask(address, TIMEOUT_MS=PATIENCE_MS, TRACEPARENT=TRACEPARENT)
    assert said.endswith("ask less often (RESOURCE_EXHAUSTED)\n")
    assert servicer.traces == [TRACEPARENT]


def test_a_recipe_shows_a_default_where_no_answer_comes(quick_recipe, silent, closed):
    assert quick_recipe.ask(silent) == "hero: default, no answer came in time (DEADLINE_EXCEEDED)\n"
    assert quick_recipe.ask(closed) == "hero: default, no server can be reached (UNAVAILABLE)\n"
