"""ONNX models: what they take and answer, the library that runs them, and what their owners do with them.

`push`, `promote` and `health` are for notebooks and training jobs.
"""

import importlib
from typing import TYPE_CHECKING

from nextbest.models.labels import Labels
from nextbest.models.limits import SIZE_BYTES_MAX
from nextbest.models.refusal import ModelError
from nextbest.models.runtime import locate_runtime
from nextbest.models.signature import Element, Signature, Tensor, inspect

if TYPE_CHECKING:
    from nextbest.models.owner import health, promote, push

__all__ = [
    "SIZE_BYTES_MAX",
    "Element",
    "Labels",
    "ModelError",
    "Signature",
    "Tensor",
    "health",
    "inspect",
    "locate_runtime",
    "promote",
    "push",
]


def __getattr__(name: str) -> object:
    # They load the readers of workspaces and of tables, which a server and the compiler do without.
    if name in {"health", "promote", "push"}:
        return getattr(importlib.import_module("nextbest.models.owner"), name)
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
