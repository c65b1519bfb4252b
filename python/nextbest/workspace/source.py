"""Bytes of a YAML file -> a `Document`: plain data, and the position of each part.

Composes the document from libyaml's events. It keeps positions, resolves plain scalars by the core schema of
YAML 1.2 (`no` and `on` are text, dates stay text), refuses duplicate keys and tags, and bounds size, depth
and what aliases expand to, which none of PyYAML's own loaders does. Objects are never constructed.
"""

import math
import re
from typing import Any

import yaml

from nextbest.diagnostics import Diagnostic, Position, Remedy
from nextbest.workspace.document import MERGE, Document, Node
from nextbest.workspace.line import find_value
from nextbest.workspace.syntax import reword

FILE_BYTES_MAX = 32 * 1024 * 1024
DEPTH_MAX = 48
# Maximum per file, with each alias counted as its target: a guard against "billion laughs".
NODES_MAX = 4_000_000

LINE_END = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
# Characters with which a plain scalar that is not text can begin.
NOT_TEXT = frozenset("0123456789+-.~nNtTfF")
DIGITS_MAX = 300
WORDS: dict[str, bool | float | None] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
    ".inf": math.inf, ".Inf": math.inf, ".INF": math.inf, "+.inf": math.inf, "-.inf": -math.inf,
    "-.Inf": -math.inf, "-.INF": -math.inf, ".nan": math.nan, ".NaN": math.nan, ".NAN": math.nan,
}  # fmt: skip
# Below these keys null means "absent" and is kept; elsewhere a key without value is an error.
NULLABLE = frozenset({"content", "customer", "context", "attributes"})


MERGES_LISTED_MAX = 5
MERGE_REMEDY = (
    "write policies and levers that actions share at the top of their file, or in `issues.yaml`; "
    "share another value or list by an anchor: `treatments: &web [...]`, then `treatments: *web`"
)


class _RefusedError(Exception):
    """The rest of the file cannot be read."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        self.diagnostic = diagnostic


def parse(file: str, content: bytes) -> tuple[Document, list[Diagnostic]]:
    """Parses one YAML file.

    Args:
        file: Its path relative to the workspace, for positions.
        content: Its bytes, UTF-8.

    Returns:
        The document, and its findings as YAML. After an error that ends the reading, the document has no
        data; duplicate keys and keys with a tag are left out, and the rest is read.
    """
    if len(content) > FILE_BYTES_MAX:
        limit = FILE_BYTES_MAX // (1024 * 1024)
        message = f"the file is larger than {limit} MiB"
        return Document(file, ()), [Diagnostic("NB104", message, Position(file, 1, 1), "split it")]
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = LINE_END.split(content[: error.start].decode("utf-8-sig"))
        position = Position(file, len(before), len(before[-1]) + 1)
        remedy = "save it with the encoding UTF-8"
        lines = LINE_END.split(content.decode("utf-8-sig", errors="replace"))
        return Document(file, lines), [Diagnostic("NB102", "this is not UTF-8 text", position, remedy)]
    document = Document(file, LINE_END.split(text))
    composer = _Composer(document, text)
    try:
        composer.compose()
    except yaml.YAMLError as error:
        document.data = document.node = None
        composer.diagnostics.append(reword(error, document))
    except _RefusedError as refusal:
        document.data = document.node = None
        composer.diagnostics.append(refusal.diagnostic)
    return document, composer.diagnostics


class _Composer:
    def __init__(self, document: Document, text: str) -> None:
        self.document = document
        self.diagnostics: list[Diagnostic] = []
        self._text = text
        # The target of an anchor; None while it is being read.
        self._anchors: dict[str, tuple[object, Node] | None] = {}

    def compose(self) -> None:
        """Fills in the document's data and node."""
        try:
            loader = yaml.CSafeLoader(self._text)
            self._event = loader.get_event
            self._compose()
        finally:
            self._event = None  # type: ignore[assignment]

    def _compose(self) -> None:
        self._event()  # the stream starts
        event = self._event()
        if isinstance(event, yaml.StreamEndEvent):
            return
        event = self._event()
        data, node = self._node(event, 0, nullable=False)
        self._event()  # the document ends
        event = self._event()
        if not isinstance(event, yaml.StreamEndEvent):
            self._report(
                "NB106", "a second document begins here", event, "one file holds one document: remove `---`"
            )
        if self.document.merges:
            self.diagnostics.append(self._merges())
        if isinstance(event, yaml.DocumentStartEvent) or data is not None:
            self.document.data, self.document.node = data, node

    def _merges(self) -> Diagnostic:
        """One finding for all merge keys of the file; their remedy is another construction."""
        first, *others = self.document.merges
        lines = [f"{node.line + 1:,}" for node in others[:MERGES_LISTED_MAX]]
        more = len(others) - len(lines)
        listed = ", ".join(lines) + (f" and {more:,} more" if more else "")
        also = f"; also on line{'s' if len(others) > 1 else ''} {listed}" if others else ""
        message = f"merge keys (`{MERGE}`) are not read{also}"
        return Diagnostic("NB112", message, self.document.whole(first), MERGE_REMEDY)

    def _node(self, event: Any, depth: int, *, nullable: bool) -> tuple[object, Node]:
        kind = type(event)
        if kind is yaml.ScalarEvent:
            return self._scalar(event)
        if kind is yaml.AliasEvent:
            return self._alias(event)
        if depth >= DEPTH_MAX:
            raise _RefusedError(
                self._problem("NB104", f"nested more than {DEPTH_MAX} deep", event, "flatten it")
            )
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        if event.tag is not None:
            self._refuse_tag(event)
        start = event.start_mark
        node = Node(start.line, start.column, start.line, start.column + 1)
        read = self._mapping if kind is yaml.MappingStartEvent else self._sequence
        data = read(node, depth + 1, nullable=nullable)
        if event.anchor is not None:
            self._anchors[event.anchor] = data, node
        if node.size > NODES_MAX:
            raise _RefusedError(
                self._problem("NB104", f"more than {NODES_MAX:,} values in one file", event, "split the file")
            )
        return data, node

    def _mapping(self, node: Node, depth: int, *, nullable: bool) -> dict[str, object]:
        data: dict[str, object] = {}
        keys: dict[str, Node] = {}
        children: dict[str | int, Node] = {}
        node.keys, node.children = keys, children
        next_event, size = self._event, 1
        while type(event := next_event()) is not yaml.MappingEndEvent:
            valueless = len(self.document.valueless)
            key, key_node = self._node(event, depth, nullable=False)
            below = nullable or key in NULLABLE if isinstance(key, str) else False
            value, child = self._node(next_event(), depth, nullable=below)
            size += child.size + 1
            if key == MERGE and not key_node.style:
                # Kept among the keys, so that the keys that it would merge are not reported as missing.
                keys.setdefault(MERGE, key_node)
                self.document.merges.append(key_node)
                self.document.merged |= {(node.line, node.column) for node in _merged(child)}
            elif not isinstance(key, str):
                del self.document.valueless[valueless:]
                self._refuse_key(key, key_node)
            elif key in keys:
                first = self.document.whole(keys[key])
                position = self.document.whole(key_node)
                remedy = f"line {first.line} has it already: keep one of the two"
                self.diagnostics.append(Diagnostic("NB105", f"`{key}` is given twice", position, remedy))
            else:
                keys[key] = key_node
                if value is None and not nullable:
                    self.document.valueless.append((node, key))
                else:
                    data[key] = value
                    children[key] = child
        node.size = size
        self._end(node, event)
        return data

    def _sequence(self, node: Node, depth: int, *, nullable: bool) -> list[object]:
        data: list[object] = []
        children: dict[str | int, Node] = {}
        node.children = children
        next_event, size = self._event, 1
        while type(event := next_event()) is not yaml.SequenceEndEvent:
            value, child = self._node(event, depth, nullable=nullable)
            size += child.size
            children[len(data)] = child
            data.append(value)
        node.size = size
        self._end(node, event)
        return data

    def _end(self, node: Node, event: Any) -> None:
        mark = event.end_mark
        node.end_line, node.end_column = mark.line, mark.column

    def _scalar(self, event: Any) -> tuple[object, Node]:
        start, end = event.start_mark, event.end_mark
        style = event.style or ""
        node = Node(start.line, start.column, end.line, end.column, style)
        value: object = event.value
        if event.tag is not None:
            # Consequences of the wrong value would only mislead.
            value = self._refuse_tag(event) or value
        elif not style:
            value = resolve(event.value)
        if event.anchor is not None:
            self._anchors[event.anchor] = value, node
        return value, node

    def _alias(self, event: Any) -> tuple[object, Node]:
        name = event.anchor
        if name not in self._anchors:
            raise _RefusedError(
                self._problem("NB103", f"the alias `*{name}` has no anchor", event,
                              f"define `&{name}` before it; quote text that begins with `*`")
            )  # fmt: skip
        target = self._anchors[name]
        if target is None:
            raise _RefusedError(
                self._problem("NB104", f"the alias `*{name}` is inside its own anchor", event, "remove it")
            )
        return target

    def _refuse_tag(self, event: Any) -> str | None:
        """Reports a tag; returns the intended text if the `!` belongs to it."""
        start = event.start_mark
        line = self.document.lines[start.line]
        written = re.split("[ ,]", line[start.column :], maxsplit=1)[0]
        remedy: str = "remove it, or quote the text"
        found = find_value(line) if written[1:2] not in {"", "!", "<"} else None
        meant = None
        if found is not None and found.column == start.column and type(event) is yaml.ScalarEvent:
            meant = found.text
            remedy = found.quoted(self.document.file, start.line) or remedy
        self._report("NB107", f"the tag `{written}` has no meaning in a workspace", event, remedy)
        return meant

    def _refuse_key(self, key: object, node: Node) -> None:
        position = self.document.whole(node)
        line = self.document.lines[node.line]
        written = line[node.column : node.column + position.length]
        message, remedy = f"the key `{written}` is not text", "write a name here"
        if not written.strip():
            message, remedy = "a key is missing here", "write a name, or remove the line"
        elif key is None or isinstance(key, bool | int | float):
            remedy = Remedy("quote it if it is a name: {}", f'"{written}"')
        elif isinstance(key, dict):
            remedy = 'quote text that contains braces: "{...}"'
        self.diagnostics.append(Diagnostic("NB108", message, position, remedy))

    def _problem(self, code: str, message: str, event: Any, remedy: str) -> Diagnostic:
        start, end = event.start_mark, event.end_mark
        node = Node(start.line, start.column, end.line, end.column)
        return Diagnostic(code, message, self.document.whole(node), remedy)

    def _report(self, code: str, message: str, event: Any, remedy: str) -> None:
        self.diagnostics.append(self._problem(code, message, event, remedy))


def _merged(node: Node) -> list[Node]:
    """The target of a merge key: a mapping, or a list of mappings."""
    return [child for step, child in node.children.items() if isinstance(step, int)] or [node]


def resolve(text: str) -> object:
    """Gives a plain scalar its value: null, bool, int or float as in YAML 1.2's core schema, else the text.

    A number of more than 300 digits is read as text.
    """
    if text[:1] not in NOT_TEXT and text:
        return text
    if text in WORDS:
        return WORDS[text]
    if len(text) > DIGITS_MAX:
        return text
    if INT.fullmatch(text):
        return int(text, 0) if text[:2] in {"0o", "0x"} else int(text)
    if FLOAT.fullmatch(text):
        return float(text)
    return text
