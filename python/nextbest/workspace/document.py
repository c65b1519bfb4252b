"""The contents of a YAML file as plain data, and their positions.

`data` and `node` have the same shape: where `data` is a dict, `node` holds the children under the same keys,
and where it is a list, under the same indices. Aliases share both, so that an error in an aliased value is
reported once, where it is written.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from nextbest.diagnostics import Position
from nextbest.workspace.offsets import locate

# Shared by all scalars, of which a workspace has a million.
NOTHING: Mapping[Any, "Node"] = MappingProxyType({})


# Copies the keys of another mapping in YAML 1.1; not a part of YAML 1.2.
MERGE = "<<"


class Node:
    """A scalar, mapping or sequence: where it starts and ends, and its children.

    Attributes:
        line: Where it starts, from 0; the other positions count in the same way.
        style: Of a scalar: `'`, `"`, `|`, `>`, or empty for plain; empty for mappings and sequences.
        keys: Of a mapping: the key's own node.
        children: Of a mapping by key, of a sequence by index.
        size: Number of nodes in it, aliases counted each time.
    """

    __slots__ = ("children", "column", "end_column", "end_line", "keys", "line", "size", "style")

    def __init__(self, line: int, column: int, end_line: int, end_column: int, style: str = "") -> None:
        self.line = line
        self.column = column
        self.end_line = end_line
        self.end_column = end_column
        self.style = style
        self.keys: Mapping[str, Node] = NOTHING
        self.children: Mapping[str | int, Node] = NOTHING
        self.size = 1

    def child(self, *path: str | int) -> "Node | None":
        """Follows keys and indices; None when there is no such node."""
        node: Node | None = self
        for step in path:
            node = node.children.get(step) if node is not None else None
        return node


@dataclass(slots=True)
class Document:
    """One YAML file.

    Attributes:
        file: Path relative to the workspace, with forward slashes.
        lines: Its text, line by line, without line ends.
        data: None for an empty file.
        node: None for an empty file.
        valueless: Keys that were written without a value, as (mapping, key); `data` leaves them out.
        merges: Merge keys (`<<`); `data` leaves them out, too.
        merged: The start of each mapping that a merge key names, as line and column from 0.
    """

    file: str
    lines: Sequence[str]
    data: object = None
    node: Node | None = None
    valueless: list[tuple[Node, str]] = field(default_factory=list)
    merges: list[Node] = field(default_factory=list)
    merged: set[tuple[int, int]] = field(default_factory=set)

    def whole(self, node: Node | None) -> Position:
        """The position of a node: all of it if it is on one line, else its part on the first line."""
        if node is None:
            return Position(self.file, 1, 1)
        line = self.lines[node.line] if node.line < len(self.lines) else ""
        end = node.end_column if node.end_line == node.line else len(line.rstrip())
        return Position(self.file, node.line + 1, node.column + 1, max(1, end - node.column))

    def key(self, mapping: Node, key: str) -> Position:
        """The position of a key of a mapping; of the mapping when it has no such key."""
        return self.whole(mapping.keys.get(key, mapping))

    def name(self, *path: str | int) -> Position:
        """The position of the key that ends a path."""
        parent = self.node.child(*path[:-1]) if self.node is not None else None
        return Position(self.file, 1, 1) if parent is None else self.key(parent, str(path[-1]))

    def value(self, *path: str | int) -> Position:
        """The position of the value at a path; as much of the path as exists is followed.

        A mapping or sequence in block style is represented by its key.
        """
        node, parent, last = self.node, None, None
        for step in path:
            following = node.children.get(step) if node is not None else None
            if following is None:
                break
            node, parent, last = following, node, step
        if node is None:
            return Position(self.file, 1, 1)
        if node.children and node.end_line != node.line and parent is not None and isinstance(last, str):
            return self.key(parent, last)
        return self.whole(node)

    def written(self, *path: str | int) -> str:
        """The scalar at a path as written in the file, quotes included; the first of several lines.

        Values that look like numbers have lost their spelling: `01067`, `0o17`, `1e3`, `Yes`.
        """
        node = self.node.child(*path) if self.node is not None else None
        return self.text(node) if node is not None else ""

    def text(self, node: Node) -> str:
        """The scalar of a node as written in the file."""
        line = self.lines[node.line] if node.line < len(self.lines) else ""
        end = node.end_column if node.end_line == node.line else len(line)
        return line[node.column : end].strip()

    def inside(self, node: Node, text: str, offset: int, length: int = 1) -> Position:
        """The position of characters inside a scalar.

        Exact if the text of the scalar can be followed through its quotes, escapes and folded lines; the
        start of the scalar if not.

        Args:
            node: The scalar.
            text: Its value.
            offset: In characters of the value, from 0.
            length: In characters of the value; cut at the end of the line.
        """
        place = locate(self.lines, node, text, offset, max(1, length))
        if place is None:
            return self.whole(node)
        line, column, cells = place
        return Position(self.file, line + 1, column + 1, cells)
