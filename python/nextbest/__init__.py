"""nextbest: a next-best-action decision server.

The typed clients are `nextbest.Client` (blocking) and `nextbest.aio.Client` (asyncio); everything else of the
package serves the command line.
"""

import importlib
import os

# As of `typing`, which takes longer to load than all else that a server's signal handlers wait for.
TYPE_CHECKING = False

# Before anything loads ONNX Runtime: it reads this once, when its library starts.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

if TYPE_CHECKING:
    from nextbest.client import aio, errors
    from nextbest.client.channels import KeepAlive, Retry
    from nextbest.client.client import Client
    from nextbest.client.credentials import Tls
    from nextbest.client.question import Question

    __version__: str

__all__ = ["Client", "KeepAlive", "Question", "Retry", "Tls", "__version__", "aio", "errors"]

_MODULES = {
    "Client": "nextbest.client.client",
    "KeepAlive": "nextbest.client.channels",
    "Question": "nextbest.client.question",
    "Retry": "nextbest.client.channels",
    "Tls": "nextbest.client.credentials",
}

_SUBMODULES = {"aio": "nextbest.client.aio", "errors": "nextbest.client.errors"}


def __getattr__(name: str) -> object:
    # The clients load gRPC, which commands such as `nextbest check` never need.
    if name in _MODULES:
        return getattr(importlib.import_module(_MODULES[name]), name)
    if name == "__version__":
        return _version()
    if name in _SUBMODULES:
        return importlib.import_module(_SUBMODULES[name])
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
