"""What ONNX Runtime reports -> the sentence in it, and the operator that it is about.

Its messages begin with an error class, a source file of its build and the signature of a C++ function, and
end with the cause: an author needs the end.
"""

import re
from dataclasses import dataclass
from typing import Final

_LENGTH_MAX: Final = 1_000
"""A model may hold names of any length, and messages repeat them."""
_CLASS: Final = re.compile(r"^\s*\[ONNXRuntimeError\] : \d+ : [A-Z_]+ : ")
_LEAD: Final = re.compile(
    r"(?:Exception during initialization|Fatal error|Load model from .{0,200}? failed): ?"
)
_RUNNING: Final = re.compile(
    r"Non-zero status code returned while running (\S+) node\. Name:'(.*?)' Status Message: ", re.DOTALL
)
_NODE: Final = re.compile(r"^Node \((.*?)\) Op \((\w+)\) (?:\[\w+\] )?")
_FILE: Final = re.compile(r"(?:/\S*/)?[\w.-]+\.(?:cc|cpp|cu|h|hpp|inc):\d+ ")
_SPECIFIERS: Final = re.compile(
    r"(?:\s*(?:const|noexcept|mutable|&&?|\[with [^\]]*\]|::<lambda\([^)]*\)>))*\s*"
)
_CONDITION: Final = re.compile(r"^.{0,400}? was false\.\s*(?=\S)", re.DOTALL)
_NAMES: Final = re.compile(r"\b(?:onnxruntime|onnx|std)::[\w:<>*&~, ]*[\w>](?:\([^()]*\))?\s*")

_BARE: Final = dict.fromkeys(("stod", "stof", "stoi", "stol", "stoll"), "a text is not a number")


@dataclass(frozen=True, slots=True)
class RuntimeText:
    """A message of ONNX Runtime, read.

    Attributes:
        sentence: The cause, on one line, without details that only its developers can use.
        operator: The operator that was run; empty where none was.
        node: The name of the node, which may be empty.
    """

    sentence: str
    operator: str = ""
    node: str = ""

    @property
    def where(self) -> str:
        """The operator for a sentence: "`OneHotEncoder` (`encode_job`)"."""
        named = f" (`{self.node}`)" if self.node else ""
        return f"`{self.operator}`{named}" if self.operator else ""


def read_text(text: str) -> RuntimeText:
    """Reads a message of ONNX Runtime."""
    text = _LEAD.sub("", _CLASS.sub("", text))
    operator, node = "", ""
    running = _RUNNING.search(text)
    if running is not None:
        operator, node, text = running[1], running[2], text[running.end() :]
    else:
        about = _NODE.match(text)
        if about is not None:
            operator, node, text = about[2], about[1], text[about.end() :]
    line = _NAMES.sub("", " ".join(_without_source(text).split())).strip(" .")
    if len(line) > _LENGTH_MAX:
        line = f"{line[:_LENGTH_MAX]}..."
    return RuntimeText(_BARE.get(line, line) or "no reason is given", operator, node)


def _without_source(text: str) -> str:
    """The text without files, functions and conditions of the library's source."""
    found = _FILE.search(text)
    while found is not None:
        rest = _CONDITION.sub("", _after_function(text[found.end() :]))
        text = text[: found.start()] + rest
        found = _FILE.search(text, found.start())
    return text


def _after_function(text: str) -> str:
    """What follows the signature of a function, or its bare name."""
    opening = text.find("(")
    head = text[:opening]
    if opening < 0 or ("::" not in head and not re.fullmatch(r"[\w ~*&<>]+ [\w~]+|\w+", head)):
        return re.sub(r"^[A-Za-z_]\w* (?=[A-Z])", "", text)
    depth = 0
    for index in range(opening, len(text)):
        depth += {"(": 1, ")": -1}.get(text[index], 0)
        if depth == 0:
            end = _SPECIFIERS.match(text, index + 1)
            return text[end.end() if end is not None else index + 1 :]
    return text
