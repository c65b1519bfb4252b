"""Files that people read -> the constructions of `banned_words.toml` in them.

Reads the comments, docstrings and strings of Python, Rust and proto files, and all of Markdown, YAML, TOML
and the Makefile; not the names in code.
"""

import io
import re
import subprocess
import tokenize
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
TABLE = Path(__file__).with_suffix(".toml")
SUFFIXES = {".py", ".pyi", ".rs", ".proto", ".md", ".yaml", ".yml", ".toml"}
# A comment, or a text with its escapes; what has neither is skipped character by character.
RUST = re.compile(r"""//[^\n]*|/\*.*?\*/|r#"(?s:.*?)"#|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)'""", re.DOTALL)
OPENING = re.compile(r"^[rRbBfF]*[\"']+")
MARKS = re.compile(r"^[ \t]*(#+|//[/!]?)[ \t]?", re.MULTILINE)


@dataclass(frozen=True)
class Construction:
    """A banned construction: its pattern, what to write instead, and an example that has to be found."""

    pattern: re.Pattern[str]
    better: str
    found: str


@dataclass(frozen=True)
class Hit:
    """A banned construction in a file."""

    file: str
    line: int
    phrase: str
    better: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: `{self.phrase}`: write instead: {self.better}"


@dataclass(frozen=True)
class Allowed:
    """A phrase that is right in one file, and why."""

    file: str
    phrase: str
    why: str


@dataclass(frozen=True)
class Table:
    """`banned_words.toml`.

    Attributes:
        constructions: What is banned.
        allowed: Its exceptions.
        left_out: Globs of the files that are not read.
    """

    constructions: tuple[Construction, ...]
    allowed: tuple[Allowed, ...]
    left_out: tuple[str, ...]


@cache
def table() -> Table:
    """Reads the table."""
    read = tomllib.loads(TABLE.read_text())
    constructions = tuple(
        Construction(re.compile(one["pattern"].replace(" ", r"\s+")), one["better"], one["found"])
        for one in read["construction"]
    )
    return Table(
        constructions,
        tuple(Allowed(**one) for one in read.get("allowed", ())),
        tuple(one["glob"] for one in read["left_out"]),
    )


def hits_in(file: str, line: int, text: str) -> Iterator[Hit]:
    """Finds banned constructions in a text that begins at a line of a file."""
    for construction in table().constructions:
        for match in construction.pattern.finditer(text):
            phrase = " ".join(match.group().split())
            yield Hit(file, line + text.count("\n", 0, match.start()), phrase, construction.better)


def hits(files: list[str]) -> list[Hit]:
    """Finds the banned constructions of files, by file and line, also those that are allowed."""
    return sorted(
        (hit for file in files for line, text in prose(file) for hit in hits_in(file, line, text)),
        key=lambda hit: (hit.file, hit.line),
    )


def is_allowed(hit: Hit) -> bool:
    """Returns whether a hit is an exception."""
    return any(one.file == hit.file and one.phrase == hit.phrase for one in table().allowed)


def matches(file: str, globs: tuple[str, ...]) -> bool:
    """Returns whether a file matches one of several globs, whose `*` also matches `/`."""
    return any(fnmatch(file, glob) for glob in globs)


def files() -> list[str]:
    """Lists the files under version control that people read."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [
        name
        for name in listed.stdout.split("\0")
        if (Path(name).suffix in SUFFIXES or Path(name).name == "Makefile")
        and (ROOT / name).exists()
        and not matches(name, table().left_out)
    ]


def prose(file: str) -> Iterator[tuple[int, str]]:
    """Yields the texts of a file with the lines that they begin at; adjacent comments are one text."""
    source = (ROOT / file).read_text(errors="replace")
    match Path(file).suffix:
        case ".py" | ".pyi":
            yield from _joined(_python(source))
        case ".rs" | ".proto":
            yield from _joined(_rust(source))
        case _:
            yield 1, MARKS.sub("", source)


def _python(source: str) -> Iterator[tuple[int, str]]:
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type in (tokenize.COMMENT, tokenize.STRING):
            yield token.start[0], token.string


def _rust(source: str) -> Iterator[tuple[int, str]]:
    for match in RUST.finditer(source):
        yield source.count("\n", 0, match.start()) + 1, match.group()


def _joined(texts: Iterator[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """Joins texts on adjacent lines, without the marks of comments and the quotes of joined texts."""
    begin, last, whole = 0, -1, ""
    for line, text in texts:
        if line == last + 1:
            whole = whole.rstrip("\"'") + "\n" + OPENING.sub("", MARKS.sub("", text))
        else:
            if whole:
                yield begin, whole
            begin, whole = line, MARKS.sub("", text)
        last = line + text.count("\n")
    if whole:
        yield begin, whole
