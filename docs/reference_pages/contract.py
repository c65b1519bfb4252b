"""The .proto files -> their descriptors, with the comments."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet

ROOT: Final = Path(__file__).parents[2]

Place = tuple[int, ...]
"""Where something is in a file: field numbers and indices of descriptor.proto."""


def read(*names: str) -> Iterator[tuple[FileDescriptorProto, Mapping[Place, str]]]:
    """Reads files of the protocol.

    Args:
        names: Such as `decision`.

    Yields:
        Each file, and its comments by place.
    """
    with tempfile.TemporaryDirectory() as folder:
        found = Path(folder) / "descriptors"
        files = [f"nextbest/v1/{name}.proto" for name in names]
        options = ["-Iproto", "--include_source_info", f"--descriptor_set_out={found}"]
        command = [sys.executable, "-m", "grpc_tools.protoc", *options, *files]
        subprocess.run(command, cwd=ROOT, check=True)  # noqa: S603 - of this interpreter, with files of the project
        descriptors = FileDescriptorSet.FromString(found.read_bytes())
    for file in descriptors.file:
        yield file, {tuple(line.path): _comment(line) for line in file.source_code_info.location}


def _comment(line: object) -> str:
    leading, trailing = (getattr(line, name) for name in ("leading_comments", "trailing_comments"))
    return " ".join(f"{leading} {trailing}".split())
