"""A CSV or TSV file -> columns of text, or the reason why the file cannot be read."""

import codecs
import csv
import io
from collections import Counter
from pathlib import Path
from typing import Final

import polars as pl

from nextbest.casting.form import Form
from nextbest.casting.refusal import CastError
from nextbest.regular_file import open_file

_SEPARATORS: Final = {";": "';'", "\t": "'\\t'", "|": "'|'", ",": "','"}
"""The common separators, each as it is typed after an option."""
_BOM_16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_SHOWN_BYTES: Final = 20


def read_separated(path: Path, form: Form) -> dict[str, pl.Series]:
    """Reads a file as text, without interpreting the values.

    An empty value is null; a quoted empty value, `""`, is an empty text.

    Args:
        path: The file; its first line names the columns.
        form: How the file is written.

    Raises:
        CastError: The file is written in another way.
        OSError: It cannot be read.
    """
    separator = _separator(form)
    text = _decode(path, form).removeprefix("\ufeff").rstrip("\r\n")
    if not text:
        raise CastError(f"`{path}` is empty", "add a first line with the column names")
    names = _names(path, text, separator, form)
    _check_lines(path, text, separator, len(names))
    try:
        frame = pl.read_csv(
            text.encode(), separator=separator, has_header=True, infer_schema=False, new_columns=names
        )
    except pl.exceptions.PolarsError as error:
        reason = str(error).split("\n", 1)[0]
        remedy = "put quotes around values that contain quotes, and double each quote inside"
        raise CastError(f"`{path}` cannot be read as CSV: {reason}", remedy) from None
    return {series.name: series for series in frame}


def _separator(form: Form) -> str:
    separator = {"\\t": "\t", "": ","}.get(form.separator, form.separator)
    if len(separator) != 1 or not separator.isascii() or separator in '"\r\n':
        raise CastError(f"`{form.separator}` is not a separator", "give one character, such as ';' or '\\t'")
    return separator


def _decode(path: Path, form: Form) -> str:
    with open_file(path) as file:
        data = file.read()
    encoding = form.encoding or "utf-8"
    try:
        return data.decode(encoding)
    except LookupError:
        raise CastError(
            f"`{encoding}` is not an encoding", "give utf-8, latin-1, windows-1252 or utf-16"
        ) from None
    except UnicodeDecodeError as error:
        otherwise = "save it as CSV UTF-8"
        if data.startswith(_BOM_16) and not form.encoding:
            remedy = form.remedy("--encoding utf-16", otherwise)
            raise CastError(f"`{path}` is not UTF-8: its first bytes are those of UTF-16", remedy) from None
        line = data.count(b"\n", 0, error.start) + 1
        message = f"`{path}` is not {encoding.upper()}: line {line} has the byte 0x{data[error.start]:02X}"
        if form.encoding:
            raise CastError(message, "give another --encoding") from None
        # Bytes that are control characters in Latin-1 are letters and signs in windows-1252.
        other = "windows-1252" if any(0x80 <= byte < 0xA0 for byte in data) else "latin-1"
        around = data[max(0, error.start - _SHOWN_BYTES) : error.start + _SHOWN_BYTES]
        shown = around.decode(other, "replace").splitlines()
        piece = next((part for part in shown if not part.isascii()), "").strip()
        remedy = form.remedy(f"--encoding {other}, which reads `{piece}` at this position", otherwise)
        raise CastError(message, remedy) from None


def _names(path: Path, text: str, separator: str, form: Form) -> list[str]:
    """Reads the names of the columns."""
    try:
        names = next(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True))
    except csv.Error as error:
        raise CastError(f"the header of `{path}` cannot be read: {error}", "check the quotes in it") from None
    found = [other for other in _SEPARATORS if len(names) == 1 and other in names[0] and other != separator]
    if found:
        shown, known = names[0].replace("\t", "\\t"), _SEPARATORS.get(separator, f"'{separator}'")
        message = f"`{path}` has one column, `{shown}`: no {known} separates its values"
        remedy = form.remedy(f"--separator {_SEPARATORS[found[0]]}", "separate the values by commas")
        raise CastError(message, remedy)
    for place, name in enumerate(names, 1):
        if not name.strip():
            remedy = "name it, or leave it out; pandas omits its index with to_csv(index=False)"
            raise CastError(f"column {place} of `{path}` has no name", remedy)
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        message = f"`{path}` has {Counter(names)[repeated[0]]} columns named `{repeated[0]}`"
        raise CastError(message, "rename them, or keep only one")
    return names


def _check_lines(path: Path, text: str, separator: str, count: int) -> None:
    """Finds a line with more or fewer values than columns: its values would be in the wrong columns."""
    if '"' not in text:
        lines = pl.Series(text.replace("\r\n", "\n").split("\n"))
        counts = lines.str.count_matches(separator, literal=True) + 1
        wrong = ((counts != count) & (lines != "")).arg_true()
        if len(wrong):
            raise _uneven(path, int(wrong[0]) + 1, counts[int(wrong[0])], count)
        return
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        for row in reader:
            if len(row) != count and row:
                raise _uneven(path, reader.line_num, len(row), count)
    except csv.Error as error:
        remedy = "put quotes around values that contain quotes, and double each quote inside"
        raise CastError(f"line {reader.line_num} of `{path}` cannot be read: {error}", remedy) from None


def _uneven(path: Path, line: int, found: int, expected: int) -> CastError:
    message = f"line {line} of `{path}` has {found} values, but there are {expected} columns"
    return CastError(message, "put quotes around values that contain the separator, and keep empty values")
