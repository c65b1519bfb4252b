"""Diagnostics as people and machines see them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from nextbest.diagnostics import Diagnostic, Position, Severity
from nextbest.diagnostics.rendering import render, render_all, summarise, to_json
from nextbest.diagnostics.suggestion import nearest, one_of, suggest


def shown(line: str, column: int, length: int = 1) -> list[str]:
    diagnostic = Diagnostic("NB201", "unknown key `x`", Position("a.yaml", 1, column, length), "remove it")
    return render(diagnostic, {"a.yaml": [line]}).plain.splitlines()


def test_a_diagnostic():
    assert shown("valu: 3", 1, 4) == [
        "error[NB201]: unknown key `x`",
        " --> a.yaml:1:1",
        "  |",
        "1 | valu: 3",
        "  | ^^^^",
        "  help: remove it",
    ]


def test_without_position():
    diagnostic = Diagnostic("NB110", "`schema.yaml` is missing", None, "add one or two", Severity.WARNING)
    assert render(diagnostic, {}).plain == (
        "warning[NB110]: `schema.yaml` is missing\n  help: add one or two\n"
    )


def test_a_file_without_lines_is_named():
    diagnostic = Diagnostic("NB102", "no", Position("gone.yaml", 7, 3))
    assert render(diagnostic, {}).plain == "error[NB102]: no\n --> gone.yaml:7:3\n"


def test_the_gutter_grows_with_the_number():
    diagnostic = Diagnostic("NB201", "no", Position("a.yaml", 100, 1))
    lines = render(diagnostic, {"a.yaml": ["x"] * 100}).plain.splitlines()
    assert lines[1:] == ["   --> a.yaml:100:1", "    |", "100 | x", "    | ^"]


@pytest.mark.parametrize(
    ("line", "column", "length", "expected", "marker"),
    [
        ("日本: x", 1, 2, "日本: x", "^^^^"),
        ("日本: x", 5, 1, "日本: x", "      ^"),
        ("\ta: x", 2, 1, "    a: x", "    ^"),
        ("a:\tx", 4, 1, "a:    x", "      ^"),
        ("é\u0301: x", 5, 1, "é\u0301: x", "   ^"),
        ("👍 x", 3, 1, "👍 x", "   ^"),
        ("abc", 4, 1, "abc", "   ^"),
        ("", 1, 1, "", "^"),
        ("a\x1b[31mb", 2, 1, "a\N{REPLACEMENT CHARACTER}[31mb", " ^"),
        ("a\u202eb", 3, 1, "a\N{REPLACEMENT CHARACTER}b", "  ^"),
    ],
)
def test_the_marker_is_below_the_marked_text(line, column, length, expected, marker):
    rendered = shown(line, column, length)
    assert rendered[3] == f"1 | {expected}"
    assert rendered[4] == f"  | {marker}"


LINES = st.text("ab :日👍é\u0301\t\u00a0", max_size=400)


@given(LINES, st.integers(1, 410), st.integers(1, 300), st.integers(20, 220))
def test_the_marker_stays_below_its_text_at_any_width(line, column, length, columns):
    diagnostic = Diagnostic("NB201", "unknown key", Position("a.yaml", 1, column, length))
    rendered = render(diagnostic, {"a.yaml": [line]}, columns).plain.splitlines()
    text, marker = rendered[3], rendered[4]
    assert max(cell_len(text), cell_len(marker)) <= max(columns, 24) + 1
    # A combining character has no separate cell.
    text = text.replace("\u0301", "")
    marked = line[column - 1 : column - 1 + length].replace("\t", " " * 4).replace("\u0301", "")
    cells, above = 0, ""
    for character in text:
        if cells >= marker.index("^"):
            above += character
        cells += cell_len(character)
    # The text above the marker is the beginning of the marked text.
    if marked.strip():
        assert above.replace(" ", "").startswith(marked.replace(" ", "")[:1])


def test_a_window_around_the_marker():
    line = f"when: {'a' * 60} && customer.agee > 18 && {'b' * 60}"
    diagnostic = Diagnostic("NB402", "unknown", Position("a.yaml", 1, line.index("agee") + 1, 4))
    rendered = render(diagnostic, {"a.yaml": [line]}, 80).plain.splitlines()
    assert rendered[3:5] == [
        f"1 | …{'a' * 34} && customer.agee > 18 && {'b' * 14}…",
        f"  | {' ' * 48}^^^^",
    ]


def test_several_are_counted():
    error = Diagnostic("NB201", "no", None)
    warning = Diagnostic("NB216", "hm", None, severity=Severity.WARNING)
    assert summarise([error, warning, error]) == "2 errors, 1 warning"
    note = Diagnostic("NB707", "a", None, severity=Severity.NOTE)
    assert summarise([note, warning]) == "1 warning, 1 note"
    assert summarise([]) == "no errors"
    assert render_all([], {}).plain == ""
    assert render_all([warning], {}).plain.endswith("\n\n1 warning\n")


def test_colour_adds_nothing_to_the_words():
    text = render(Diagnostic("NB201", "no", Position("a.yaml", 1, 1), "do"), {"a.yaml": ["x"]})
    assert {str(span.style) for span in text.spans} >= {"bold red", "bold cyan"}
    assert text.plain.startswith("error[NB201]: no")


def test_json_has_the_same_keys_for_all():
    diagnostics = [
        Diagnostic("NB201", "unknown key `ü`", Position("a.yaml", 3, 5, 4), "remove it"),
        Diagnostic("NB217", "no actions", None, severity=Severity.WARNING),
        Diagnostic("NB201", "unknown key `ag`", Position("a.yaml", 3, 5, 2), suggest("ag", ["age"])),
    ]
    first, second, third = json.loads(to_json(diagnostics))
    assert first == {
        "code": "NB201",
        "severity": "error",
        "message": "unknown key `ü`",
        "help": "remove it",
        "file": "a.yaml",
        "line": 3,
        "column": 5,
        "length": 4,
        "fix": None,
    }
    assert second.keys() == first.keys()
    assert third["fix"] == {
        "file": "a.yaml",
        "line": 3,
        "column": 5,
        "end_line": 3,
        "end_column": 7,
        "replacement": "age",
    }
    assert (second["file"], second["line"], second["severity"]) == (None, None, "warning")


@pytest.mark.parametrize(
    ("name", "known", "best"),
    [
        ("eligiblity", ["eligibility", "applicability"], "eligibility"),
        ("Age", ["age", "page"], "age"),
        ("xyz", ["age", "page"], None),
        ("agee", [], None),
        ("ab", ["ba", "ab2"], "ab2"),
    ],
)
def test_nearest(name, known, best):
    assert nearest(name, known) == best


def test_nearest_stays_quick_among_many():
    known = [f"action-{number}" for number in range(20_000)]
    assert nearest("action-7x", known) is not None


def test_suggestions_list_at_most_five():
    assert suggest("zzz", ["a", "b"]) == "use `a` or `b`"
    assert suggest("zzz", list("abcdefg"), otherwise="declare it") == "declare it"
    assert one_of(list("abcdefg")) == "`a`, `b`, `c`, `d`, `e` or 2 others"
    assert one_of(["a"]) == "`a`"
