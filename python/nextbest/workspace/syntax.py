"""libyaml's errors -> diagnostics in plain words for authors who do not know YAML in detail."""

import re
from typing import Any

import yaml

from nextbest.diagnostics import Diagnostic, Fix, Position
from nextbest.workspace.document import Document
from nextbest.workspace.line import Value, find_value
from nextbest.workspace.unquoted import find_unquoted, find_unspaced

# A longer file is not parsed again with the correction.
LINES_MAX = 100_000
SECOND_COLON = "a second `:` on one line"
# libyaml's message, its meaning, and the remedy. The first entry whose text occurs in the error is used.
WORDING = (
    ("could not find expected ':'", "a `:` is missing after this key",
     "write `key: value`, with a space after `:`"),
    ("mapping values are not allowed", SECOND_COLON,
     "quote text that contains `: `, or begin a new line"),
    ("did not find expected ',' or ']'", "this `[` is not closed",
     "close it with `]`, items separated by commas"),
    ("did not find expected ',' or '}'", "this `{` is not closed",
     "close it with `}`, entries separated by commas"),
    ("did not find expected '-' indicator", "this line does not fit the list around it",
     "begin each item of a list with `- `, all in the same column"),
    ("did not find expected key", "this line does not fit the lines around it",
     "keys of one level begin in the same column; quote text that contains quotes"),
    ("did not find expected node content", "a value is missing here", "write the value, or remove the comma"),
    ("block sequence entries are not allowed", "a list cannot begin on the line of its key",
     "begin it on the next line, each item with `- `"),
    ("found character '\\t'", "a tab in the indentation", "indent with spaces"),
    ("unexpected end of stream", "this quote is not closed", "close it with the same kind of quote"),
    ("document start", "the text after this line is not part of the document", "indent it, or remove `---`"),
    ("did not find URI escaped octet", "a `%` at the start of a value", "quote it"),
    ("expected comment or line break", "text right after `|` or `>`",
     "begin it on the next line, indented; quote text that begins with `|` or `>`"),
    ("found unexpected ':'", "a space is missing after `:`",
     "write `key: value`; quote text that contains `:`"),
    ("mapping keys are not allowed", "a `?` at the start of a value", "quote it"),
    ("undefined tag handle", "a `!` at the start of a value", "quote it"),
)  # fmt: skip
INDICATORS = {
    "%": "`%`", "@": "`@`", "`": "a back quote", "|": "`|`", ">": "`>`", "*": "`*`", "&": "`&`", "!": "`!`",
}  # fmt: skip


def reword(  # noqa: PLR0911 - one for each kind of error
    error: yaml.YAMLError, document: Document
) -> Diagnostic:
    """Words an error of libyaml.

    Args:
        error: As raised while the document's events were read.
        document: What is being read; only its lines are looked at.
    """
    if not isinstance(error, yaml.MarkedYAMLError):
        return _unreadable(error, document)
    problem = error.problem or ""
    mark = error.problem_mark or error.context_mark
    message, remedy = _wording(problem)
    plainer = find_unquoted(document, error) or find_unspaced(document, error)
    if plainer is not None:
        return plainer
    if error.context_mark is not None and message.endswith(("is not closed", "after this key")):
        mark = error.context_mark
    line, column = _within(document, mark)
    text = document.lines[line]
    position = Position(document.file, line + 1, column + 1)
    if text.lstrip()[:2] in {"&&", "||"} or (message == SECOND_COLON and ": " not in text[:column]):
        return Diagnostic(
            "NB103", "this line continues the value above it", position, _continued(document, line)
        )
    escape = _escape(problem, text, column)
    if escape:
        message = f"YAML cannot read the escape `{escape}`"
        begin = text.rfind("\\", 0, column + 1)
        position = Position(document.file, line + 1, begin + 1, len(escape))
        return Diagnostic("NB103", message, position, "use single quotes for text with backslashes")
    quoted = _quoted(document, line, column)
    if quoted is not None:
        begins = text[quoted.column : quoted.column + 1]
        if begins in {"'", '"', "["}:
            message = "text follows the quote that ends the value"
        elif begins in INDICATORS:
            message = f"a value cannot begin with {INDICATORS[begins]}"
        remedy = quoted.quoted(document.file, line) or remedy
        return Diagnostic("NB103", message, position, remedy)
    if "cannot start any token" in problem:
        return _bad_start(text[column : column + 1], text, position)
    return Diagnostic("NB103", message, position, remedy)


def _escape(problem: str, text: str, column: int) -> str:
    """The escape in double quotes that caused an error; the error marks its end or a part of it."""
    if "hexdecimal" not in problem and not ("escape" in problem and "URI" not in problem):
        return ""
    found = re.match(r"\\(?:x\w{0,2}|u\w{0,4}|U\w{0,8}|.)", text[text.rfind("\\", 0, column + 1) :])
    return found[0] if found is not None else ""


def _continued(document: Document, line: int) -> str:
    above = document.lines[line - 1] if line else ""
    if re.search(r"\s#", above):
        return "a comment ends the value above: move the comment to a separate line before the value"
    return "indent it further than the key of the value above"


def _quoted(document: Document, line: int, column: int) -> Value | None:
    """The value of a line that only needs quotes: with quotes, the file is read beyond this line."""
    found = find_value(document.lines[line])
    if found is None or len(document.lines) > LINES_MAX:
        return None
    begins = document.lines[line][found.column]
    is_whole = begins in "?|>-{" or (begins == "[" and found.text[:1] == "[")
    if is_whole or (found.column > column and "{" not in found.lead):
        return None
    remedy = found.quoted(document.file, line)
    if remedy is None or not isinstance(remedy.change, Fix):
        return None
    text, rest = document.lines[line], found.column + found.length
    changed = [*document.lines]
    changed[line] = text[: found.column] + remedy.change.replacement + text[rest:]
    try:
        for _ in yaml.parse("\n".join(changed), Loader=yaml.CSafeLoader):
            pass
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        return found if mark is not None and mark.line > line else None
    except yaml.YAMLError:
        return None
    return found


def _within(document: Document, mark: Any) -> tuple[int, int]:
    """The position of an error; an error at the end of the file is shown after its last text."""
    if mark is None:
        return 0, 0
    line: int = mark.line
    if line < len(document.lines) and any(rest.strip() for rest in document.lines[line:]):
        return line, mark.column
    line = min(line, len(document.lines) - 1)
    while line > 0 and not document.lines[line].strip():
        line -= 1
    return line, len(document.lines[line].rstrip())


def _wording(problem: str) -> tuple[str, str]:
    for said, message, remedy in WORDING:
        if said in problem:
            return message, remedy
    return f"this is not YAML: {problem}", "quote text with special characters"


def _bad_start(character: str, line: str, position: Position) -> Diagnostic:
    if character == "\t" or not line[: position.column].strip():
        return Diagnostic("NB103", "a tab in the indentation", position, "indent with spaces")
    return Diagnostic(
        "NB103",
        f"a value cannot begin with {INDICATORS.get(character, f'`{character}`')}",
        position,
        "quote it",
    )


def _unreadable(error: yaml.YAMLError, document: Document) -> Diagnostic:
    """A character that YAML does not allow; libyaml reports its offset at most."""
    for number, line in enumerate(document.lines):
        for column, character in enumerate(line):
            if not (character.isprintable() or character in "\t\u00a0\ufeff") and ord(character) < 0xA0:
                return Diagnostic(
                    "NB103", f"a control character, U+{ord(character):04X}",
                    Position(document.file, number + 1, column + 1), "remove it",
                )  # fmt: skip
    return Diagnostic(
        "NB103", f"this is not YAML: {error}", Position(document.file, 1, 1), "save it as plain text"
    )
