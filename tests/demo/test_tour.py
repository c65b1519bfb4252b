"""The whole demo, as `nextbest demo --quick --json` runs it."""

import json
import os
import signal
import subprocess
import sys
from io import StringIO

import pytest
from rich.console import Console

from nextbest import demo
from nextbest.demo import bank, server, tour

pytest.importorskip("nextbest._core")


@pytest.mark.slow
def test_the_quick_demo_ends_with_one_document(capsys, tmp_path):
    demo.run(quick=True, machine=True, directory=tmp_path)
    (line,) = capsys.readouterr().out.splitlines()
    found = json.loads(line)
    assert found["bank"]["actions"] == 120
    assert found["bank"]["customers"] == tour.QUICK.customers
    assert found["bundle"]["warnings"] == []
    assert found["bundle"]["tests_passed"] >= 10
    assert found["bundle"]["tests_failed"] == []
    assert [stage["stage"] for stage in found["funnel"]["stages"]][:2] == ["unspecified", "availability"]
    left = [stage["remaining"] for stage in found["funnel"]["stages"]]
    assert left == sorted(left, reverse=True)
    assert left[0] == 120
    assert len(found["funnel"]["coverage"]) == 8
    assert all(0.5 < entry["won"] + entry["fallback"] <= 1.0 for entry in found["funnel"]["coverage"])
    position = found["story"]["refused"]["clauses"][0]["position"]
    assert position["file"].startswith("actions/")
    assert position["line"] > 1
    latency = found["latency"]
    assert latency["errors"] == {}
    assert latency["ok"] == latency["sent"] > 0
    assert 0 < latency["p50_us"] <= latency["p99_us"] <= latency["max_us"]
    assert (tmp_path / "workspace" / "workspace.yaml").exists()


@pytest.mark.slow
def test_the_quick_demo_reads_well_at_80_columns(tmp_path):
    output = StringIO()
    console = Console(file=output, width=80, highlight=False, color_system=None)
    demo.run(quick=True, directory=tmp_path, console=console)
    text = output.getvalue()
    commands = ("nextbest ", "$EDITOR ")
    assert all(len(line) <= 80 or line.strip().startswith(commands) for line in text.splitlines()), text
    for heading in ("One customer", "Why not", "Where actions go", "How fast", "What to try next"):
        assert heading in text


def test_a_server_that_does_not_start_reports_why(tmp_path):
    broken = tmp_path / "broken.bundle"
    broken.write_bytes(b"nextbest, but not quite")
    with (
        pytest.raises(server.ServerStartError, match="the server did not start: "),
        server.running(broken, tmp_path / "log"),
    ):
        pass


def test_a_broken_workspace_is_reported(tmp_path):
    folder = bank.write_workspace(tmp_path)
    (folder / "schema.yaml").write_text("customer: [1]\n")
    with pytest.raises(demo.DemoError, match="nextbest check"):
        tour.compile_workspace(folder, tmp_path / "bank.bundle")


def test_addresses_are_free_and_differ():
    addresses = server.free_addresses()
    assert len({addresses.decisions, addresses.control, addresses.health}) == 3


def test_the_server_stops_with_the_block(tmp_path, sealed):
    file = tmp_path / "bank.bundle"
    file.write_bytes(sealed.data)
    with server.running(file, tmp_path / "log") as running:
        os.kill(running.pid, 0)
    with pytest.raises(ProcessLookupError):
        os.kill(running.pid, 0)


@pytest.mark.slow
def test_a_kept_demo_ends_with_ctrl_c_and_leaves_its_folder(tmp_path):
    command = [
        sys.executable,
        "-m",
        "nextbest.cli",
        "demo",
        "--quick",
        "--keep",
        "--directory",
        str(tmp_path),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            for line in process.stdout:
                if "nextbest status" in line:
                    break
            process.send_signal(signal.SIGINT)
            rest = process.stdout.read()
            assert process.wait(20) == 0, rest
        finally:
            process.kill()
    assert "the folder stays" in rest
    assert (tmp_path / "workspace" / "models" / "sales-propensity.onnx").exists()
