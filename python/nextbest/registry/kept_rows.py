"""Golden rows and background samples in a registry: customers' data, kept out of version control.

A registry that is created gets a `.gitignore` that names the files of rows. `exposed` finds a registry inside
of a git work tree whose ignore files do not.
"""

import errno
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from nextbest.registry.files import write_new
from nextbest.registry.version_files import ROWS

IGNORE: Final = ".gitignore"
_IGNORE_BYTES_MAX: Final = 256 * 1024
_TEXT: Final = (
    "# Golden rows and background samples are customers' data: keep them out of version control.\n"
    + "".join(f"{name}\n" for name in ROWS)
)


def create_ignore_file(root: Path) -> None:
    """Writes the ignore file of a registry without models; of any other, it is its owner's."""
    if (root / IGNORE).exists() or any(root.glob("*/versions")):
        return
    root.mkdir(parents=True, exist_ok=True)
    try:
        write_new(root / IGNORE, _TEXT.encode())
    except OSError as error:
        # Another process creates the same registry.
        if error.errno != errno.EEXIST:
            raise
        return
    (root / IGNORE).chmod(0o644)


def exposed(folder: Path, names: Iterable[str]) -> list[str]:
    """Files of rows in a folder that git would take up.

    Args:
        folder: Of a version.
        names: The files of rows in it.
    """
    work_tree = _work_tree(folder.resolve())
    if work_tree is None:
        return []
    rules = list(_rules(work_tree, folder.resolve()))
    return [name for name in names if not _is_ignored(folder.resolve() / name, work_tree, rules)]


def _work_tree(folder: Path) -> Path | None:
    return next((path for path in (folder, *folder.parents) if (path / ".git").exists()), None)


def _rules(work_tree: Path, folder: Path) -> Iterator[tuple[Path, str]]:
    """The lines of all ignore files that hold for a folder, the last of which decides."""
    yield from ((work_tree, line) for line in _lines(work_tree / ".git/info/exclude"))
    for path in reversed((folder, *folder.parents)):
        if path.is_relative_to(work_tree):
            yield from ((path, line) for line in _lines(path / IGNORE))


def _lines(path: Path) -> list[str]:
    try:
        with path.open("rb") as file:
            text = file.read(_IGNORE_BYTES_MAX).decode(errors="replace")
    except OSError:
        return []
    return [line.rstrip() for line in text.splitlines() if line.strip() and not line.startswith("#")]


def _is_ignored(file: Path, work_tree: Path, rules: list[tuple[Path, str]]) -> bool:
    ignored = False
    for base, line in rules:
        pattern, is_kept = line.removeprefix("!"), line.startswith("!")
        if any(_matches(base, pattern, path) for path in _with_parents(file, base, work_tree)):
            ignored = not is_kept
    return ignored


def _with_parents(file: Path, base: Path, work_tree: Path) -> Iterator[Path]:
    """A file and the folders above it: git looks into no folder that is ignored."""
    for path in (file, *file.parents):
        if path in {base, work_tree}:
            return
        yield path


def _matches(base: Path, pattern: str, path: Path) -> bool:
    """Whether a line of an ignore file names a path; without a slash in its middle, by name alone."""
    if pattern.endswith("/") and path.suffix == ".parquet":
        return False
    bare = pattern.strip("/")
    if "/" not in pattern.rstrip("/"):
        return re.fullmatch(_expression(bare), path.name) is not None
    return re.fullmatch(_expression(bare), path.relative_to(base).as_posix()) is not None


def _expression(pattern: str) -> str:
    parts = re.split(r"(\*\*/|/\*\*$|\*|\?)", pattern)
    spelled = {"**/": "(?:.*/)?", "/**": "/.*", "*": "[^/]*", "?": "[^/]"}
    return "".join(spelled.get(part, re.escape(part)) for part in parts)
