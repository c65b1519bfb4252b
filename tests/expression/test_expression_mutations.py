"""Expressions with random faults in a YAML file: what their remedies ask for removes the errors."""

import random
import re
from functools import partial
from pathlib import Path

import pytest
from bank_schema import bank

from nextbest.diagnostics import Diagnostic
from nextbest.expression import Expressions, Schema, SourceText
from nextbest.workspace.document import Document
from nextbest.workspace.scalar import quote, rewrite
from nextbest.workspace.source import parse

WRITTEN = Path(__file__).with_name("findings.txt").read_text(encoding="utf-8")
TEXTS = [block.split("\n")[1].replace("\\n", "\n") for block in WRITTEN.rstrip("\n").split("\n\n")]
CONDITIONS = [text for text in TEXTS if not re.match(r"(value|formula|context|input): ", text)]
PART = re.compile(r"\w+|\s+|[^\w\s]")
PIECES = re.split(
    " ",
    "&& || and or not ! = => == in is null like ?? ? : % ( ) [ ] . , u _ - # // between has contains if IF "
    "then else CASE WHEN END ' \" “ ” ` € 50% 30d 1_000 1.000,5 2000-01-01 today() max( {{ }} -> :: ; \\ \n",
)


def mutated(random_: random.Random) -> str:
    text = random_.choice(CONDITIONS)
    for _ in range(random_.randint(1, 4)):
        parts = PART.findall(text) or [""]
        at, other = random_.randrange(len(parts)), random_.randrange(len(parts))
        match random_.randrange(5):
            case 0:
                parts.insert(at, random_.choice(PIECES))
            case 1:
                del parts[at]
            case 2:
                parts[at], parts[other] = parts[other], parts[at]
            case 3:
                parts[at] = random_.choice(PIECES)
            case _:
                more = PART.findall(random_.choice(CONDITIONS))
                start = random_.randrange(len(more))
                parts[at:at] = more[start : start + random_.randint(1, 6)]
        text = "".join(parts)
    return text


def read(line: str) -> tuple[Document, list[Diagnostic]]:
    """A file of one line, `- when: ...`, and the findings about its expression."""
    document, faults = parse("a.yaml", f"{line}\n".encode())
    assert faults == []
    node = document.node.child(0, "when")
    text = document.data[0]["when"]
    expressions = Expressions(Schema(bank()))
    source = SourceText(text, partial(document.inside, node, text), partial(rewrite, document, node))
    expressions.condition(source)
    return document, expressions.diagnostics


def check(seed: int) -> int:
    """Checks one expression, and follows its remedies; returns how many."""
    random_ = random.Random(seed)
    written = quote(mutated(random_), random_.choice(["", "'", '"']))
    if written is None:
        return 0
    document, found = read(f"- when: {written}")
    fixes = [
        (diagnostic, diagnostic.fix) for diagnostic in found if diagnostic.fix and diagnostic.code < "NB5"
    ]
    for diagnostic, fix in fixes:
        assert fix.replacement in diagnostic.help
        line = document.lines[0]
        _, left = read(line[: fix.column - 1] + fix.replacement + line[fix.end_column - 1 :])
        alike = [(other.code, other.message) for other in left]
        before = [(other.code, other.message) for other in found]
        key = (diagnostic.code, diagnostic.message)
        assert alike.count(key) < before.count(key), (line, fix.replacement)
        if "did you mean" not in diagnostic.help:
            # Of a whole text, all errors that are found by reading it.
            errors = {code for code, _ in alike if code < "NB5"}
            assert errors <= {"NB406", "NB412"}, (line, fix.replacement)
    return len(fixes)


def test_mutated_expressions() -> None:
    assert sum(check(seed) for seed in range(300)) > 20


@pytest.mark.long
@pytest.mark.parametrize("block", range(4))
def test_many_mutated_expressions(block: int) -> None:
    for seed in range(5_000 * (block + 1), 5_000 * (block + 2)):
        check(seed)
