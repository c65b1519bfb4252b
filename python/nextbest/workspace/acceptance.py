"""A bundle that is about to be sealed -> what keeps servers from running it.

The engine itself opens it, as a server would: what is too much for it is then a finding of whoever wrote it,
and no surprise for whoever deploys it.
"""

from collections.abc import Iterator

from nextbest import _core
from nextbest.bundle import BundleError, seal
from nextbest.diagnostics import Diagnostic
from nextbest.v1 import bundle_pb2

REMEDY = "split the workspace, or take out what it does not need"


def accept(bundle: bundle_pb2.Bundle) -> Iterator[Diagnostic]:
    """Finds out whether a server takes the bundle of a workspace without errors."""
    try:
        _core.Bundle(seal(bundle).data)
    except (BundleError, _core.BundleError) as error:
        yield Diagnostic("NB222", f"no server takes this workspace: {error.message}", None, REMEDY)
