"""A text and the scalar that should hold it in a YAML file -> its spelling, and the change of the file.

A spelling is used only if libyaml reads the text back from it.
"""

import json
import re

import yaml

from nextbest.diagnostics import Fix
from nextbest.workspace.document import Document, Node

# Texts that no YAML reader takes for a number, a date, true, false or null.
PLAIN = re.compile(r"(?!(?i:null|true|false|yes|no|on|off)$)[A-Za-z_(][^\n]*")


def rewrite(document: Document, node: Node, text: str) -> Fix | None:
    """Finds the change that makes a scalar hold a text.

    Args:
        document: The file.
        node: The scalar as it is; its quotes are kept where they can be.
        text: What it should say.
    """
    written = quote(text, node.style)
    if written is None:
        return None
    lines = document.lines
    end_line, end_column = node.end_line, node.end_column
    if node.style in {"|", ">"} or end_line >= len(lines):
        # A block ends where the next line begins; its replacement ends with a line feed.
        end_line = min(end_line, len(lines)) - 1
        while end_line > node.line and not lines[end_line].strip():
            end_line -= 1
        end_column = len(lines[end_line])
    return Fix(document.file, node.line + 1, node.column + 1, end_line + 1, end_column + 1, written)


def quote(text: str, style: str = "'") -> str | None:
    """Writes a text on one line, plain, in single or in double quotes; None if none of them works.

    Args:
        text: What is to be read.
        style: The preferred quotes; empty for none.
    """
    single = "'" + text.replace("'", "''") + "'"
    double = json.dumps(text, ensure_ascii=False)
    is_simple = '"' not in text and "\\" not in text
    by_style = {
        "": text,
        "'": double if is_simple and "'" in text else single,
        '"': double if is_simple else single,
    }
    for written in (by_style.get(style, text), double if is_simple and "'" in text else single, double):
        if _reads_as(text, written):
            return written
    return None


def _reads_as(text: str, written: str) -> bool:
    if written == text and not PLAIN.fullmatch(text):
        return False
    try:
        events = list(yaml.parse(f"[{{k: {written}}}]\n", Loader=yaml.CSafeLoader))
    except yaml.YAMLError:
        return False
    scalars = [event.value for event in events if isinstance(event, yaml.ScalarEvent)]
    return scalars == ["k", text] and "\n" not in written
