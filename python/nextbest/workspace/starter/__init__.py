"""An empty folder -> a small workspace with comments, which passes its own check and tests."""

import re
from pathlib import Path
from typing import Final

from nextbest.workspace.json_schema import write_schemas

FILES = Path(__file__).parent / "files"
# The starter's name for itself, on a separate line.
_NAME: Final = b"name: starter\n"
_NAME_LENGTH_MAX: Final = 100


def write_starter(folder: Path) -> list[Path]:
    """Writes the starter's files, and the JSON Schemas that their first lines name.

    The workspace takes the folder's name, with the characters that are not allowed replaced.

    Args:
        folder: Created when it does not exist. Existing files that would not be overwritten are kept.

    Returns:
        The files written, relative to the folder, in sorted order; schemas not among them.

    Raises:
        FileExistsError: A file would be overwritten; nothing was written. It names the file.
    """
    contents = {path.relative_to(FILES): path.read_bytes() for path in sorted(FILES.rglob("*.yaml"))}
    for file in contents:
        if (folder / file).exists():
            raise FileExistsError(str(folder / file))
    for file, content in contents.items():
        target = folder / file
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.replace(_NAME, f"name: {_name(folder)}\n".encode()))
    write_schemas(folder)
    return list(contents)


def _name(folder: Path) -> str:
    words = re.findall("[a-z0-9]+", folder.resolve().name.lower())
    name = re.sub("^[0-9-]+", "", "-".join(words))[:_NAME_LENGTH_MAX]
    # Names that YAML reads as something other than text.
    return "starter" if name in ("", "true", "false", "null") else name
