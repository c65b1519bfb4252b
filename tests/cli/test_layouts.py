"""Tables of any columns and rows, at any width."""

import random
import subprocess
import sys
from collections import Counter

import pytest
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from nextbest.layouts import Column, Kind, Listing, pairs

WORDS = [
    "gold",
    "card",
    "an-action-of-some-length",
    "年齢",
    "ゴールドカード",
    "🏦",
    "a",
    "1,234.57 EUR",
    "3.1 %",
    "",
]


def text_of(listing, width):
    console = Console(width=width, no_color=True, highlight=False, force_terminal=False)
    with console.capture() as capture:
        console.print(listing)
    return capture.get()


def drawn(source: random.Random) -> tuple[Listing, str]:
    """A table, and the text of all its cells."""
    count = source.randint(1, 8)
    columns = [
        Column(
            f"heading {place}",
            source.choice(list(Kind)),
            short=source.choice(["", f"h{place}"]),
            least=source.choice([10, 24, 40]),
            gives_way=source.choice([0, 0, place]) if place else 0,
            group=source.choice(["", "", "a group over several"]),
        )
        for place in range(count)
    ]
    listing = Listing(columns, "title", legend="h heading", note="note")
    cells = []
    for _ in range(source.randint(0, 4)):
        row = [" ".join(source.choices(WORDS, k=source.randint(0, 6))) for _ in columns]
        cells += row
        listing.add(*(Text(cell, "red") if source.random() < 0.3 else cell for cell in row))
    return listing, "".join(cells)


def test_no_line_is_too_wide_and_no_character_is_lost():
    source = random.Random(3)
    for _ in range(150):
        listing, cells = drawn(source)
        for width in (12, 20, 40, 80, 120, 300):
            text = text_of(listing, width)
            assert max(map(cell_len, text.splitlines())) <= width, text
            missing = Counter("".join(cells.split())) - Counter(text)
            assert not missing, f"{width}\n{text}"


def test_narrow_terminals_take_columns_away_in_their_order():
    columns = (
        Column("action", Kind.NAME),
        Column("propensity", Kind.NUMBER, short="P"),
        Column("label", Kind.TEXT, gives_way=1),
        Column("treatment", Kind.NAME, gives_way=2, below="treatment {}"),
    )
    listing = Listing(columns, legend="P propensity")
    listing.add("gold-card", "3.1 %", "Gold, with insurance", "web-hero")
    assert text_of(listing, 60) == (
        "action     propensity  label                 treatment\n"
        "──────────────────────────────────────────────────────\n"
        "gold-card       3.1 %  Gold, with insurance  web-hero\n\n"
    )
    assert text_of(listing, 50) == (
        "action         P  label                 treatment\n"
        "─────────────────────────────────────────────────\n"
        "gold-card  3.1 %  Gold, with insurance  web-hero\n"
        "P propensity\n\n"
    )
    assert text_of(listing, 40) == (
        "action         P  label\n"
        "──────────────────────────────────────\n"
        "gold-card  3.1 %  Gold, with insurance\n"
        "  treatment web-hero\n"
        "P propensity\n\n"
    )
    assert text_of(listing, 30) == (
        "action         P\n"
        "────────────────\n"
        "gold-card  3.1 %\n"
        "  Gold, with insurance;\n"
        "  treatment web-hero\n"
        "P propensity\n\n"
    )
    assert text_of(listing, 10) == (
        "gold-card\n  propen\n    sity\n    3.1 %\n  label\n    Gold,\n    with\n    insura\n    nce\n"
        "  treatm\n    ent\n    web-he\n    ro\n\n"
    )


def test_a_number_and_its_unit_are_on_one_line():
    listing = pairs("", [("why", "value 120 EUR against 40 EUR outweighs propensity 3.1 % against 4.0 %")])
    for width in range(20, 80):
        text = text_of(listing, width)
        assert Counter(text)["%"] == 2
        assert not any(
            line.strip() in {"%", "EUR"} or line.strip().startswith(("% ", "EUR "))
            for line in text.splitlines()
        )


@pytest.mark.slow
@pytest.mark.parametrize(("columns", "width"), [("80", 80), ("", 140), ("0", 140)])
def test_the_width_of_a_pipe(tmp_path, columns, width):
    names = ", ".join(f"c{place}.bank.example" for place in range(30))
    access = f"callers:\n  web:\n    roles: [decide]\n    certificates: [{names}]\n"
    (tmp_path / "access.yaml").write_text(access)
    ran = subprocess.run(
        [sys.executable, "-m", "nextbest.cli", "access", "show", tmp_path / "access.yaml"],
        env={"PATH": "/usr/bin", "PYTHONPATH": ":".join(sys.path), "COLUMNS": columns},
        capture_output=True,
        text=True,
        check=True,
    )
    assert width - 20 < max(map(len, ran.stdout.splitlines())) <= width
