"""Files of rows: read as they are written, or refused with the reason and the option that helps."""

import polars as pl
import pytest

from nextbest.casting import CastError, ndjson
from nextbest.casting.form import Form
from nextbest.casting.table import read_table


def read(path, content, form=None):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    table = read_table(path, form)
    return {name: series.to_list() for name, series in table.columns.items()}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("id,zip\n00123,01067\n", {"id": ["00123"], "zip": ["01067"]}),
        # An empty value is missing, a quoted empty one an empty text.
        ('a,b\n1,\n2,""\n', {"a": ["1", "2"], "b": [None, ""]}),
        ('a,b\r\n"x ""y""","p, q\r\nr"\r\n', {"a": ['x "y"'], "b": ["p, q\r\nr"]}),
        (b"\xef\xbb\xbfa,b\n1,2\n", {"a": ["1"], "b": ["2"]}),
        ("a,b\n1,x\u2028y\n", {"a": ["1"], "b": ["x\u2028y"]}),
        ("a,b\n", {"a": [], "b": []}),
        ("a\n1\n\n2", {"a": ["1", None, "2"]}),
    ],
)
def test_csv_is_text(tmp_path, content, expected):
    assert read(tmp_path / "t.csv", content) == expected


@pytest.mark.parametrize(
    ("name", "content", "form"),
    [
        ("t.tsv", "a\tb\n1\té\n", None),
        ("t.csv", "a;b\n1;é\n", Form(";")),
        ("t.csv", "a|b\n1|é\n", Form("|")),
        ("t.csv", "a\tb\n1\té\n", Form("\\t")),
        ("t.csv", "a,b\n1,é\n".encode("latin-1"), Form("", "latin-1")),
        ("t.csv", "a;b\n1;é\n".encode("utf-16"), Form(";", "utf-16")),
    ],
)
def test_separators_and_encodings(tmp_path, name, content, form):
    assert read(tmp_path / name, content, form) == {"a": ["1"], "b": ["é"]}


@pytest.mark.parametrize(
    ("content", "form", "message", "remedy"),
    [
        ("id;age\n1;2\n", None, "has one column, `id;age`", "give --separator ';'"),
        ("id\tage\n1\t2\n", None, "has one column, `id\\tage`", "give --separator '\\t'"),
        ("id,age\n1,2\n", Form(";"), "has one column, `id,age`", "give --separator ','"),
        ("id,age\n1,2\n", Form(";;"), "`;;` is not a separator", "one character"),
        ("id,n\n1,Zoé\n".encode("latin-1"), None, "byte 0xE9", "--encoding latin-1, which reads `1,Z"),
        ("id,n\n1,5 €\n".encode("windows-1252"), None, "byte 0x80", "windows-1252, which reads `1,5"),
        ("id,n\n1,é\n".encode("utf-16"), None, "its first bytes are those of UTF-16", "--encoding utf-16"),
        ("id,n\n1,é\n".encode("latin-1"), Form("", "ascii"), "is not ASCII", "another --encoding"),
        ("id,n\n1,2\n", Form("", "utf-99"), "`utf-99` is not an encoding", "latin-1"),
        ("id;age\n1;2\n", Form(can_be_given=False), "has one column", "separate the values by commas"),
        ("id,n\n1,é\n".encode("latin-1"), Form(can_be_given=False), "is not UTF-8", "save it as CSV UTF-8"),
        ("", None, "is empty", "column names"),
        ("\n", None, "is empty", "column names"),
        ("id,age,age\n1,2,3\n", None, "has 2 columns named `age`", "keep only one"),
        (",id\n0,1\n", None, "column 1 of", "index=False"),
        ("id,a,b\n1,2,3\n4,5\n", None, "line 3 of", "quotes around values"),
        ('id,a,b\n1,2,"3"\n\n4,5,6,7\n', None, "has 4 values, but there are 3 columns", "quotes around"),
        ('id,a\n1,"2\n3,4\n', None, "cannot be read", "quotes"),
        ('id,a\n1,2"3\n4,5\n', None, "cannot be read", "quotes"),
    ],
)  # fmt: skip
def test_csv_that_is_written_otherwise(tmp_path, content, form, message, remedy):
    with pytest.raises(CastError) as caught:
        read(tmp_path / "t.csv", content, form)
    assert message in caught.value.message
    assert remedy in caught.value.help


def test_lines_of_json_keep_digits_and_types(tmp_path):
    lines = [
        '{"id": 123456789012345678901, "n": 9007199254740993, "x": 1.0, "m": 1, "t": ["a"]}',
        "",
        '{"id": "00123", "n": 1, "x": 2, "m": "1", "late": true}',
    ]
    found = read(tmp_path / "t.ndjson", "\ufeff" + "\n".join(lines))
    assert found == {
        "id": [123456789012345678901, "00123"],
        "n": [9007199254740993, 1],
        "x": [1.0, 2.0],
        "m": [1, "1"],
        "t": [["a"], None],
        "late": [None, True],
    }


@pytest.mark.parametrize("chunk", [1, 2, 3, 7, 8])
def test_lines_of_json_are_read_in_chunks(tmp_path, monkeypatch, chunk):
    monkeypatch.setattr(ndjson, "_CHUNK", chunk)
    lines = [f'{{"id": {row}}}' for row in range(7)]
    lines[4] = '{"id": "x", "rare": 1}'
    found = read(tmp_path / "t.ndjson", "\n".join(lines))
    assert found == {"id": [0, 1, 2, 3, "x", 5, 6], "rare": [None, None, None, None, 1, None, None]}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"a": 1, "a": 2}', "line 2 of `{}`: the key `a` appears more than once"),
        ('{"a": NaN}', "line 2 of `{}`: `NaN` is not JSON"),
        ("[1]", "line 2 of `{}` is not a JSON object"),
        ('{"a": 1', "line 2 of `{}`: not JSON"),
        ('{"a": ' + "[" * 100_000, "line 2 of `{}`: nested too deeply"),
        (b'{"a": "\xe9"}', "line 2 of `{}`: not UTF-8"),
    ],
)
def test_lines_that_are_not_objects(tmp_path, line, message):
    path = tmp_path / "t.ndjson"
    content = line if isinstance(line, bytes) else line.encode()
    with pytest.raises(CastError) as caught:
        read(path, b'{"a": 1}\n' + content)
    assert message.format(path) in caught.value.message


def test_parquet_has_its_own_types_and_no_separator(tmp_path):
    path = tmp_path / "t.parquet"
    pl.DataFrame({"id": ["1"]}).write_parquet(path)
    assert read_table(path).columns["id"].dtype == pl.String
    with pytest.raises(CastError, match="a separator and an encoding apply to CSV only"):
        read_table(path, Form(";"))
    path.write_bytes(b"no parquet")
    with pytest.raises(CastError, match="cannot be read"):
        read_table(path)
    with pytest.raises(CastError, match="not a supported kind of file"):
        read_table(tmp_path / "t.xlsx")
