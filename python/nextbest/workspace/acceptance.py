"""The bundle of a workspace -> the reason why a server would refuse it.

The engine opens the bundle as a server would, so that limits are reported to the author of the workspace and
not to the operator who deploys it.
"""

from collections.abc import Iterator

from nextbest import _core
from nextbest.bundle import BundleError, seal
from nextbest.diagnostics import Diagnostic
from nextbest.v1 import bundle_pb2

REMEDY = "split the workspace, or remove what it does not need"


def accept(bundle: bundle_pb2.Bundle) -> Iterator[Diagnostic]:
    """Checks whether a server accepts the bundle of a workspace without errors."""
    try:
        _core.Bundle(seal(bundle).data)
    except (BundleError, _core.BundleError) as error:
        yield Diagnostic("NB222", f"servers refuse this workspace: {error.message}", None, REMEDY)
