"""A state folder: which bundle decides after a start, and what a crash at any moment leaves."""

import contextlib
import hashlib
import os
import signal
import traceback
from datetime import UTC, datetime
from pathlib import Path

import pytest

from nextbest.serve import state as module
from nextbest.serve.deciding import Deciding, NotKeptError, Origin, begin
from nextbest.serve.state import LAYOUT, DamagedError, Kept, State, StateError, StateTakenError
from nextbest.serve.status import read
from nextbest.v1 import control_pb2

FILE, OLD, NEW, BAD = b"file", b"old bundle", b"new bundle", b"bad"
AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
OPERATIONS = ("open", "write", "fsync", "close", "unlink", "replace", "rename", "ftruncate", "pwrite")


class Refused(Exception):  # noqa: N818
    pass


class DataPlane:
    """Runs any bundle but `BAD`."""

    def __init__(self, data):
        if data == BAD:
            raise Refused("bad")
        self.data = data

    def activate(self, data):
        previous, self.data = self.data, DataPlane(data).data
        return digest(data), digest(previous), 1, 1

    def status(self):
        return control_pb2.StatusResponse(bundle_digest=digest(self.data)).SerializeToString()

    def model_health(self):
        return b""


def digest(data):
    return hashlib.sha256(data).hexdigest()


def start(folder, file=FILE):
    """Starts as a server does; returns what decides, and what there is to warn of."""
    state = None if folder is None else State(folder)
    plane, first = begin(DataPlane, file, state, (Refused,))
    return plane, Deciding(plane, digest(file), first, state, lambda: 0), state, first.warning


def restarted(folder, file=FILE):
    plane, decides, state, warning = start(folder, file)
    state.close()
    return plane.data, decides.source, warning


@pytest.fixture
def folder(tmp_path):
    """A folder that keeps `OLD` in place of `FILE`."""
    plane, decides, state, _ = start(tmp_path / "state")
    decides.activate(OLD)
    assert plane.data == OLD
    state.close()
    return tmp_path / "state"


def test_an_activation_decides_after_a_restart(folder):
    data, source, warning = restarted(folder)
    assert (data, source.origin, warning) == (OLD, Origin.STATE, "")
    assert f"supersedes the command line's bundle {digest(FILE)[:12]}" in source.reason
    assert restarted(folder)[0] == OLD


def test_the_folder_is_for_people_too(folder):
    names = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert names == {"layout", "lock", "bundle/active.json", f"bundle/{digest(OLD)}.bundle"}
    assert (folder / "layout").read_text() == LAYOUT
    assert (folder / "lock").read_text() == f"{os.getpid()}\n"
    assert folder.stat().st_mode & 0o077 == 0


def test_a_new_file_wins_for_good(folder):
    data, source, warning = restarted(folder, b"new file")
    assert (data, source.origin, warning) == (b"new file", Origin.FILE, "")
    assert f"superseded bundle {digest(FILE)[:12]}" in source.reason
    # And when the file of before comes back, nothing of long ago decides in its place.
    assert restarted(folder)[0] == FILE


def test_without_a_folder_a_restart_forgets():
    _, decides, _, _ = start(None)
    assert decides.source.origin is Origin.FILE
    decides.activate(NEW)
    assert (decides.source.origin, read(decides).bundle_source) == (Origin.ACTIVATION, "activation")
    assert "a restart forgets it" in decides.source.reason
    assert read(decides).file_bundle_digest == digest(FILE)


def test_a_refused_bundle_leaves_nothing(folder):
    plane, decides, state, _ = start(folder)
    with pytest.raises(Refused):
        decides.activate(BAD)
    assert plane.data == OLD
    state.close()
    assert restarted(folder)[0] == OLD
    assert [path.name for path in (folder / "bundle").glob("*.bundle")] == [f"{digest(OLD)}.bundle"]


def cut(path):
    path.write_bytes(path.read_bytes()[:-3])


@pytest.mark.parametrize("name", ["active.json", f"{digest(OLD)}.bundle"])
@pytest.mark.parametrize(
    "damage",
    [
        cut,
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"\xff\x00[" * 10),
        lambda path: path.write_bytes(b"[" * 100_000),
        lambda path: path.write_text('{"bundle": "../../x", "supersedes": 1, "activated_at": "now"}'),
        lambda path: (path.unlink(), path.mkdir()),
    ],
)
def test_what_is_damaged_gives_way_to_the_file(folder, name, damage):
    damage(folder / "bundle" / name)
    plane, decides, state, warning = start(folder)
    assert (plane.data, decides.source.origin) == (FILE, Origin.FILE)
    assert "damaged" in warning
    assert "the command line's bundle decides" in warning
    assert "damaged" in decides.source.reason
    # Nothing is thrown away before something else is kept.
    assert (folder / "bundle" / name).exists()
    state.close()


def test_a_kept_bundle_that_no_longer_runs_gives_way_to_the_file(tmp_path):
    state = State(tmp_path)
    state.prepare(BAD)
    state.commit(Kept(digest(BAD), digest(FILE), AT))
    state.close()
    data, source, warning = restarted(tmp_path)
    assert (data, source.origin) == (FILE, Origin.FILE)
    assert "does not pass verification" in warning


def test_two_servers_cannot_have_one_folder(folder):
    state = State(folder)
    with pytest.raises(StateTakenError, match=f"in use by another server, process {os.getpid()}"):
        State(folder)
    state.close()
    State(folder).close()


def test_a_later_layout_is_left_alone(folder):
    (folder / "layout").write_text("nextbest state 2\n")
    with pytest.raises(StateError, match=r"another layout: `nextbest state 2`, and this version"):
        State(folder)


def test_a_folder_that_cannot_be_used(tmp_path):
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file" / "below", Path("/proc/nextbest"), Path("a" * 300)):
        with pytest.raises(StateError, match="cannot be used") as caught:
            State(path)
        assert "--state or NEXTBEST_STATE" in caught.value.help


def test_a_full_disk_activates_nothing(folder, monkeypatch):
    plane, decides, state, _ = start(folder)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module.os, "fsync", full)
    with pytest.raises(NotKeptError, match=r"nothing was activated: .* No space left on device"):
        decides.activate(NEW)
    monkeypatch.undo()
    assert plane.data == OLD
    decides.activate(NEW)
    state.close()
    assert restarted(folder)[0] == NEW


def counted(limit):
    """Kills this process before the operation of that number."""
    left = [limit]

    def wrap(function):
        def call(*arguments, **named):
            left[0] -= 1
            if left[0] < 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*arguments, **named)

        return call

    for name in OPERATIONS:
        setattr(os, name, wrap(getattr(os, name)))


@pytest.mark.parametrize("data", [NEW, BAD, OLD])
def test_a_kill_at_any_step_leaves_the_old_or_the_new(folder, data):
    """Every operation on files of an activation is the last one, once."""
    seen = []
    for limit in range(200):
        child = os.fork()
        if child == 0:
            # Whatever happens, the child must not go on as a second test run.
            try:
                _, decides, _, _ = start(folder)
                counted(limit)
                with contextlib.suppress(Refused):
                    decides.activate(data)
                # Nothing was left to kill it before.
                os._exit(0)
            finally:
                traceback.print_exc()
                os._exit(99)
        _, status = os.waitpid(child, 0)
        found, _, warning = restarted(folder)
        assert warning == ""
        # What a crash has left is gone.
        left = {path.name for path in (folder / "bundle").iterdir()}
        assert left == {"active.json", f"{digest(found)}.bundle"}
        seen.append(found)
        code = os.waitstatus_to_exitcode(status)
        assert code in {0, -signal.SIGKILL}
        if code == 0:
            break
        # For the next round.
        plane, decides, state, _ = start(folder)
        decides.activate(OLD)
        assert plane.data == OLD
        state.close()
    assert os.waitstatus_to_exitcode(status) == 0
    expected = OLD if data == BAD else data
    assert seen[-1] == expected
    if data == NEW:
        # Old until the very replacement, new from there on: no third thing, and no way back.
        assert seen[0] == OLD
        assert seen == sorted(seen, key=lambda found: found == NEW)
        assert len(seen) > 10


def test_nothing_is_renamed_before_it_is_on_the_disk(folder, monkeypatch):
    """After a power failure a name may refer to a file without its bytes, unless both are synced."""
    log = []
    opened = {}

    def note_open(path, *rest, **named):
        descriptor = real_open(path, *rest, **named)
        opened[descriptor] = str(path)
        return descriptor

    def note_sync(descriptor):
        log.append(("sync", opened[descriptor]))
        real_sync(descriptor)

    def note_replace(source, target, **named):
        log.append(("replace", str(source), str(target)))
        real_replace(source, target, **named)

    real_open, real_sync, real_replace = os.open, os.fsync, os.replace
    _, decides, state, _ = start(folder)
    monkeypatch.setattr(os, "open", note_open)
    monkeypatch.setattr(os, "fsync", note_sync)
    monkeypatch.setattr(os, "replace", note_replace)
    decides.activate(NEW)
    monkeypatch.undo()
    state.close()
    replaced = [index for index, entry in enumerate(log) if entry[0] == "replace"]
    assert len(replaced) == 2
    for index in replaced:
        _, source, target = log[index]
        assert log[index - 1] == ("sync", source)
        assert log[index + 1] == ("sync", str(Path(target).parent))
    # The bundle first, then what points to it.
    assert [Path(log[index][2]).name for index in replaced] == [f"{digest(NEW)}.bundle", "active.json"]


def test_reading_back_what_was_kept(folder):
    with State(folder) as state:
        kept = state.kept()
        assert (kept.digest, kept.supersedes) == (digest(OLD), digest(FILE))
        assert state.read(kept) == OLD
        state.discard()
        assert state.kept() is None
        with pytest.raises(DamagedError, match="No such file"):
            state.read(kept)
