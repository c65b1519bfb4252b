"""nextbest: a next-best-action decision server.

The typed clients are `nextbest.Client` (blocking), `nextbest.AsyncClient` (asyncio) and `nextbest.Operator`
(the control port); their errors are in `nextbest.errors`. They load gRPC and protobuf, and nothing else from
outside Python's own library.
"""

import importlib
import os

# As of `typing`, which takes longer to load than all else that a server's signal handlers wait for.
TYPE_CHECKING = False

# Before anything loads ONNX Runtime: it reads this once, when its library starts.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

if TYPE_CHECKING:
    from nextbest.client import errors
    from nextbest.client.aio import AsyncClient
    from nextbest.client.channels import KeepAlive, Retry
    from nextbest.client.client import Client
    from nextbest.client.credentials import Tls
    from nextbest.client.operator import Operator
    from nextbest.client.question import Question

    __version__: str

__all__ = [
    "AsyncClient",
    "Client",
    "KeepAlive",
    "Operator",
    "Question",
    "Retry",
    "Tls",
    "__version__",
    "errors",
]

_MODULES = {
    "AsyncClient": "nextbest.client.aio",
    "Client": "nextbest.client.client",
    "KeepAlive": "nextbest.client.channels",
    "Operator": "nextbest.client.operator",
    "Question": "nextbest.client.question",
    "Retry": "nextbest.client.channels",
    "Tls": "nextbest.client.credentials",
}


def __getattr__(name: str) -> object:
    # The clients load gRPC, which commands such as `nextbest check` never need.
    if name in _MODULES:
        return getattr(importlib.import_module(_MODULES[name]), name)
    if name == "__version__":
        return _version()
    if name == "errors":
        return importlib.import_module("nextbest.client.errors")
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)


def _version() -> str:
    # Takes a third of the time in which the command line answers, and few ask.
    metadata = importlib.import_module("importlib.metadata")
    try:
        return str(metadata.version("nextbest"))
    except metadata.PackageNotFoundError:
        # Run from a source tree that was never installed.
        return "0.0.0"
