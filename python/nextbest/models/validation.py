"""A job -> the outcome of a child process that tries a stranger's model, whatever that does to the child.

The model's bytes travel in memory, never by a path. The child has only the environment that it needs, one
open pipe, a separate session so that a kill reaches all of it, and the limits of `confinement`. It may crash,
hang, use too much memory or write invalid output: each of these is a refusal with a code.
"""

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from nextbest.models.confinement import Limits
from nextbest.models.job import Job, encode_job
from nextbest.models.refusal import CRASHED, MEMORY, TIME, out_of_memory
from nextbest.models.report import Outcome, Refusal
from nextbest.registry.records import decode, encode

OUTCOME_BYTES_MAX: Final = 16 * 1024 * 1024
"""Of all that the child writes. Ten thousand scores take 0.2 MB, metadata of a model the same."""
_CHUNK_BYTES: Final = 64 * 1024

Progress = Callable[[str, int, int], None]
"""Called with a stage, how many are done, and how many there are."""


def validate(job: Job, limits: Limits | None = None, progress: Progress | None = None) -> Outcome:
    """Tries a model in a child process.

    Args:
        job: The model, and how far to go.
        limits: What the child may take.
        progress: Told of each stage as it begins.

    Returns:
        What was found; never raises for what a model contains.
    """
    limits = limits or Limits()
    child = _start(job, limits)
    try:
        lines = _Lines(progress or (lambda *_: None))
        ended_in_time = _listen(child, lines, time.monotonic() + limits.wall_s)
    finally:
        _end(child)
    return _outcome(lines, child.returncode, limits, ended_in_time=ended_in_time)


def _start(job: Job, limits: Limits) -> "subprocess.Popen[bytes]":
    source = os.memfd_create("nextbest-job", os.MFD_CLOEXEC)
    try:
        with os.fdopen(os.dup(source), "wb") as target:
            target.write(encode_job(job))
        os.lseek(source, 0, os.SEEK_SET)
        return subprocess.Popen(  # noqa: S603 - our own interpreter and module
            # -B, -s, -P: writes no byte code, and finds no module in a home or in the current folder.
            [sys.executable, "-B", "-s", "-P", "-m", "nextbest.models.trial", json.dumps(encode(limits))],
            stdin=source,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env=_environment(),
            start_new_session=True,
        )
    finally:
        os.close(source)


def _environment() -> dict[str, str]:
    return {
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "ORT_DISABLE_TELEMETRY": "1",
        # Threads of numpy's would keep the child from leaving its namespaces.
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "LC_ALL": "C.UTF-8",
    }


@dataclass(slots=True)
class _Lines:
    """What the child has written, line by line."""

    progress: Progress
    rest: bytes = b""
    size: int = 0
    last: Any = None
    stage: str = ""
    is_flooded: bool = False

    def add(self, data: bytes) -> bool:
        """Takes what has come; False when it is more than there can be."""
        self.size += len(data)
        if self.size > OUTCOME_BYTES_MAX:
            self.last, self.is_flooded = None, True
            return False
        *complete, self.rest = (self.rest + data).split(b"\n")
        for line in complete:
            self._read(line)
        return True

    def _read(self, line: bytes) -> None:
        try:
            self.last = json.loads(line)
        except (ValueError, RecursionError):
            self.last = None
            return
        match self.last:
            case {"stage": str(stage), "done": int(done), "total": int(total)}:
                # A child may write what it likes.
                self.stage = stage[:40] if stage.isidentifier() else ""
                self.progress(stage[:40], done, total)


def _listen(child: "subprocess.Popen[bytes]", lines: _Lines, deadline: float) -> bool:
    """Reads until the child ends or has to be killed; returns whether it ended in time."""
    assert child.stdout is not None  # noqa: S101 - it was started with a pipe
    poll = select.poll()
    poll.register(child.stdout, select.POLLIN | select.POLLHUP)
    while (left := deadline - time.monotonic()) > 0:
        if not poll.poll(left * 1_000):
            continue
        data = os.read(child.stdout.fileno(), _CHUNK_BYTES)
        if not data:
            try:
                child.wait(timeout=max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                return False
            return True
        if not lines.add(data):
            return True
    return False


def _end(child: "subprocess.Popen[bytes]") -> None:
    # Its whole session, whether it still runs or has left something behind.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    if child.stdout is not None:
        child.stdout.close()


def _outcome(lines: _Lines, code: int, limits: Limits, *, ended_in_time: bool) -> Outcome:
    match lines.last:
        case {"outcome": dict(plain)} if code == 0:
            with contextlib.suppress(ValueError):
                return decode(Outcome, plain)
        case {"exhausted": str()}:
            return _refused(_exhausted(lines.stage))
    if lines.is_flooded:
        return _refused(_crash("wrote without end", lines.stage))
    return _refused(_refusal(code, limits, lines.stage, ended_in_time=ended_in_time))


def _refusal(code: int, limits: Limits, stage: str, *, ended_in_time: bool) -> Refusal:
    """Why a child ended that wrote no outcome."""
    if not ended_in_time:
        return _too_slow(f"{limits.wall_s:g} s", stage)
    if code == -signal.SIGXCPU:
        return _too_slow(f"{limits.cpu_s} s of processor time", stage)
    if code == -signal.SIGKILL:
        # Of those who may, only the kernel ends it so: the machine's memory is used up.
        return _exhausted(stage)
    if code < 0:
        return _crash(f"was ended by {signal.Signals(-code).name}", stage)
    return _crash(f"ended with {code}" if code else "wrote something that is not an outcome", stage)


def _refused(refusal: Refusal) -> Outcome:
    return Outcome(None, [refusal])


def _exhausted(stage: str) -> Refusal:
    error = out_of_memory()
    return Refusal(MEMORY, error.message + _within(stage), error.help)


def _too_slow(limit: str, stage: str) -> Refusal:
    remedy = "train a smaller model; one that serves is validated in seconds"
    return Refusal(TIME, f"takes more than {limit} to validate{_within(stage)}", remedy)


def _crash(how: str, stage: str) -> Refusal:
    remedy = "export it again; if a fresh export does the same, report it with the file"
    return Refusal(CRASHED, f"makes the process crash that validates it{_within(stage)}: it {how}", remedy)


def _within(stage: str) -> str:
    return f", in the stage `{stage}`" if stage else ""
