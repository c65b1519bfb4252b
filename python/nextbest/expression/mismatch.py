"""An operator and operands of types that it does not take -> a finding with both, and the remedy.

The types are spelled as cel-cpp spells them: `list(string)`, `google.protobuf.Timestamp`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from nextbest.casting import PHRASES
from nextbest.diagnostics import Remedy
from nextbest.diagnostics.remedy import Stretch
from nextbest.expression.finding import Finding, instead
from nextbest.expression.foreign.idiom import COMPARISONS, bracketed, excerpt, left_operand, right_operand
from nextbest.expression.foreign.literals import DATE_HELP
from nextbest.expression.foreign.spans import HELP
from nextbest.expression.operand_remedies import (
    DURATION,
    TIMESTAMP,
    constant_help,
    function_help,
    operator_help,
    split_at_commas,
    text_help,
)
from nextbest.expression.schema import ROOT_NAMES
from nextbest.expression.tokens import Tokens

_TYPE_WORDS = {
    **PHRASES,
    "list<double>": "a list of numbers",
    "uint": "an unsigned number",
    "bytes": "bytes",
    "null_type": "null",
    "customer": "all of `customer`",
    "context": "all of `context`",
    "action": "all of `action`",
}
_LOGIC = ("_&&_", "_||_", "!_")
_SIGNS = {"@in": "in", "_[_]": "[ ]", "_?_:_": "? :", "!_": "!", "-_": "-"}
_CONSTANT = re.compile(r"""-?[0-9.]+(e[+-]?\d+)?u?|'[^']*'|"[^"]*"|true|false""")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")


def words_for(type_: str) -> str:
    """A type in a sentence: "a whole number". Takes `list<int>` as well as `list(int)`."""
    plain = type_.replace("(", "<").replace(")", ">").removeprefix("google.protobuf.").lower()
    other = (
        "an object" if plain.startswith("map<") else "a type" if plain.startswith("type<") else f"a {plain}"
    )
    return _TYPE_WORDS.get(plain, other)


def sign_of(function: str) -> str:
    """An operator in its written form: `>` for `_>_`."""
    return _SIGNS.get(function, function.strip("_"))


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A call and operands that it does not take.

    Attributes:
        function: As cel-cpp calls it: `_>_`, `startsWith`.
        types: Of the operands.
        stretches: The positions of the operands.
        name: The token of the function's name; of an operator, that of its sign or bracket.
        tokens: The text.
    """

    function: str
    types: Sequence[str]
    stretches: Sequence[Stretch]
    name: int
    tokens: Tokens

    @property
    def texts(self) -> list[str]:
        """The operands as written."""
        return [self.tokens.text[start : start + length] for start, length in self.stretches]

    @property
    def all(self) -> Stretch:
        """From the first operand to the last."""
        start = min(begin for begin, _ in self.stretches)
        return start, max(begin + length for begin, length in self.stretches) - start

    @property
    def call(self) -> Stretch:
        """From the first operand to the bracket that ends the call."""
        start = min(begin for begin, _ in self.stretches)
        closing = self.tokens.match(self.name + 1)
        return start, self.tokens.starts[closing] + 1 - start

    def bracketed(self, text: str) -> str:
        """A text that takes the place of the call, in brackets where it needs them."""
        closing = self.tokens.match(self.name + 1)
        return bracketed(text, self.tokens.at(self.call[0]) - 1, closing + 1, self.tokens)


def explain_mismatch(mismatch: Mismatch) -> Finding:  # noqa: PLR0911 - one line for each kind
    """Words the mismatch."""
    function, types, texts, stretches = mismatch.function, mismatch.types, mismatch.texts, mismatch.stretches
    if function == "_?_:_":
        return _choice(types, texts, stretches)
    if function in _LOGIC:
        return _not_bool(mismatch)
    if "null_type" in types and len(types) == 2:
        return _null(mismatch)
    if function == "_[_]":
        return _indexed(mismatch)
    if function == "_%_":
        return _remainder(mismatch)
    if function.strip("_-!@") == function:
        return _called(mismatch)
    if len(types) == 2:
        return _membership(mismatch) if function == "@in" else _pair(mismatch)
    message = f"`{sign_of(function)}` does not accept {words_for(types[0])}"
    return Finding("NB405", message, mismatch.all, "use it with numbers")


def _null(mismatch: Mismatch) -> Finding:
    null = mismatch.types.index("null_type")
    other = mismatch.texts[1 - null]
    presence = f"{'!' if mismatch.function == '_==_' else ''}has({other})"
    help_: str = f"test for presence: `{presence}`"
    if re.fullmatch(r"\w+\.\w+", other) and mismatch.function in ("_==_", "_!=_"):
        help_ = instead("test for presence: `{}`", presence, mismatch.all)
    return Finding("NB407", "`null` is not a value here", mismatch.stretches[null], help_)


def _indexed(mismatch: Mismatch) -> Finding:
    types, texts = mismatch.types, mismatch.texts
    quoted = re.fullmatch(r"""(["'])([A-Za-z_]\w*)\1""", texts[1])
    if types[0].lower() in ROOT_NAMES and quoted is not None:
        start, length = mismatch.all
        closing = mismatch.tokens.at(start + length - 1) + 1
        whole = (start, mismatch.tokens.starts[closing] + 1 - start)
        message = f"an attribute is written after a dot, not in brackets: `[{texts[1]}]`"
        help_ = instead("write `{}`", f"{texts[0]}.{quoted[2]}", whole)
        return Finding("NB405", message, mismatch.stretches[1], help_, f"write `{texts[0]}.{quoted[2]}`")
    message = f"`[ ]` does not accept {words_for(types[0])} and {words_for(types[1])}"
    return Finding("NB405", message, mismatch.all, "test for an element of a list with `in`")


def _remainder(mismatch: Mismatch) -> Finding:
    """`%`, which accepts whole numbers only."""
    types, texts = mismatch.types, mismatch.texts
    wrong = next(place for place, type_ in enumerate(types) if type_ != "int")
    message = f"`%` is for whole numbers, `{texts[wrong]}` is {words_for(types[wrong])}"
    help_ = "use it with whole numbers"
    if types[wrong] == "double":
        help_ = f"declare the attribute as int, or leave out the decimals: `int({texts[wrong]})`"
        if re.fullmatch(r"\d+\.0+", texts[wrong]):
            help_ = f"write {texts[wrong].split('.')[0]}"
    return Finding("NB405", message, mismatch.stretches[wrong], help_)


def _called(mismatch: Mismatch) -> Finding:
    function, types, texts = mismatch.function, mismatch.types, mismatch.texts
    described = " and ".join(f"`{text}` is {words_for(t)}" for text, t in zip(texts, types, strict=True))
    message = f"`{function}()` does not accept this: {described or 'nothing is given'}"
    name = mismatch.tokens.stretch(mismatch.name, mismatch.name)
    help_ = function_help(function, types)
    if function == "contains" and len(types) == 2 and types[0].startswith("list("):
        element = instead(
            "test whether it is in the list: `{}`",
            mismatch.bracketed(f"{texts[1]} in {texts[0]}"),
            mismatch.call,
        )
        return Finding("NB405", message, name, element, help_)
    return Finding("NB405", message, name, help_)


def _not_bool(mismatch: Mismatch) -> Finding:
    wrong = next(place for place, type_ in enumerate(mismatch.types) if type_ != "bool")
    type_, text, stretch = mismatch.types[wrong], mismatch.texts[wrong], mismatch.stretches[wrong]
    message = f"`{text}` is {words_for(type_)}, not true or false"
    help_ = _comparison_help(type_, text)
    meant = _negated_comparison(mismatch) if mismatch.function == "!_" else _alternatives(mismatch, wrong)
    return Finding("NB405", message, stretch, meant or help_, help_)


def _comparison_help(type_: str, text: str) -> str:
    if _CONSTANT.fullmatch(text):
        return f"compare an attribute with it: `customer.attribute == {text}`"
    if type_ in ("int", "double"):
        return f"compare it: `{text} > 0`"
    if type_ == "string":
        return f'compare it: `{text} == "..."`'
    if type_.startswith("list("):
        return f'test for an element: `"..." in {text}`, or `size({text}) > 0`'
    return "compare it with something"


def _negated_comparison(mismatch: Mismatch) -> Remedy | None:
    """`!a == b` -> `!(a == b)`: `!` binds to `a` alone."""
    tokens, (start, length) = mismatch.tokens, mismatch.stretches[0]
    sign = tokens.at(start + length - 1) + 1
    if sign >= len(tokens) or tokens.words[sign] not in (*COMPARISONS, "in"):
        return None
    end = right_operand(sign, tokens)
    if end == sign:
        return None
    _, covered = tokens.stretch(tokens.at(start), end)
    comparison = tokens.text[start : start + covered]
    return instead(
        ("`!` applies only to the operand after it: write `{}`"), f"({comparison})", (start, covered)
    )


def _alternatives(mismatch: Mismatch, wrong: int) -> Remedy | None:
    """`a == "x" || "y"` -> `a in ["x", "y"]`."""
    other, value = mismatch.texts[1 - wrong], mismatch.texts[wrong]
    equal = "==" if mismatch.function == "_||_" else "!="
    if not _CONSTANT.fullmatch(value):
        return None
    words = "list the values: `{}`"
    if _CONSTANT.fullmatch(other):
        return _compared_alternatives(mismatch, words)
    if wrong != 1:
        return None
    found = re.fullmatch(rf"(\w+\.\w+) *{equal} *({_CONSTANT.pattern})", other)
    if found is not None:
        text = f"{found[1]} in [{found[2]}, {value}]"
        return instead(words, text if equal == "==" else f"!({text})", mismatch.all)
    listed = re.fullmatch(r"(\w+\.\w+ in \[[^\]]*)\]", other)
    if listed is not None and equal == "==":
        return instead(words, f"{listed[1]}, {value}]", mismatch.all)
    return None


def _compared_alternatives(mismatch: Mismatch, words: str) -> Remedy | None:
    """`a == ("x" || "y")` -> `a in ["x", "y"]`."""
    tokens, (start, length) = mismatch.tokens, mismatch.all
    opening, closing = tokens.at(start) - 1, tokens.at(start + length - 1) + 1
    is_bracketed = opening > 1 and tokens.words[opening] == "(" and tokens.match(opening) == closing
    if not is_bracketed or tokens.words[opening - 1] != "==" or mismatch.function != "_||_":
        return None
    left = left_operand(opening - 1, tokens)
    stretch = tokens.stretch(left, closing)
    operand = excerpt(left, opening - 2, tokens)
    return instead(words, f"{operand} in [{', '.join(mismatch.texts)}]", stretch)


def _choice(types: Sequence[str], texts: Sequence[str], stretches: Sequence[Stretch]) -> Finding:
    if types[0] != "bool":
        message = f"`{texts[0]}` is {words_for(types[0])}, not true or false"
        return Finding("NB405", message, stretches[0], _comparison_help(types[0], texts[0]))
    message = f"`{texts[1]}` is {words_for(types[1])}, `{texts[2]}` is {words_for(types[2])}"
    help_ = "give both results the same type"
    if set(types[1:]) == {"int", "double"}:
        help_ += ": write 1.0 for 1"
    return Finding("NB405", message, _join(stretches[1:]), help_)


def _membership(mismatch: Mismatch) -> Finding:
    (left, right), texts = mismatch.types, mismatch.texts
    if right.startswith("list("):
        return _listed(mismatch)
    message = f"`{texts[1]}` is {words_for(right)}, not a list"
    values = split_at_commas(texts[1], left) if _CONSTANT.fullmatch(texts[1]) else f"[{texts[1]}]"
    help_: str = "write a list in square brackets"
    if values:
        help_ = instead("write a list in square brackets: `{}`", values, _in_brackets(mismatch, 1))
    if left == right == "string" and not _CONSTANT.fullmatch(texts[1]):
        help_ = instead("write `{}`", f"{texts[1]}.contains({texts[0]})", mismatch.all)
    return Finding("NB405", message, mismatch.stretches[1], help_, "write a list in square brackets")


def _listed(mismatch: Mismatch) -> Finding:
    """A list of values of another type."""
    (left, right), texts = mismatch.types, mismatch.texts
    place = mismatch.stretches[1] if texts[1].startswith("[") else mismatch.all
    items = re.fullmatch(r"\[([^\[\]]*)\]", texts[1])
    help_, values = "give the list values of the same type", ""
    if left.startswith("list("):
        help_ = f"test one value: `value in ...`, or each: `list.exists(item, item in {texts[1]})`"
        if re.fullmatch(r"\w+\.\w+", texts[0]):
            each = f"{texts[0]}.exists(item, item in {texts[1]})"
            remedy = instead("test each: `{}`", each, mismatch.all)
            return Finding("NB405", _both(mismatch), place, remedy, help_)
    elif left == "string":
        help_ = "put each value of the list in quotes"
        values = re.sub(r"-?\d+(\.\d+)?", r'"\g<0>"', items[1]) if items and "string" not in right else ""
    elif left in ("int", "double") and right == "list(string)":
        help_ = "write the values of the list without quotes"
        values = re.sub(r"""["'](-?\d+(\.\d+)?)["']""", r"\1", items[1]) if items else ""
    if values:
        remedy = instead(help_ + ": `{}`", f"[{values}]", place)
        return Finding("NB405", _both(mismatch), place, remedy, help_)
    return Finding("NB405", _both(mismatch), place, help_)


def _in_brackets(mismatch: Mismatch, operand: int) -> Stretch:
    """An operand with the round brackets right around it."""
    tokens, (start, length) = mismatch.tokens, mismatch.stretches[operand]
    first, last = tokens.at(start) - 1, tokens.at(start + length - 1) + 1
    if first >= 0 and tokens.words[first] == "(" and tokens.match(first) == last:
        return tokens.stretch(first, last)
    return start, length


def _pair(mismatch: Mismatch) -> Finding:
    types, texts, stretches = mismatch.types, mismatch.texts, mismatch.stretches
    sign = sign_of(mismatch.function)
    if types[0] == "bool" and sign in ("<", "<=", ">", ">=") and re.search("[<>=]", texts[0]):
        return _chained(mismatch, sign)
    if types[0] == types[1]:
        message = f"`{sign}` does not accept {words_for(types[0])}"
        return Finding("NB405", message, mismatch.all, operator_help(sign, types[0]))
    for place, text in enumerate(texts):
        if types[1 - place] == TIMESTAMP and _DATE.fullmatch(text):
            message = f"`{text}` is a subtraction, not a date"
            remedy = constant_help(text, TIMESTAMP, texts[1 - place], sign)
            return Finding("NB405", message, stretches[place], remedy, DATE_HELP)
    clock = _clock(mismatch, sign)
    if clock is not None:
        return clock
    constants = [_CONSTANT.fullmatch(text) is not None for text in texts]
    if constants.count(True) == 1:
        culprit = constants.index(True)
        wanted = DURATION if sign in "+-" and types[1 - culprit] == TIMESTAMP else types[1 - culprit]
        help_ = constant_help(texts[culprit], wanted, texts[1 - culprit], sign)
        plain = {TIMESTAMP: DATE_HELP, DURATION: HELP}.get(wanted, "compare values of one type")
        if isinstance(help_, Remedy) and types[1 - culprit].startswith("list("):
            help_ = instead(help_.words, str(help_.change), mismatch.all)
        return Finding("NB405", _both(mismatch), stretches[culprit], help_, plain)
    return Finding("NB405", _both(mismatch), mismatch.all, _conversion_help(mismatch))


def _clock(mismatch: Mismatch, sign: str) -> Finding | None:
    """`now > "09:00"` -> `now.getHours() >= 9`: the minutes of the day where the hour is not a full one."""
    if TIMESTAMP not in mismatch.types:
        return None
    place = mismatch.types.index(TIMESTAMP)
    operand, written = mismatch.texts[place], mismatch.texts[1 - place]
    found = re.fullmatch(r"""(["'])([01]?\d|2[0-3]):([0-5]\d)\1""", written)
    if found is None or sign not in COMPARISONS:
        return None
    plain = "compare the hour: `now.getHours() >= 9`"
    marked = mismatch.stretches[1 - place]
    if sign not in ("<", "<=", ">", ">="):
        return Finding("NB405", _both(mismatch), marked, plain)
    if re.search("[^\\w.]", operand):
        operand = f"({operand})"
    hours, minutes = int(found[2]), int(found[3])
    side = ">=" if (sign[0] == ">") == (place == 0) else "<"
    text = f"{operand}.getHours() {side} {hours}"
    if minutes:
        text = f"{operand}.getHours() * 60 + {operand}.getMinutes() {side} {hours * 60 + minutes}"
    remedy = instead("compare the time of day: `{}`", text, mismatch.all)
    return Finding("NB405", _both(mismatch), marked, remedy, plain)


def _chained(mismatch: Mismatch, sign: str) -> Finding:
    """`18 <= a <= 65` -> `18 <= a && a <= 65`."""
    (first, last), help_ = mismatch.texts, "write two comparisons, joined with `&&`"
    found = re.fullmatch(r"([^<>=&|]+?) *(<=|>=|<|>) *([^<>=&|]+)", first)
    if found is None:
        return Finding("NB405", "comparisons cannot be chained", mismatch.all, help_)
    # Of `a > 0.3 < 0.7`, `a` is what both bounds are for.
    bounds = [_CONSTANT.fullmatch(text) is not None for text in (found[1], found[3], last)]
    middle = found[1] if bounds == [False, True, True] else found[3]
    text = f"{found[1]} {found[2]} {found[3]} && {middle} {sign} {last}"
    remedy = instead("write two comparisons: `{}`", text, mismatch.all)
    return Finding("NB405", "comparisons cannot be chained", mismatch.all, remedy, help_)


def _both(mismatch: Mismatch) -> str:
    return " , ".join(
        f"`{text}` is {words_for(type_)}" for text, type_ in zip(mismatch.texts, mismatch.types, strict=True)
    ).replace(" , ", ", ")


def _conversion_help(mismatch: Mismatch) -> str:
    types, texts = mismatch.types, mismatch.texts
    kinds = set(types)
    if "string" in kinds and kinds & {"int", "double"}:
        text = types.index("string")
        return text_help(texts[text], types[1 - text])
    if kinds == {TIMESTAMP, DURATION}:
        return "compare a timestamp with a timestamp: `now - duration`"
    if any(type_.startswith("list(") for type_ in kinds):
        return "test for an element with `in`, or for the number of elements with `size()`"
    return "compare values of one type"


def _join(stretches: Sequence[Stretch]) -> Stretch:
    start = min(begin for begin, _ in stretches)
    return start, max(begin + length for begin, length in stretches) - start
