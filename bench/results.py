"""bench/results/*.json: what a benchmark last measured, where, when and of which commit."""

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "results"


class NotRecordedError(LookupError):
    """A benchmark has no result."""


def read(bench: str, folder: Path = FOLDER) -> dict[str, Any]:
    """Returns the result of a benchmark.

    Raises:
        NotRecordedError: It was never recorded.
    """
    file = folder / f"{bench}.json"
    if not file.exists():
        raise NotRecordedError(f"bench/results/{bench}.json does not exist: run `make bench-{bench}`")
    found: dict[str, Any] = json.loads(file.read_text())
    return found


def write(bench: str, content: dict[str, Any], folder: Path = FOLDER) -> Path:
    """Replaces the result of a benchmark."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{bench}.json"
    file.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    return file


def figure(result: dict[str, Any], path: str) -> float:
    """Returns one figure of a result by its path: names, and places in lists, joined with dots.

    Raises:
        LookupError: The result does not have the path, or has something else than a number there.
    """
    found: Any = result["figures"]
    for name in path.split("."):
        if isinstance(found, list) and name.isdigit() and int(name) < len(found):
            found = found[int(name)]
        elif isinstance(found, dict) and name in found:
            found = found[name]
        else:
            raise LookupError(f"bench/results/{result['bench']}.json does not have `{path}`")
    is_number = isinstance(found, int | float) and not isinstance(found, bool)
    if not is_number:
        raise LookupError(f"`{path}` of bench/results/{result['bench']}.json is not a number")
    return float(found)
