"""Bytes -> how much they hold, before anything parses them as ONNX.

A parser allocates what a file requests, and the loaders of ONNX open other files that it names. This scan
reads protobuf's wire format with an explicit stack, in one pass and without recursion, enters only messages
that can hold data, and stops at the first limit that is exceeded. Every occurrence of a field counts, even if
a parser would let a later one win, so that the order of fields hides nothing.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from nextbest.models.limits import (
    ELEMENTS_MAX,
    FIELDS_MAX,
    MESSAGE_DEPTH_MAX,
    NODES_MAX,
    SIZE_BYTES_MAX,
    STRING_BYTES_MAX,
)
from nextbest.models.refusal import DAMAGED, EXTERNAL_DATA, NESTED, TOO_LARGE, ModelError

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_FIELD_MAX: Final = 2**29 - 1
# Messages of onnx.proto that are followed, and what their fields are. What is not named is skipped.
_MESSAGES: Mapping[str, Mapping[int, str]] = MappingProxyType(
    {
        "model": {7: "graph", 20: "training", 25: "function"},
        "graph": {1: "node", 5: "tensor", 11: "value", 12: "value", 13: "value", 15: "sparse"},
        "node": {5: "attribute"},
        "attribute": {
            4: "strings", 5: "tensor", 6: "subgraph", 7: "fixed32", 8: "varints", 9: "strings",
            10: "tensor", 11: "subgraph", 14: "type", 15: "type", 22: "sparse", 23: "sparse",
        },
        "tensor": {
            1: "dims", 4: "fixed32", 5: "varints", 6: "strings", 7: "varints", 10: "fixed64",
            11: "varints", 13: "external", 14: "location",
        },
        "sparse": {1: "tensor", 2: "tensor", 3: "dims"},
        "value": {2: "type"},
        "type": {4: "element", 5: "entry", 9: "element"},
        "element": {1: "type"},
        "entry": {2: "type"},
    }
)  # fmt: skip
# Parsers merge duplicates of a single field: two harmless shapes would make a huge one.
_ONCE: Final = frozenset({("model", 7), ("attribute", 5), ("attribute", 22), ("sparse", 1), ("sparse", 2)})


def _run(tag: bytes, element: bytes) -> re.Pattern[bytes]:
    return re.compile(rb"(?:%b%b)++" % (re.escape(tag), element))


_FIXED32_ELEMENT: Final = rb"[\s\S]{4}"
_VARINT_ELEMENT: Final = rb"[\x80-\xff]{0,9}[\x00-\x7f]"
_MODE: Final = rb"(?:\x0aBRANCH_(?:LEQ|GTE|NEQ)|\x09BRANCH_(?:LT|GT|EQ)|\x04LEAF)"
# Runs of one field, each element with a separate tag: exporters write trees like this, with a million
# elements. With the bytes of an element and its tag, if all are equal.
_RUNS: Mapping[tuple[str, int], tuple[re.Pattern[bytes], int | str]] = MappingProxyType(
    {
        ("attribute", 0x3D): (_run(b"\x3d", _FIXED32_ELEMENT), 5),
        ("attribute", 0x40): (_run(b"\x40", _VARINT_ELEMENT), "varints"),
        ("attribute", 0x4A): (_run(b"\x4a", _MODE), "modes"),
        ("tensor", 0x25): (_run(b"\x25", _FIXED32_ELEMENT), 5),
        ("tensor", 0x28): (_run(b"\x28", _VARINT_ELEMENT), "varints"),
        ("tensor", 0x38): (_run(b"\x38", _VARINT_ELEMENT), "varints"),
        ("tensor", 0x51): (_run(b"\x51", rb"[\s\S]{8}"), 9),
        ("tensor", 0x58): (_run(b"\x58", _VARINT_ELEMENT), "varints"),
    }
)
_CONTINUED: Final = bytes(range(0x80, 0x100))
_EXTERNAL: Final = 1
_INT64_MAX: Final = 2**63 - 1


@dataclass(slots=True)
class Census:
    """How much a model holds.

    Attributes:
        nodes: Operators of the graph.
        elements: Numbers and texts in initializers and attributes.
        string_bytes: Of those texts.
    """

    nodes: int = 0
    elements: int = 0
    string_bytes: int = 0


@dataclass(slots=True)
class _Message:
    """A message that is being read.

    Attributes:
        kind: Which.
        end: Where it ends.
        shape_size: Of a tensor, the elements that its shape promises.
        elements: Those that it holds.
        seen: The single fields that it has had, as bits.
    """

    kind: str
    end: int
    shape_size: int = 1
    elements: int = 0
    seen: int = 0


def scan(onnx: bytes) -> Census:
    """Measures the bytes of a model.

    Raises:
        ModelError: They are not protobuf or hold no graph (NB651), are larger than a limit (NB652), name
            other files (NB653), or hold graphs inside graphs, or functions (NB654).
    """
    if not onnx:
        raise ModelError("the file is empty", "export the model again", DAMAGED)
    if len(onnx) > SIZE_BYTES_MAX:
        raise _too_large(f"the file has {len(onnx):,} bytes", SIZE_BYTES_MAX)
    return _Scan(onnx).run()


class _Scan:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        self._stack = [_Message("model", len(data))]
        self._census = Census()
        self._fields = 0
        self._has_graph = False

    def run(self) -> Census:
        while self._stack:
            message = self._stack[-1]
            if self._at >= message.end:
                self._leave(message)
            elif not self._skip_run(message):
                self._field(message)
            self._fields += 1
            if self._fields > FIELDS_MAX:
                raise _too_large("it has more fields than can be looked at", FIELDS_MAX)
        if not self._has_graph:
            raise _damaged("it holds no graph")
        return self._census

    def _leave(self, message: _Message) -> None:
        self._stack.pop()
        if message.kind in {"tensor", "sparse"}:
            self._count(max(0, message.shape_size - message.elements))

    def _skip_run(self, message: _Message) -> bool:
        """Passes over a run of elements in one step; False when none begins here."""
        run = _RUNS.get((message.kind, self._data[self._at]))
        found = run[0].match(self._data, self._at, message.end) if run is not None else None
        if run is None or found is None:
            return False
        length = found.end() - self._at
        match run[1]:
            case "varints":
                # A tag and the last byte of a number are below 0x80.
                count = len(found[0].translate(None, _CONTINUED)) // 2
            case "modes":
                # No mode has a `J`, which is what its tag reads as.
                count = found[0].count(b"J")
                self._count_text(length - 2 * count)
            case size:
                count = length // int(size)
        self._at = found.end()
        self._add(message, count)
        return True

    def _field(self, message: _Message) -> None:
        start = self._at
        tag = self._varint(message.end)
        field, wire_type = tag >> 3, tag & 7
        if not 0 < field <= _FIELD_MAX:
            raise _damaged(f"no field begins at byte {start:,}")
        meaning = _MESSAGES[message.kind].get(field, "")
        match wire_type:
            case 0:
                self._number(message, meaning, self._varint(message.end))
            case 1 | 5:
                self._advance(8 if wire_type == _FIXED64 else 4, message.end)
                self._add(message, 1 if meaning in {"fixed32", "fixed64"} else 0)
            case 2:
                length = self._varint(message.end)
                if length > message.end - self._at:
                    raise _damaged(f"it breaks off in the field at byte {start:,}")
                self._bytes(message, field, length)
            case _:
                raise _damaged(f"no field begins at byte {start:,}")

    def _number(self, message: _Message, meaning: str, value: int) -> None:
        if meaning == "location" and value == _EXTERNAL:
            raise _external()
        if meaning == "dims":
            self._dimension(message, value)
        elif meaning == "varints":
            self._add(message, 1)

    def _bytes(self, message: _Message, field: int, length: int) -> None:
        meaning = _MESSAGES[message.kind].get(field, "")
        match meaning:
            case "subgraph" | "function" | "training":
                raise _nested(meaning)
            case "external":
                raise _external()
            case "strings":
                self._count_text(length)
                self._add(message, 1)
                self._at += length
            case "dims":
                end = self._at + length
                while self._at < end:
                    self._dimension(message, self._varint(end))
            case "fixed32" | "fixed64":
                self._add(message, length // (4 if meaning == "fixed32" else 8))
                self._at += length
            case "varints":
                end = self._at + length
                self._add(message, len(self._data[self._at : end].translate(None, _CONTINUED)))
                self._at = end
            case _ if meaning in _MESSAGES:
                self._enter(message, field, meaning, length)
            case _:
                self._at += length

    def _enter(self, parent: _Message, field: int, kind: str, length: int) -> None:
        if (parent.kind, field) in _ONCE:
            if parent.seen >> field & 1:
                raise _damaged(f"a {kind} that may be given once is given twice")
            parent.seen |= 1 << field
        if len(self._stack) >= MESSAGE_DEPTH_MAX:
            raise _nested(kind)
        if kind == "node":
            self._census.nodes += 1
            if self._census.nodes > NODES_MAX:
                raise _too_large("the graph has too many operators", NODES_MAX)
        self._has_graph |= kind == "graph"
        self._stack.append(_Message(kind, self._at + length))

    def _dimension(self, message: _Message, size: int) -> None:
        if size > _INT64_MAX:
            raise _damaged("a tensor has a negative size")
        message.shape_size *= size
        # Not beyond the limit: a product of many sizes would grow without end.
        if message.shape_size > ELEMENTS_MAX:
            raise _too_large("a tensor has too many elements", ELEMENTS_MAX)

    def _add(self, message: _Message, count: int) -> None:
        message.elements += count
        self._count(count)

    def _count(self, count: int) -> None:
        self._census.elements += count
        if self._census.elements > ELEMENTS_MAX:
            raise _too_large("initializers and attributes have too many elements", ELEMENTS_MAX)

    def _count_text(self, size_bytes: int) -> None:
        self._census.string_bytes += size_bytes
        if self._census.string_bytes > STRING_BYTES_MAX:
            raise _too_large("its texts have too many bytes", STRING_BYTES_MAX)

    def _advance(self, count: int, end: int) -> None:
        if count > end - self._at:
            raise _damaged(f"it breaks off at byte {self._at:,}")
        self._at += count

    def _varint(self, end: int) -> int:
        value = 0
        for shift in range(0, 70, 7):
            if self._at >= end:
                raise _damaged(f"it breaks off at byte {self._at:,}")
            byte = self._data[self._at]
            self._at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value & (2**64 - 1)
        raise _damaged(f"there is no number at byte {self._at - 10:,}")


def _damaged(reason: str) -> ModelError:
    remedy = "give the file that skl2onnx, onnxmltools or torch.onnx wrote"
    return ModelError(f"not an ONNX model: {reason}", remedy, DAMAGED)


def _too_large(what: str, limit: int) -> ModelError:
    remedy = "train a smaller model: fewer or shallower trees seldom cost accuracy"
    return ModelError(f"{what}, at most {limit:,} are allowed", remedy, TOO_LARGE)


def _external() -> ModelError:
    remedy = "export it as a single file: onnx.save(model, path, save_as_external_data=False)"
    return ModelError("keeps its weights in another file, which is never read", remedy, EXTERNAL_DATA)


def _nested(kind: str) -> ModelError:
    whats = {
        "subgraph": "a graph inside the graph, as Loop, If and Scan have",
        "function": "local functions",
        "training": "a training graph",
    }
    what = whats.get(kind, "messages inside messages without end")
    remedies = {
        "subgraph": "export it without a loop or branch: nearest neighbours are written with Scan, and of "
        "PyTorch `torch.onnx.export(dynamo=True)` writes a flat graph",
        "function": "inline them: `onnx.inliner.inline_local_functions(model)`",
        "training": "export for inference: `model.eval()` before the export",
    }
    return ModelError(f"holds {what}", remedies.get(kind, "export it again, as one flat graph"), NESTED)
