"""Pages of the reference, written from the code that they describe (`python -m reference_pages` in `docs/`).

The pages are committed, so that they can be read in a repository browser; a test compares them with what these
modules write.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from reference_pages import calls, classes, commands, exit_codes, telemetry

FOLDER: Final = Path(__file__).parents[1] / "reference"
PAGES: Final[Mapping[str, Callable[[], str]]] = {
    "commands.md": commands.write,
    "exit-codes.md": exit_codes.write,
    "grpc.md": calls.write,
    "python.md": classes.write,
    "telemetry.md": telemetry.write,
}
"""The name of each page, and what writes it."""
