"""What `from nextbest import Client` loads: gRPC, protobuf and Python's own library."""

import subprocess
import sys

import pytest

# What gRPC looks for by itself where it is installed, and the parts of its Cython extension.
OF_GRPC = {"cython_runtime", "_cython_3_2_8", "grpc_tools", "grpc_reflection", "typing_extensions"}
LOADED = """
import sys
before = set(sys.modules)
from nextbest import {names}
print(*{{name.split(".")[0] for name in set(sys.modules) - before}} - sys.stdlib_module_names)
print(*(name for name in sys.modules if name.startswith("nextbest.")))
"""


def loaded(names):
    ran = subprocess.run(
        [sys.executable, "-c", LOADED.format(names=names)], capture_output=True, text=True, check=True
    )
    outside, own = ran.stdout.splitlines()
    return {name for name in outside.split() if not name.startswith("_cython")} - OF_GRPC, own.split()


@pytest.mark.parametrize(
    "names",
    [
        "Client",
        "AsyncClient",
        "Operator",
        "Client, AsyncClient, KeepAlive, Operator, Question, Retry, Tls, errors",
    ],
)
def test_a_client_loads_grpc_and_protobuf_alone(names):
    outside, own = loaded(names)
    assert outside == {"google", "grpc", "nextbest"}
    assert {name.split(".")[1] for name in own} <= {"client", "ports", "regular_file", "v1"}
    assert not [name for name in own if "explanation" in name]


def test_a_name_of_the_package_loads_nothing_else():
    outside, own = loaded("__version__")
    assert (outside, own) == ({"nextbest"}, [])
