"""Small JSON files of a model's folder that change: read whole, and replaced under one lock.

Two processes that change a file at once both succeed, one after the other; a process that is killed leaves
the old file or the new one.
"""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final, TypeVar

from nextbest.models.refusal import DAMAGED_VERSION, ModelError
from nextbest.registry.files import locked, read_limited, replace
from nextbest.registry.records import encode, parse

_LOCK: Final = ".lock"
_BYTES_MAX: Final = 32 * 1024 * 1024
"""Of a file: a hundred thousand moves of aliases."""

RecordT = TypeVar("RecordT")


def read_record(path: Path, kind: type[RecordT]) -> RecordT:
    """Reads a file; what has not been written yet is empty.

    Args:
        path: In the folder of a model.
        kind: The dataclass in it, which can be made without arguments.

    Raises:
        ModelError: NB618: the file is damaged.
    """
    try:
        return parse(kind, read_limited(path, _BYTES_MAX))
    except FileNotFoundError:
        return kind()
    except (OSError, ValueError) as error:
        message = f"`{path.parent.name}/{path.name}` of the registry cannot be read: {error}"
        raise ModelError(
            message, "restore it from a backup; versions are not affected", DAMAGED_VERSION
        ) from None


def store_record(path: Path, record: object) -> None:
    """Replaces a file; the caller holds the lock of its folder."""
    replace(path, json.dumps(encode(record), indent=2, ensure_ascii=False).encode() + b"\n")


@contextlib.contextmanager
def changing(folder: Path) -> Iterator[None]:
    """Holds the lock of a model's folder, which all of its files share."""
    with locked(folder / _LOCK):
        yield
