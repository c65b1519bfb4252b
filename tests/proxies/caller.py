"""A grpc-go client that calls at a fixed rate while a block of a test runs (caller/main.go)."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

SOURCE = Path(__file__).parent / "caller"
BUILD_S_MAX = 500
END_S_MAX = 60


@dataclass
class Calls:
    """How the calls ended; known when the block is left."""

    calls: int = 0
    codes: dict[str, int] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    slowest_s: float = 0.0

    def lost(self) -> dict[str, str]:
        """Returns a failure of each code. A refusal by an overloaded server is an answer."""
        return {code: failure for code, failure in self.failures.items() if code != "ResourceExhausted"}


def build(folder: Path) -> Path:
    go = shutil.which("go")
    if go is None:
        pytest.skip("`go` is not installed: it builds the client of this test")
    built = folder / "caller"
    done = subprocess.run(
        [go, "build", "-mod=readonly", "-o", str(built), "."],
        cwd=SOURCE,
        capture_output=True,
        text=True,
        timeout=BUILD_S_MAX,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return built


@contextmanager
def calling(built: Path, question: Path, servers: list[str], **options: Any) -> Iterator[Calls]:
    """Calls the servers for as long as the block runs."""
    flags = [part for name, value in options.items() for part in (f"-{name}", str(value))]
    ended = Calls()
    with subprocess.Popen(
        [str(built), "-servers", ",".join(servers), "-request", str(question), *flags],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "NO_PROXY": "127.0.0.1"},
    ) as process:
        try:
            yield ended
            out, _ = process.communicate(timeout=END_S_MAX)
        finally:
            process.kill()
    for name, value in json.loads(out).items():
        setattr(ended, name, value)
