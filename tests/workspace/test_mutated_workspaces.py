"""Workspaces with random faults: `check` reports them inside the files and never fails itself.

Unlike the edits of `test_robustness`, which Hypothesis chooses, mutations work on the parts of a file that
mean something: lines, tokens, values, bytes. Each is drawn from a seed, which a failure names.
"""

import random
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import nextbest
from nextbest import workspace
from nextbest.diagnostics import Diagnostic
from nextbest.diagnostics.rendering import render_all, to_json
from nextbest.workspace import Compilation
from nextbest.workspace.starter import FILES

BASES = {
    "starter": FILES,
    "demo": Path(nextbest.__file__).parent / "demo/bank",
    "base": Path(__file__).parents[1] / "diagnostics/base",
}
TOKEN = re.compile(rb"\w+|\s+|[^\w\s]")
VALUE = re.compile(rb"(?<=[:,\[-] )[^\s,\[\]{}][^,\[\]{}\n]*")
NASTY = [
    value.encode()
    for value in (
        "", "~", "null", "yes", "True", "01067", "0o17", "1e400", ".nan", "-.inf", "1_000", "12:30", "\x00",
        "9223372036854775808", "2026-13-45", "*x", "&a b", "!x y", "!(a)", "@x", "`x`", "%x", "|", ">", "? x",
        "- x", "[", "{", "'", '"', '"a" == "b"', "a: b", "a #b", "\u00a0", "\u200b", "\t", "\r", "\u2028",
        "\u0430ge", "👍", "<<: x", "---", "...", "customer", "now", "customer.age between 18 and 65", "'\\",
        "IF(customer.age > 1, 2, 3)", "customer.age in (1, 2)", "not customer.age", "customer['age'] > 0u",
        "today() - 30d", "a == 'x' || 'y'", "1 <= customer.age <= 3", "max(1, 2) > 3.5", "(" * 60, "[" * 60,
        "customer.products.exists(p => p == 1)", "!" * 60 + "customer.age", "x" * 5_000, "1" * 400, "a // b",
        "customer.age > 1 // b", "{{ x }}", "CASE WHEN a THEN b END", "a.b.c()", "``", "“a”", "$1", "50%",
    )
] + [b"\xff\xfe"]  # fmt: skip
OPERATORS = b"&& || and or not ! = => == in is null like ?? ? : % ( ) [ ] . , u _ - # // between has".split()

Files = dict[str, bytes]

# Seeds of faults that were found, and put right.
FOUND = (102_826,)


def flip(random_: random.Random, text: bytes) -> bytes:
    place = random_.randrange(len(text))
    return text[:place] + bytes([random_.randrange(256)]) + text[place + 1 :]


def swap_tokens(random_: random.Random, text: bytes) -> bytes:
    tokens = TOKEN.findall(text)
    one, other = (random_.randrange(len(tokens)) for _ in range(2))
    tokens[one], tokens[other] = tokens[other], tokens[one]
    return b"".join(tokens)


def insert_token(random_: random.Random, text: bytes) -> bytes:
    tokens = TOKEN.findall(text)
    tokens.insert(random_.randrange(len(tokens)), random_.choice([*OPERATORS, *NASTY]))
    return b"".join(tokens)


def delete(random_: random.Random, text: bytes) -> bytes:
    start = random_.randrange(len(text))
    return text[:start] + text[start + random_.choice([1, 1, 3, 20, 200]) :]


def change_line(random_: random.Random, text: bytes) -> bytes:
    lines = text.split(b"\n")
    at, line = random_.randrange(len(lines)), random_.choice(lines)
    match random_.randrange(5):
        case 0:
            lines.insert(at, line)
        case 1:
            del lines[at]
        case 2:
            lines[at] = b" " * random_.randrange(8) + lines[at].lstrip()
        case 3:
            lines[at : at + 2] = [b" ".join(lines[at : at + 2])]
        case _:
            lines[at], lines[-at] = lines[-at], lines[at]
    return b"\n".join(lines)


def change_value(random_: random.Random, text: bytes) -> bytes:
    values = list(VALUE.finditer(text))
    if not values:
        return text
    one, other = random_.choice(values), random_.choice(values)
    value = other[0] if random_.random() < 0.4 else random_.choice(NASTY)
    return text[: one.start()] + value + text[one.end() :]


MUTATIONS: list[Callable[[random.Random, bytes], bytes]] = [
    flip, swap_tokens, insert_token, delete, change_line, change_value, change_value,
]  # fmt: skip


def mutated(seed: int) -> Files:
    """The files of one of the workspaces with one to four faults."""
    random_ = random.Random(seed)
    root = BASES[random_.choice(list(BASES))]
    files = {path.relative_to(root).as_posix(): path.read_bytes() for path in sorted(root.rglob("*.yaml"))}
    for _ in range(random_.randint(1, 4)):
        name = random_.choice(list(files))
        if files[name]:
            files[name] = random_.choice(MUTATIONS)(random_, files[name])
    return files


def lay(files: Files, folder: Path) -> Path:
    folder.mkdir()
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text)
    return folder


def assert_inside(diagnostic: Diagnostic, compilation: Compilation) -> None:
    """Its place and its change are in the file."""
    assert diagnostic.message
    assert diagnostic.help, diagnostic
    position, fix = diagnostic.position, diagnostic.fix
    if position is None or position.file not in compilation.sources:
        return
    lines = compilation.sources[position.file]
    assert 1 <= position.line <= len(lines), diagnostic
    assert 1 <= position.column <= len(lines[position.line - 1]) + 1, diagnostic
    assert position.length >= 1
    if fix is not None:
        assert fix.replacement in diagnostic.help, diagnostic
        assert 1 <= fix.line <= fix.end_line <= len(lines), diagnostic
        assert 1 <= fix.column <= len(lines[fix.line - 1]) + 1, diagnostic
        assert 1 <= fix.end_column <= len(lines[fix.end_line - 1]) + 1, diagnostic


def check(seed: int, folder: Path) -> int:
    """Checks one mutated workspace; returns the number of diagnostics."""
    root = lay(mutated(seed), folder)
    compilation = workspace.compile(root)
    assert (compilation.bundle is None) == bool(compilation.errors)
    for diagnostic in compilation.diagnostics:
        assert_inside(diagnostic, compilation)
    assert to_json(compilation.diagnostics)
    assert render_all(compilation.diagnostics, compilation.sources, 80) is not None
    return len(compilation.diagnostics)


def test_mutated_workspaces(tmp_path: Path) -> None:
    assert sum(check(seed, tmp_path / str(seed)) for seed in [*range(120), *FOUND]) > 120


@pytest.mark.long
@pytest.mark.parametrize("block", range(6))
def test_many_mutated_workspaces(block: int, tmp_path: Path) -> None:
    for seed in range(1_000 * (block + 1), 1_000 * (block + 2)):
        check(seed, tmp_path / str(seed))


@pytest.mark.parametrize("seed", range(200, 203))
def test_the_command_ends_with_its_exit_codes(seed: int, tmp_path: Path) -> None:
    root = lay(mutated(seed), tmp_path / str(seed))
    command = [sys.executable, "-c", "from nextbest.cli import main; main()", "check", str(root)]
    ended = subprocess.run(command, capture_output=True, check=False)
    assert ended.returncode in {0, 1}, ended.stderr
    assert b"Traceback" not in ended.stderr
