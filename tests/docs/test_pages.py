"""The README and every page under docs/ run as printed: each `$` line and Python example, in order.

A page has a shell, an empty folder and free ports to itself, so it shows every command that it needs. A page
may say that its examples go on in the folder of another one: it then runs after that one, in the same shell.
Blocks other than `console` and `python` are not run.

A line `...` in an expected output means any lines, `...` at the end of one for any text. `make bless`
rewrites the outputs that have none.
"""

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
CONTINUED = re.compile(r"^The examples go on in the folder of \[.*?\]\(([^)]+)\)", re.MULTILINE)
BLOCK = re.compile(r"```(console|python)\n(.*?)```", re.DOTALL)
# The default ports, and the variables that name others.
PORTS = {50051: "NEXTBEST_ADDRESS", 50052: "NEXTBEST_CONTROL_ADDRESS", 50053: "NEXTBEST_HEALTH_ADDRESS"}
END = "--end-of-command--"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def commands(block: str) -> list[tuple[str, str]]:
    """Splits a console block into (command, expected output)."""
    found = re.findall(r"^\$ (.*\n)((?:(?!\$ ).*\n)*)", block, re.MULTILINE)
    return [(command.strip(), output) for command, output in found]


class Shell:
    """One bash that runs commands in turn."""

    def __init__(self, folder: Path) -> None:
        environment = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            # A page's server takes the default ports, which others on this machine may want as well.
            **{name: f"127.0.0.1:{free_port()}" for name in PORTS.values()},
            # A page's server has no other callers, which would have to find another one.
            "NEXTBEST_DRAIN_GRACE_S": "0",
            "COLUMNS": "100",
            "NO_COLOR": "1",
            "TERM": "dumb",
        }
        self.process = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, command: str) -> str:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{command}\nprintf '%s\\n' {END}\n")
        self.process.stdin.flush()
        lines: list[str] = []
        for line in self.process.stdout:
            if line.strip() == END:
                return "".join(lines)
            lines.append(line)
        raise AssertionError(f"the shell ended during `{command}`")

    def close(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("kill $(jobs -p) 2>/dev/null; wait\n")
        self.process.stdin.close()
        self.process.stdout.read()
        self.process.stdout.close()
        self.process.wait(timeout=60)


def same(actual: str, expected: str) -> bool:
    pattern = ""
    for line in expected.splitlines():
        rest = ".*" if line.endswith("...") else ""
        pattern += r"(?:.*\n)*" if line == "..." else f"{re.escape(line.removesuffix('...'))}{rest}\n"
    trimmed = "".join(f"{line.rstrip()}\n" for line in actual.strip("\n").splitlines())
    return re.fullmatch(pattern, trimmed) is not None


def replay(shell: Shell, block: str) -> str:
    """Runs a block and returns it as blessed; without blessing, asserts that it is so already."""
    blessed = []
    for command, expected in commands(block):
        actual = shell.run(command)
        blessed.append(f"$ {command}\n")
        if os.environ.get("NEXTBEST_BLESS") and "..." not in expected:
            blessed += [f"{line.rstrip()}\n" for line in actual.strip("\n").split("\n") if actual]
        else:
            assert same(actual, expected), f"$ {command}\n{actual}\n--- expected ---\n{expected}"
            blessed.append(expected)
    return "".join(blessed)


def run_python(shell: Shell, block: str) -> str:
    """Runs an example against the page's server, which does not listen at the printed addresses."""
    example = block
    for port, name in PORTS.items():
        example = example.replace(f'"127.0.0.1:{port}"', f'os.environ["{name}"]')
    said = shell.run(f"python - <<'EXAMPLE'\nimport os\n{example}EXAMPLE\necho \"exit code $?\"")
    assert said.endswith("exit code 0\n"), said
    return block


PLAYERS = {"console": replay, "python": run_python}


def opened_by(page: Path) -> Path:
    """Finds the page that opens the shell of this one."""
    continued = CONTINUED.search(page.read_text())
    return opened_by((page.parent / continued[1]).resolve()) if continued else page


def series() -> dict[str, list[Path]]:
    """Groups the pages that have examples by the page that opens their shell, which comes first."""
    found: dict[str, list[Path]] = {}
    for page in sorted(PAGES, key=lambda page: (opened_by(page) != page, page)):
        if BLOCK.search(page.read_text()):
            found.setdefault(str(opened_by(page).relative_to(ROOT)), []).append(page)
    return found


SERIES = series()


@pytest.mark.slow
@pytest.mark.parametrize("pages", SERIES.values(), ids=SERIES.keys())
def test_pages_run_as_printed(pages: list[Path], tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    try:
        for page in pages:
            play(shell, page)
    finally:
        shell.close()


def play(shell: Shell, page: Path) -> None:
    text = page.read_text()
    replayed = BLOCK.sub(lambda found: f"```{found[1]}\n{PLAYERS[found[1]](shell, found[2])}```", text)
    if os.environ.get("NEXTBEST_BLESS"):
        page.write_text(replayed)
    assert page.read_text() == replayed


def test_the_readme_has_both_kinds_of_examples() -> None:
    kinds = {found[1] for found in BLOCK.finditer(PAGES[0].read_text())}
    assert kinds == PLAYERS.keys()
