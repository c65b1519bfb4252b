"""nextbest: a next-best-action decision server.

The typed clients are `nextbest.Client` (blocking) and `nextbest.aio` (asyncio); everything else of the
package serves the command line.
"""

import importlib
import os

# As of `typing`, which takes longer to load than all else that a server's signal handlers wait for.
TYPE_CHECKING = False

# Before anything loads ONNX Runtime: it reads this once, when its library starts.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

if TYPE_CHECKING:
    from nextbest import aio
    from nextbest.client import Client
    from nextbest.connection import KeepAlive, Retry
    from nextbest.credentials import Tls
    from nextbest.question import Question

    __version__: str

__all__ = ["Client", "KeepAlive", "Question", "Retry", "Tls", "__version__", "aio"]

_MODULES = {
    "Client": "nextbest.client",
    "KeepAlive": "nextbest.connection",
    "Question": "nextbest.question",
    "Retry": "nextbest.connection",
    "Tls": "nextbest.credentials",
}


def __getattr__(name: str) -> object:
    # The clients load gRPC, which commands such as `nextbest check` never need.
    if name in _MODULES:
        return getattr(importlib.import_module(_MODULES[name]), name)
    if name == "__version__":
        return _version()
    if name == "aio":
        return importlib.import_module("nextbest.aio")
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
