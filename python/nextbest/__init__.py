"""nextbest: a next-best-action decision server.

The typed clients are `nextbest.Client` (blocking) and `nextbest.aio` (asyncio); everything else of the
package serves the command line.
"""

import importlib
import os
from importlib import metadata
from typing import TYPE_CHECKING, Any

# Before anything loads ONNX Runtime: it reads this once, when its library starts.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

if TYPE_CHECKING:
    from nextbest import aio
    from nextbest.client import Client
    from nextbest.connection import KeepAlive, Retry
    from nextbest.credentials import Tls
    from nextbest.question import Question

try:
    __version__ = metadata.version("nextbest")
except metadata.PackageNotFoundError:
    # Run from a source tree that was never installed.
    __version__ = "0.0.0"

__all__ = ["Client", "KeepAlive", "Question", "Retry", "Tls", "__version__", "aio"]

_MODULES = {
    "Client": "nextbest.client",
    "KeepAlive": "nextbest.connection",
    "Question": "nextbest.question",
    "Retry": "nextbest.connection",
    "Tls": "nextbest.credentials",
}


def __getattr__(name: str) -> Any:
    # The clients load gRPC, which commands such as `nextbest check` never need.
    if name in _MODULES:
        return getattr(importlib.import_module(_MODULES[name]), name)
    if name == "aio":
        return importlib.import_module("nextbest.aio")
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
