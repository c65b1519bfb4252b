"""Which bundle decides, and why: the command line's, an activated one, or one kept in a state folder."""

import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final, Protocol, TypeVar

from nextbest import bundle
from nextbest.serve import status
from nextbest.serve.state import DamagedError, Kept, State

Running = TypeVar("Running")

_SHOWN: Final = 12
"""Digits of a digest in a sentence."""


class DataPlane(Protocol):
    """The part of `nextbest._core.Server` that operators reach."""

    def activate(self, bundle: bytes) -> tuple[str, str, int, int]:
        """Returns the digest, the previous digest, the microseconds it took, and the bytes of its index."""

    def status(self) -> bytes:
        """Returns an encoded `StatusResponse`, as far as the data plane knows."""

    def model_health(self) -> bytes:
        """Returns an encoded `ModelHealthResponse` of every model."""


class Origin(StrEnum):
    """Where the bundle that decides comes from."""

    FILE = "file"
    """The command line."""
    ACTIVATION = "activation"
    """An activation since the start."""
    STATE = "state"
    """An activation before the start, kept in the state folder."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where the bundle that decides comes from, and why it decides: a sentence."""

    origin: Origin
    reason: str

    def __post_init__(self) -> None:
        """Shows bytes of a path that are not text by their numbers, as messages hold text alone."""
        shown = self.reason.encode(errors="backslashreplace").decode()
        object.__setattr__(self, "reason", shown)


class NotKeptError(Exception):
    """The state folder did not take a bundle."""


@dataclass(frozen=True, slots=True)
class Start:
    """What a server begins with.

    Attributes:
        data: The bundle's bytes.
        source: Why these.
        warning: Why the bundle in the state folder cannot be used; empty if it can.
    """

    data: bytes
    source: Source
    warning: str = ""


def candidates(file: bytes, state: State | None) -> list[Start]:
    """Returns the bundles that a server may begin with, the best first; the last is the command line's."""
    digest = bundle.digest(file)
    if state is None:
        return [Start(file, Source(Origin.FILE, "it is the command line's, and there is no state folder"))]
    usual = Source(Origin.FILE, f"it is the command line's, and {state.folder} keeps no activation")
    try:
        kept = state.kept()
        if kept is None:
            return [Start(file, usual)]
        if kept.digest == digest:
            return [Start(file, Source(Origin.FILE, "it is the command line's, and the one activated last"))]
        if kept.supersedes != digest:
            reason = (
                f"it is the command line's, and new: the activation in {state.folder} superseded bundle "
                f"{kept.supersedes[:_SHOWN]}"
            )
            return [Start(file, Source(Origin.FILE, reason))]
        data = state.read(kept)
    except DamagedError as error:
        return [_instead(file, f"the activation in the state folder is damaged: {error}")]
    reason = (
        f"it was activated at {kept.activated_at.isoformat(timespec='seconds')}, kept in {state.folder}, and "
        f"supersedes the command line's bundle {digest[:_SHOWN]}"
    )
    refused = f"bundle {kept.digest[:_SHOWN]} in the state folder does not pass verification"
    return [Start(data, Source(Origin.STATE, reason)), _instead(file, refused)]


def _instead(file: bytes, damage: str) -> Start:
    reason = f"it is the command line's, as {damage}"
    warning = f"{damage}: the command line's bundle decides; activate again what should decide"
    return Start(file, Source(Origin.FILE, reason), warning)


def begin(
    launch: Callable[[bytes], Running],
    file: bytes,
    state: State | None,
    refusals: tuple[type[Exception], ...],
) -> tuple[Running, Start]:
    """Starts a data plane with the best bundle that it takes.

    Args:
        launch: Starts it with a bundle.
        file: The command line's bundle.
        state: What may hold another.
        refusals: What `launch` raises for a bundle that it does not take.

    Returns:
        The data plane, and what it began with.
    """
    *others, last = candidates(file, state)
    for start in others:
        try:
            return launch(start.data), start
        except refusals:
            continue
    return launch(last.data), last


class Deciding:
    """A data plane whose activations are kept, and which knows why its bundle decides."""

    def __init__(
        self,
        data_plane: DataPlane,
        file_digest: str,
        start: Start,
        state: State | None,
        dropped: Callable[[], int] = lambda: 0,
    ) -> None:
        """Takes what runs.

        Args:
            data_plane: Decides.
            file_digest: Of the command line's bundle.
            start: What it began with.
            state: Where activations are kept; None: nowhere.
            dropped: Lines of the log that were dropped so far.
        """
        self._data_plane = data_plane
        self._file_digest = file_digest
        self._state = state
        self._dropped = dropped
        self._lock = threading.Lock()
        self.source = start.source
        if state is not None and start.source.origin is Origin.FILE and not start.warning:
            # A new file has won: if the one before it comes back, nothing of long ago supersedes it.
            with contextlib.suppress(OSError):
                state.discard()
        elif state is not None:
            state.clean()

    def activate(self, data: bytes) -> tuple[str, str, int, int]:
        """Makes a bundle the active one, and keeps it, before it returns.

        Raises:
            NotKeptError: The state folder cannot be written. The previous bundle stays active, unless the
                message reports something else.
        """
        with self._lock:
            if self._state is not None:
                self._prepare(self._state, data)
            try:
                done = self._data_plane.activate(data)
            except BaseException:
                if self._state is not None:
                    self._state.clean()
                raise
            self.source = self._kept(done[0])
            return done

    def _prepare(self, state: State, data: bytes) -> None:
        try:
            state.prepare(data)
        except OSError as error:
            raise NotKeptError(
                f"nothing was activated: the state folder {state.folder} cannot be written: "
                f"{error.strerror or error}: make room or correct its permissions, and activate again"
            ) from None

    def _kept(self, digest: str) -> Source:
        now = datetime.now(UTC)
        activated = f"it was activated at {now.isoformat(timespec='seconds')}"
        if self._state is None:
            return Source(Origin.ACTIVATION, f"{activated}; without a state folder, a restart forgets it")
        try:
            self._state.commit(Kept(digest, self._file_digest, now))
        except OSError as error:
            reason = f"{activated}, and not kept: {self._state.folder} cannot be written"
            self.source = Source(Origin.ACTIVATION, reason)
            raise NotKeptError(
                f"the bundle is active, but not kept, so that a restart forgets it: {self._state.folder} "
                f"cannot be written: {error.strerror or error}: correct that, and activate again"
            ) from None
        return Source(Origin.ACTIVATION, f"{activated}, and is kept in {self._state.folder}")

    def status(self) -> bytes:
        """Returns an encoded `StatusResponse`."""
        found = status.read(self._data_plane)
        found.log_lines_dropped = self._dropped()
        found.bundle_source = self.source.origin.value
        found.bundle_reason = self.source.reason
        found.file_bundle_digest = self._file_digest
        return found.SerializeToString()

    def model_health(self) -> bytes:
        """Returns an encoded `ModelHealthResponse` of every model."""
        return self._data_plane.model_health()
