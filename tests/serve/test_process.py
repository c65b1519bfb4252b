"""A server's process and what is around it: its output, signals, the end of its time, its state folder."""

import fcntl
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nextbest
from nextbest import bundle
from nextbest.cli.exit_codes import ExitCode
from nextbest.client import errors
from nextbest.client.operator import Operator
from nextbest.serve import stopping
from nextbest.serve.stopping import Budget
from nextbest.v1 import decision_pb2
from nextbest.v1.control_pb2 import TraceCounts

QUESTION = {"channel": "web", "placements": {"hero": 1}}
PORTS = ("--address", "127.0.0.1:0", "--control-address", "127.0.0.1:0", "--health-address", "127.0.0.1:0")
PATIENCE_S = 30.0


def command(bundle_file, *options):
    return [sys.executable, "-m", "nextbest.cli", "serve", str(bundle_file), "--json", *PORTS, *options]


def first_line(descriptor):
    line = b""
    while not line.endswith(b"\n"):
        line += os.read(descriptor, 65_536)
    return json.loads(line.splitlines()[0])


@pytest.fixture
def piped(starter, tmp_path):
    """Starts a server whose both streams are a small pipe; returns it, where it listens, and the pipe."""
    with ExitStack() as stack:

        def start(*options):
            reader, writer = os.pipe()
            fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
            process = subprocess.Popen(command(starter, *options), stdout=writer, stderr=writer, cwd=tmp_path)
            stack.callback(lambda: (process.kill(), process.wait()))
            os.close(writer)
            return process, first_line(reader), reader

        yield start


def test_the_log_has_no_reader(piped):
    process, where, _ = piped()
    with Operator(where["control"], timeout_s=10.0) as operator:
        for _ in range(60):
            operator.status()
        # Each call logs some 150 bytes; 4 KiB fit into the pipe, and nothing is lost while it waits.
        assert operator.status().log_lines_dropped == 0
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE_S) == 0


def test_the_reader_of_the_log_is_gone(piped, changed):
    process, where, reader = piped()
    os.close(reader)
    with Operator(where["control"], timeout_s=10.0) as operator:
        active = operator.activate(changed.read_bytes()).bundle_digest
        status = operator.status()
        assert (status.bundle_digest, status.bundle_source) == (active, "activation")
        until = time.monotonic() + PATIENCE_S
        while operator.status().log_lines_dropped < 2:
            assert time.monotonic() < until
    with nextbest.Client(where["decisions"], timeout_s=10.0) as client:
        client.decide(**QUESTION)
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE_S) == 0


def listens(control):
    with Operator(control, timeout_s=1.0) as operator:
        try:
            return operator.status().workers > 0
        except errors.Unavailable:
            time.sleep(0.02)
            return False


@pytest.mark.parametrize("redirection", [">/dev/full", ">&-", ">&- 2>&- <&-"])
def test_output_that_cannot_be_written(starter, tmp_path, redirection):
    socket_file = tmp_path / "decisions.sock"
    arguments = command(starter)
    arguments[arguments.index("--address") + 1] = f"unix:{socket_file}"
    with socket.create_server(("127.0.0.1", 0)) as probe:
        control = f"127.0.0.1:{probe.getsockname()[1]}"
    arguments[arguments.index("--control-address") + 1] = control
    process = subprocess.Popen(
        ["bash", "-c", f'exec "$@" {redirection}', "x", *arguments], stderr=subprocess.PIPE, text=True
    )
    try:
        until = time.monotonic() + PATIENCE_S
        while not listens(control):
            assert process.poll() is None
            assert time.monotonic() < until
        with nextbest.Client(f"unix:{socket_file}", timeout_s=10.0) as client:
            client.decide(**QUESTION)
        # Nothing of the server's has taken the number of a stream that is closed.
        for number in range(3):
            link = str(Path(f"/proc/{process.pid}/fd/{number}").readlink())
            assert link.startswith(("/dev/", "pipe:")), link
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=PATIENCE_S)
    finally:
        process.kill()
    assert process.returncode == 0
    assert ("standard output cannot be written: No space left on device" in said) == ("full" in redirection)


def catches(pid, number):
    status = Path(f"/proc/{pid}/status").read_text()
    caught = int(re.search(r"^SigCgt:\s*(\w+)", status, re.MULTILINE)[1], 16)
    return bool(caught >> (number - 1) & 1)


def await_handler(pid):
    until = time.monotonic() + PATIENCE_S
    while not catches(pid, signal.SIGTERM):
        assert time.monotonic() < until
        time.sleep(0.001)


def test_a_signal_before_it_listens_ends_it_at_once(tmp_path):
    os.mkfifo(tmp_path / "slow.bundle")
    # It has no writer: reading the bundle never ends.
    process = subprocess.Popen(command(tmp_path / "slow.bundle"))
    await_handler(process.pid)
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE_S) == 128 + signal.SIGTERM


def test_process_1_ends_on_a_signal_while_it_starts(tmp_path):
    unshare = ["unshare", "--pid", "--fork", "--kill-child"]
    if not shutil.which("unshare") or subprocess.run([*unshare, "true"], check=False).returncode:
        pytest.skip("this user may not make a namespace of processes")
    os.mkfifo(tmp_path / "slow.bundle")
    process = subprocess.Popen([*unshare, *command(tmp_path / "slow.bundle")])
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    until = time.monotonic() + PATIENCE_S
    while not children.read_text().split():
        assert time.monotonic() < until
    child = int(children.read_text())
    await_handler(child)
    os.kill(child, signal.SIGTERM)
    assert process.wait(PATIENCE_S) == 128 + signal.SIGTERM


@pytest.mark.parametrize("number", [signal.SIGQUIT, signal.SIGRTMIN + 3])
def test_other_signals_drain(start_serving, starter, number):
    serving = start_serving(starter)
    serving.process.send_signal(signal.SIGHUP)
    said = serving.read_event()
    assert said["event"] == "secrets"
    assert said["what"].startswith("SIGHUP: there are no files to read again; only certificates and")
    code, events, _ = serving.stop(number)
    assert (code, [event["event"] for event in events]) == (0, ["draining", "stopped"])


@pytest.fixture
def silent_collector():
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_a_silent_collector_costs_little_and_the_loss_is_reported(start_serving, starter, silent_collector):
    serving = start_serving(starter, OTEL_EXPORTER_OTLP_ENDPOINT=silent_collector)
    with nextbest.Client(serving.decisions, timeout_s=10.0) as client:
        for _ in range(20):
            client.decide(**QUESTION)
    with Operator(serving.control) as operator:
        operator.status()
    began = time.monotonic()
    code, events, _ = serving.stop()
    took_s = time.monotonic() - began
    assert code == 0
    assert events[-1] == {
        "event": "stopped",
        "drained": True,
        "calls_cut_off": 0,
        "spans_lost": 20,
        "control_telemetry_lost": True,
        "log_lines_dropped": 0,
    }
    assert took_s < stopping.EXPORT_S_MAX + 4.0


def test_a_call_that_does_not_end_is_cut_off_within_the_budget(start_serving, starter):
    serving = start_serving(starter, "--drain-max", "1")
    with grpc.insecure_channel(serving.decisions) as channel:
        # Its message never comes.
        never = iter(lambda: time.sleep(PATIENCE_S), 0)
        stub = channel.stream_unary(
            "/nextbest.v1.DecisionService/Decide", decision_pb2.DecideRequest.SerializeToString
        )
        call = stub.future(never)
        with Operator(serving.control) as operator:
            until = time.monotonic() + PATIENCE_S
            while not operator.status().connections:
                assert time.monotonic() < until
        time.sleep(0.2)
        began = time.monotonic()
        code, events, _ = serving.stop()
        took_s = time.monotonic() - began
        call.cancel()
    assert (code, events[-1]["calls_cut_off"], events[-1]["drained"]) == (ExitCode.CUT_OFF, 1, False)
    assert took_s < 5.0


def test_a_grace_that_leaves_no_time_is_refused(starter):
    done = subprocess.run(command(starter, "--drain-grace", "9"), capture_output=True, text=True, check=False)
    assert done.returncode == ExitCode.USAGE
    for name in ("--drain-grace", "NEXTBEST_DRAIN_GRACE_S", "--drain-max", "NEXTBEST_DRAIN_S_MAX"):
        assert name in done.stderr


def test_a_collector_that_takes_nothing_is_waited_for_from_the_begin():
    waiting = TraceCounts(exported=5, rejected=1, pending=3)
    assert stopping._is_silent(waiting, waiting)
    assert not stopping._is_silent(waiting, TraceCounts(exported=6, rejected=1, pending=3))
    assert not stopping._is_silent(TraceCounts(exported=5, rejected=1), waiting)


@given(whole=st.floats(0.0, 1e5), share=st.floats(0.0, 0.99), exports=st.booleans())
def test_shares_of_the_budget(whole, share, exports):
    budget = Budget(whole, whole * share, exports)
    assert budget.log >= 0.0
    assert 0.0 <= budget.export <= stopping.EXPORT_S_MAX
    assert budget.drain >= budget.grace
    assert budget.drain + budget.export + budget.log == pytest.approx(whole)


def test_the_exit_code_of_an_end_that_takes_too_long():
    assert stopping.CUT_OFF == ExitCode.CUT_OFF


def test_an_activation_outlives_the_server(start_serving, starter, changed, tmp_path):
    folder = tmp_path / "state"
    state = ("--state", f"embedded:{folder}")
    file, active = (bundle.digest(path.read_bytes()) for path in (starter, changed))
    serving = start_serving(starter, *state)
    assert (serving.listening["bundle_digest"], serving.listening["bundle_source"]) == (file, "file")
    with Operator(serving.control) as operator:
        operator.activate(changed.read_bytes())
        status = operator.status()
    assert (status.bundle_digest, status.file_bundle_digest) == (active, file)
    assert f"is kept in {folder}" in status.bundle_reason
    second = subprocess.run(command(starter, *state), capture_output=True, text=True, check=False)
    assert second.returncode == ExitCode.CANNOT_SERVE
    assert f"in use by another server, process {serving.process.pid}" in second.stderr
    serving.process.kill()
    _, events, _ = serving.wait()
    (told,) = [event for event in events if event["event"] == "activated"]
    assert (told["bundle_digest"], told["previous_digest"]) == (active, file)

    serving = start_serving(starter, NEXTBEST_STATE=str(folder))
    assert (serving.listening["bundle_digest"], serving.listening["bundle_source"]) == (active, "state")
    assert f"supersedes the command line's bundle {file[:12]}" in serving.listening["bundle_reason"]
    assert serving.stop()[0] == 0

    (folder / "bundle" / f"{active}.bundle").write_bytes(b"damaged")
    serving = start_serving(starter, *state)
    assert (serving.listening["bundle_digest"], serving.listening["bundle_source"]) == (file, "file")
    warning = serving.read_event()
    assert warning["event"] == "warning"
    assert "its bytes have changed since it was written" in warning["what"]


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ("redis://cache:6379", "give a folder, as `embedded:/path` or `/path`"),
        ("embedded:", "give a folder"),
        ("/dev/null/state", "cannot be used: Not a directory"),
    ],
)
def test_a_state_that_cannot_be_kept(starter, state, message):
    done = subprocess.run(command(starter, "--state", state), capture_output=True, text=True, check=False)
    assert done.returncode == ExitCode.USAGE
    assert message in done.stderr
    assert "--state" in done.stderr


def test_many_peers_of_the_control_port_block_no_other(start_serving, starter):
    serving = start_serving(starter)
    host, _, port = serving.control.rpartition(":")
    with ExitStack() as stack:
        for index in range(300):
            peer = stack.enter_context(socket.create_connection((host, int(port)), PATIENCE_S))
            # Some say nothing, some half of what begins a connection, some all of it.
            peer.sendall((b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9))[: (0, 10, 33)[index % 3]])
        with Operator(serving.control, timeout_s=10.0) as operator:
            assert operator.status().workers > 0
