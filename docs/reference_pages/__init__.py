"""Pages that are written from the code that they describe (`python -m reference_pages` in `docs/`).

The pages are committed, so that they can be read in a repository browser; a test compares them with what these
modules write.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from reference_pages import calls, classes, commands, exit_codes, recipes, settings, telemetry

FOLDER: Final = Path(__file__).parents[1]
PAGES: Final[Mapping[str, Callable[[], str]]] = {
    "channel/go.md": recipes.write_go,
    "channel/java.md": recipes.write_java,
    "channel/node.md": recipes.write_node,
    "operator/settings.md": settings.write,
    "reference/commands.md": commands.write,
    "reference/exit-codes.md": exit_codes.write,
    "reference/grpc.md": calls.write,
    "reference/python.md": classes.write,
    "reference/telemetry.md": telemetry.write,
}
"""The name of each page, and what writes it."""
