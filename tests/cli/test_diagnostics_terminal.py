"""Diagnostics on a terminal: the marker stays below its text, whatever the width."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from nextbest.workspace.starter import FILES

LONG = "size(customer.products) > 1 && \t".expandtabs(1) * 5
RULE = f"      - when: customer.segment == '日本語' && {LONG}customer.agee > 18 && {LONG}true\n"


def on_a_terminal(columns: int, folder: Path) -> list[str]:
    """The output of `nextbest check` on a terminal of a given width."""
    terminal, other = pty.openpty()
    fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    command = [sys.executable, "-c", "from nextbest.cli import main; main()", "check", str(folder)]
    with subprocess.Popen(
        command, stdout=other, stderr=subprocess.DEVNULL, env=environment | {"TERM": "xterm"}
    ) as process:
        os.close(other)
        printed = b""
        try:
            while part := os.read(terminal, 65_536):
                printed += part
        except OSError:
            pass  # Linux reports the end like this.
    os.close(terminal)
    assert process.returncode == 1
    return re.sub(r"\x1b\[[0-9;]*m", "", printed.decode()).replace("\r\n", "\n").split("\n")


@pytest.mark.parametrize("columns", [80, 200])
def test_the_marker_is_below_its_text(columns: int, tmp_path: Path) -> None:
    for source in FILES.rglob("*.yaml"):
        target = tmp_path / source.relative_to(FILES)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(source.read_text())
    actions = (
        "issue: service\ngroup: long\nactions:\n  long-rule:\n    propensity: 0.1\n"
        "    treatments: [{channel: web}]\n    eligibility:\n"
    )
    (tmp_path / "actions/long.yaml").write_text(actions + RULE)
    lines = on_a_terminal(columns, tmp_path)
    shown = next(index for index, line in enumerate(lines) if "agee > 18" in line and "|" in line)
    assert len(lines[shown]) <= columns
    assert "…" in lines[shown]
    assert lines[shown + 1].index("^^^^") == lines[shown].index("agee")
