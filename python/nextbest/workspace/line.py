"""A line of a YAML file that cannot be read -> its value as the author intended it, in quotes.

Works without libyaml, which fails on such lines; libyaml reads the proposal before it is shown.
"""

import re
from dataclasses import dataclass

from nextbest.diagnostics import Fix, Remedy
from nextbest.workspace.scalar import quote

_KEY = re.compile(r"""^(?P<lead> *(?:- +)*(?P<brace>\{ *)?[A-Za-z_][\w.-]* *: +)(?P<value>\S.*)$""")
_COMMENT = re.compile(r"""\s+\#[^"']*$""")
_NEXT_KEY = re.compile(r", *[A-Za-z_]\w* *: ")


@dataclass(frozen=True, slots=True)
class Value:
    """The value on a line.

    Attributes:
        lead: The text before it: indentation, dashes, the key.
        text: As written, without a comment after it and without quotes around it that end too early.
        length: Of the text as written, in characters.
    """

    lead: str
    text: str
    length: int

    @property
    def column(self) -> int:
        """Where it begins, from 0."""
        return len(self.lead)

    def quoted(self, file: str, line: int) -> Remedy | None:
        """The remedy that puts the value in quotes; None where no quotes work.

        Args:
            file: Of the line.
            line: From 0.
        """
        written = quote(self.text)
        if written is None:
            return None
        begin, end = self.column + 1, self.column + self.length + 1
        fix = Fix(file, line + 1, begin, line + 1, end, written)
        return Remedy(f"quote all of it: `{self.lead.replace('{', '').strip()} {{}}`", fix)


def find_value(line: str) -> Value | None:
    """Finds the value of the first key on a line; None where there is no key, or a second one."""
    found = _KEY.match(line)
    if found is None:
        return None
    value = _COMMENT.sub("", found["value"]).rstrip()
    following = _NEXT_KEY.search(value)
    if found["brace"]:
        end = following.start() if following else len(value) - 1
        if not following and not value.endswith("}"):
            return None
        value = value[:end].rstrip()
    elif following and value[:1] not in {"'", '"'}:
        return None
    text = value
    if value[0] == "[" and value[-1] == "]" and re.search(r"\b(?:when|expression) *: +$", found["lead"]):
        text = value[1:-1].strip()
    if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
        text = _inside(value) or value
    return Value(found["lead"], text, len(value)) if text else None


def _inside(value: str) -> str | None:
    """The contents of a quoted value that has the same quotes inside; None if the quotes belong to it."""
    mark, inner = value[0], value[1:-1]
    if inner.count(mark) == 1:
        return inner if re.search(rf"\w{mark}\w", inner) else None
    # `"a" == "b"` is not a quoted value, `"a == "b""` is.
    is_expression = re.search(rf"(?:[=<>(,\[|&?:!]|\bin) *{mark}", inner) and inner.count(mark) % 2 == 0
    if is_expression and not re.match(rf"[^{mark}]*{mark} *(?:==|in\b|!=|&&|\|\|)", inner):
        return inner
    return None
