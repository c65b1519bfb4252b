"""Files that are not what they should be: pipes and devices in place of secrets, edited states."""

import json
import os
import signal
import subprocess
import sys

import grpc
import pytest

from nextbest.client.operator import Operator
from nextbest.serve.deciding import Origin, Source
from nextbest.serve.state import DamagedError, State
from nextbest.v1 import decision_pb2, decision_pb2_grpc

ACCESS = 'callers:\n  web: {{roles: [{roles}], keys: ["sha256:{key}"]}}\n'
# Of `secret`.
KEY = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"
METADATA = [("authorization", "Bearer secret")]


def serve(starter, *options):
    command = [sys.executable, "-m", "nextbest.cli", "serve", str(starter), *options]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=60.0)


@pytest.mark.parametrize("option", ["--access", "--tls-certificate"])
@pytest.mark.parametrize("path", ["/dev/zero", "pipe"])
def test_a_device_or_pipe_is_refused_at_once(starter, tmp_path, option, path):
    if path == "pipe":
        path = str(tmp_path / "pipe")
        os.mkfifo(path)
    others = [] if option == "--access" else ["--tls-key", path]
    done = serve(starter, option, path, *others)
    assert done.returncode == 2
    assert "not a regular file" in done.stderr


def test_a_pipe_in_place_of_the_access_file_changes_nothing_and_is_said(start_serving, starter, tmp_path):
    file = tmp_path / "access.yaml"
    file.write_text(ACCESS.format(roles="decide", key=KEY))
    serving = start_serving(starter, "--access", str(file))
    file.unlink()
    os.mkfifo(file)
    serving.process.send_signal(signal.SIGHUP)
    said = json.loads(serving.process.stdout.readline())
    assert "not a regular file" in said["what"]
    file.unlink()
    file.write_text(ACCESS.format(roles="explain", key=KEY))
    serving.process.send_signal(signal.SIGHUP)
    assert "renewed" in json.loads(serving.process.stdout.readline())["what"]


def test_a_stream_ends_when_others_may_call(start_serving, starter, tmp_path):
    file = tmp_path / "access.yaml"
    file.write_text(ACCESS.format(roles="decide", key=KEY))
    serving = start_serving(starter, "--access", str(file))
    question = decision_pb2.DecideRequest(channel="web")
    question.placements.add(name="hero", count=1)

    def ask():
        yield decision_pb2.StreamedRequest(request_id=1, decide=question)
        file.write_text(ACCESS.format(roles="explain", key=KEY))
        serving.process.send_signal(signal.SIGHUP)
        assert "renewed" in json.loads(serving.process.stdout.readline())["what"]
        yield decision_pb2.StreamedRequest(request_id=2, decide=question)

    with grpc.insecure_channel(serving.decisions) as channel:
        answers = decision_pb2_grpc.DecisionServiceStub(channel).DecideStream(
            ask(), metadata=METADATA, timeout=30.0
        )
        assert next(answers).request_id == 1
        with pytest.raises(grpc.RpcError) as ended:
            next(answers)
        assert ended.value.code() is grpc.StatusCode.UNAVAILABLE
        assert "the access file has changed" in ended.value.details()


@pytest.mark.parametrize(
    "edited",
    [
        {"supersedes": 7},
        {"bundle": "\ud800"},
        {"bundle": "../../etc/passwd"},
        {"activated_at": "2026-01-01T00:00:00"},
        {"activated_at": 5},
    ],
)
def test_a_state_that_was_edited_is_damaged(tmp_path, edited):
    kept = {"bundle": "a" * 64, "supersedes": "b" * 64, "activated_at": "2026-01-01T00:00:00+00:00"}
    with State(tmp_path / "state") as state:
        file = tmp_path / "state" / "bundle" / "active.json"
        file.write_text(json.dumps(kept))
        assert state.kept() is not None
        file.write_text(json.dumps(kept | edited))
        with pytest.raises(DamagedError):
            state.kept()


def test_a_folder_whose_name_is_not_text_is_shown(start_serving, starter, tmp_path):
    assert Source(Origin.FILE, "in \udcff").reason == "in \\udcff"
    serving = start_serving(starter, "--state", os.fsdecode(bytes(tmp_path / "state") + b"\xff"))
    with Operator(serving.control) as operator:
        assert "\\udcff" in operator.status().bundle_reason
