"""YAML as the workspace reads it: values, bounds, and the place of every character."""

import math

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from nextbest.workspace import source
from nextbest.workspace.document import Document
from nextbest.workspace.source import parse


def read(text: str) -> Document:
    document, diagnostics = parse("file.yaml", text.encode())
    assert diagnostics == []
    return document


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("off", "off"),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("18", 18),
        ("-3", -3),
        ("+3", 3),
        ("007", 7),
        ("0o17", 15),
        ("0x1F", 31),
        ("1_000", "1_000"),
        ("12:30:45", "12:30:45"),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("1.", 1.0),
        (".inf", math.inf),
        ("-.INF", -math.inf),
        ("2026-01-31", "2026-01-31"),
        ("2026-01-31T09:00:00Z", "2026-01-31T09:00:00Z"),
        ("'18'", "18"),
        ('"true"', "true"),
        ("1.2.3", "1.2.3"),
        ("-", None),
        ("=", "="),
        ("<<", "<<"),
        ("9" * 400, "9" * 400),
    ],
)
def test_plain_scalars_follow_the_core_schema(written, value):
    if written == "-":
        assert read("[a, '-']").data == ["a", "-"]
        return
    assert read(f"[{written}]").data == [value]


def test_nan():
    (value,) = read("[.nan]").data
    assert math.isnan(value)


def test_empty_files_have_no_data():
    for text in ("", "\n", "# only a comment\n", "---\n"):
        assert read(text).data is None


def test_keys_without_value_are_noted_and_left_out():
    document = read("a:\nb: 1\n")
    assert document.data == {"b": 1}
    assert [key for _, key in document.valueless] == ["a"]


def test_null_is_kept_where_it_means_absent():
    document = read("personas:\n  p:\n    customer: {age: null, income: }\n")
    assert document.data == {"personas": {"p": {"customer": {"age": None, "income": None}}}}
    assert document.valueless == []


def test_aliases_share_what_they_repeat():
    document = read("a: &x [1, {b: 2}]\nc: *x\n")
    assert document.data == {"a": [1, {"b": 2}], "c": [1, {"b": 2}]}
    assert document.value("c", 1, "b") == document.value("a", 1, "b")


def test_expanding_aliases_are_refused():
    lines = ["l0: &l0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"l{i}: &l{i} [{', '.join([f'*l{i - 1}'] * 10)}]" for i in range(1, 9)]
    document, diagnostics = parse("file.yaml", "\n".join(lines).encode())
    assert document.data is None
    assert [diagnostic.code for diagnostic in diagnostics] == ["NB104"]


@pytest.mark.parametrize("text", ["[" * 200_000, "- " * 200_000, "? " * 200_000, "{a: " * 100_000])
def test_deep_nesting_is_refused(text):
    _, diagnostics = parse("file.yaml", text.encode())
    assert [diagnostic.code for diagnostic in diagnostics] == ["NB104"]


def test_large_files_are_refused(monkeypatch):
    monkeypatch.setattr(source, "FILE_BYTES_MAX", 100)
    _, diagnostics = parse("file.yaml", b"a: 1\n" * 100)
    assert [diagnostic.code for diagnostic in diagnostics] == ["NB104"]


@pytest.mark.parametrize("content", [b"\xff\xfea\x00", b"a: \xe4", b"\x00"])
def test_other_encodings_are_refused(content):
    _, diagnostics = parse("file.yaml", content)
    assert [diagnostic.code for diagnostic in diagnostics] in (["NB102"], ["NB103"])


def test_a_byte_order_mark_does_not_move_positions():
    document, diagnostics = parse("file.yaml", b"\xef\xbb\xbfa: 1\n")
    assert diagnostics == []
    assert document.value("a").column == 4


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_content_raises(content):
    document, diagnostics = parse("file.yaml", content)
    for diagnostic in diagnostics:
        assert diagnostic.position is not None
        assert diagnostic.help
        assert 1 <= diagnostic.position.line <= max(1, len(document.lines))


def characters(document: Document, path: tuple[str | int, ...], text: str) -> str:
    """The text of the file at the reported positions of the characters of a scalar."""
    node = document.node.child(*path)
    places = [document.inside(node, text, offset) for offset in range(len(text))]
    return "".join(document.lines[place.line - 1][place.column - 1 : place.column] for place in places)


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("a: customer.age > 18\n", "customer.age > 18"),
        ("a: 'it''s'\n", "it's"),
        ('a: "tab\\there é \\u00e9!"\n', "tab\\here é \\!"),
        ("a: |\n  one\n    two\n\n  three\n", "one  twothree"),
        ("a: |-\n    one\n    two\n", "onetwo"),
        ("a: |2\n    x\n   y\n", "  x y"),
        ("a: >\n  one\n  two\n\n  three\n   more\n  four\n", "one twothree morefour"),
        ("a: plain\n  over lines\n\n  and more\n", "plain over linesand more"),
        ("a: 'quoted\n  over lines\n\n  and more'\n", "quoted over linesand more"),
        ('a: "quoted \\\n  on\n  and on"\n', "quoted on and on"),
        ("- a: >-\n    x &&\n    y\n", "x && y"),
        ("a: 日本 > 18\n", "日本 > 18"),
    ],
)
def test_characters_of_scalars_are_found(written, found):
    document = read(written)
    path = (0, "a") if written.startswith("-") else ("a",)
    value = document.data[0]["a"] if written.startswith("-") else document.data["a"]
    # A line end of the value has no separate character in a line.
    visible = [c for c in characters(document, path, value) if c != "\n"]
    assert "".join(visible).replace(" ", "") == found.replace(" ", "")


WORDS = st.text("abé&|日 '\"\\\n\t:#>", min_size=1, max_size=40)


@given(WORDS, st.sampled_from(["'", '"', "|", ">"]), st.integers(5, 40))
def test_characters_of_any_scalar_are_found_or_not_reported(text, style, width):
    written = yaml.safe_dump(
        {"a": text}, default_style=style, width=width, allow_unicode=True, default_flow_style=False
    )
    document, diagnostics = parse("file.yaml", written.encode())
    if diagnostics or document.data != {"a": text}:
        return  # The dumper writes some texts that libyaml reads otherwise.
    node = document.node.child("a")
    for offset, character in enumerate(text):
        place = document.inside(node, text, offset)
        there = document.lines[place.line - 1][place.column - 1 :]
        claimed = (place.line - 1, place.column - 1) != (node.line, node.column)
        if claimed and character not in "\n\t " and not there.startswith("\\"):
            assert there.startswith(character)


def test_positions_of_values_and_keys():
    document = read("a:\n  b:\n    - {c: [1, 2]}\n    - long\n")
    assert document.value("a", "b", 0, "c", 1).column == 15
    assert (document.value("a", "b").line, document.value("a", "b").length) == (2, 1)
    assert document.name("a", "b", 0, "c").column == 8
    assert document.value("a", "b", 1).length == 4
    # As much of a path as exists.
    assert document.value("a", "b", 7, "x") == document.value("a", "b")


@pytest.mark.parametrize("escape", [r"\uD800", r"\x0", r"\q", r"\U00110000"])
def test_an_unreadable_escape_is_named(escape: str) -> None:
    _, (found,) = parse("a.yaml", f'a: "a\\0b{escape}"\n'.encode())
    assert (found.code, found.message) == ("NB103", f"YAML cannot read the escape `{escape}`")
    assert found.position is not None
    assert (found.position.column, found.position.length) == (9, len(escape))
