"""CEL text -> its tokens, so that a node of the syntax tree has a position in the text.

cel-cpp reports one offset for each node: that of its operator, its bracket or its first character. Where a
node begins and ends follows from the tokens. They also give the text's *shape*: the tokens with plain
literals left out. Texts of one shape have one typed syntax tree, which is how 100,000 conditions that differ
in their numbers are type-checked a few hundred times.
"""

import re

_TOKEN = re.compile(
    r"""
    (?: [\t\n\f\r\ ] | //[^\n]* )*+
    (?:
      (?P<name> [A-Za-z_][A-Za-z0-9_]* (?! ['"A-Za-z0-9_] ) )
    | (?P<operator> && | \|\| | [=!<>]= | [-+*%!<>?:,()\[\]{}] | / | \.(?![0-9]) )
    | (?P<plain_string> "(?!"")[^"\\\r\n]*" | '(?!'')[^'\\\r\n]*' )
    | (?P<plain_double> [0-9]{1,18} \. [0-9]{1,18} (?! [0-9A-Za-z_] ) )
    | (?P<plain_int> [0-9]{1,18} (?! [0-9A-Za-z_] | \.[0-9] ) )
    | (?P<literal>
          [rRbB]{0,2} (?: \"{3}(?: [^\\] | \\. )*?\"{3} | '{3}(?: [^\\] | \\. )*?'{3}
                        | "(?: [^"\\\r\n] | \\. )*" | '(?: [^'\\\r\n] | \\. )*' )
        | 0[xX][0-9A-Fa-f]+ [uU]?
        | (?: [0-9]+ (?: \.[0-9]+ )? | \.[0-9]+ ) (?: [eE][+-]?[0-9]+ )? [uU]? )
    | (?P<other> [^\t\n\f\r\ ] )
    | \Z
    )
    """,
    re.VERBOSE | re.DOTALL,
)
_SHAPES = {"plain_string": "\1s", "plain_double": "\1d", "plain_int": "\1i"}
_BRACKETS = frozenset("()[]{}")
_CLOSING = {")": "(", "]": "[", "}": "{"}


class Tokens:
    """The tokens of one text, without space and comments.

    Attributes:
        text: The text.
        words: Each token as written.
        starts: Offset of its first character.
        shape: Equal for texts that differ in plain literals and space only. A plain literal is a string
            without escapes, or a decimal number without exponent and of at most 18 digits, which fits 64 bits
            whatever it is.
    """

    __slots__ = ("_kinds", "_matches", "shape", "starts", "text", "words")

    def __init__(self, text: str) -> None:
        """Splits a text; characters that CEL does not know become separate tokens."""
        self.text = text
        self._matches: dict[int, int] | None = None
        found = [(kind, match) for match in _TOKEN.finditer(text) if (kind := match.lastgroup) is not None]
        self._kinds = [kind for kind, _ in found]
        self.words = [match[kind] for kind, match in found]
        self.starts = [match.start(kind) for kind, match in found]
        self.shape = "".join(
            [_SHAPES.get(kind) or "\0" + word for kind, word in zip(self._kinds, self.words, strict=True)]
        )

    def __len__(self) -> int:
        return len(self.words)

    def literal(self, index: int) -> str | int | float | None:
        """The value of a plain literal, or of a minus sign and one; None if it is not plain."""
        word, kind = self.words[index], self._kinds[index]
        if kind == "plain_int":
            return int(word)
        if kind == "plain_string":
            return word[1:-1]
        if kind == "plain_double":
            return float(word)
        if word == "-" and index + 1 < len(self.words):
            value = self.literal(index + 1)
            return None if value is None or isinstance(value, str) else -value
        return None

    def is_name(self, index: int) -> bool:
        """Whether a token is an identifier or keyword."""
        return 0 <= index < len(self.words) and self._kinds[index] == "name"

    def is_value(self, index: int) -> bool:
        """Whether a token is a literal or a name, with which an operand begins or ends."""
        return 0 <= index < len(self.words) and self._kinds[index] not in ("operator", "other")

    def at(self, offset: int) -> int:
        """The token at an offset or, failing that, the last one before it; -1 when there is none."""
        low, high = 0, len(self.starts)
        while low < high:
            middle = (low + high) // 2
            if self.starts[middle] <= offset:
                low = middle + 1
            else:
                high = middle
        return low - 1

    def match(self, index: int) -> int:
        """The bracket that belongs to a bracket; the token itself where there is none."""
        if self._matches is None:
            self._matches = {}
            opened: list[int] = []
            for position, word in enumerate(self.words):
                if word in ("(", "[", "{"):
                    opened.append(position)
                elif word in _CLOSING and opened and self.words[opened[-1]] == _CLOSING[word]:
                    partner = opened.pop()
                    self._matches[partner], self._matches[position] = position, partner
        return self._matches.get(index, index)

    def balance(self, first: int, last: int) -> tuple[int, int]:
        """Widens a stretch of tokens until every bracket in it has its partner in it."""
        while True:
            low, high = first, last
            for index in range(first, last + 1):
                if self.words[index] in _BRACKETS:
                    partner = self.match(index)
                    low, high = min(low, partner), max(high, partner)
            if (low, high) == (first, last):
                return first, last
            first, last = low, high

    def stretch(self, first: int, last: int) -> tuple[int, int]:
        """Offset and length, in characters, of the tokens from `first` to `last`."""
        start = self.starts[first]
        return start, self.starts[last] + len(self.words[last]) - start
