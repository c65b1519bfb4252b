"""An operator and operands of types that it does not take -> a finding that says which, and what to write.

The types are spelled as cel-cpp spells them: `list(string)`, `google.protobuf.Timestamp`.
"""

import re
from collections.abc import Sequence

from nextbest.expression.finding import Finding, Stretch

TIMESTAMP, DURATION = "google.protobuf.Timestamp", "google.protobuf.Duration"

_TYPE_WORDS = {
    "bool": "true or false",
    "int": "a whole number",
    "double": "a number",
    "string": "text",
    "timestamp": "a timestamp",
    "duration": "a duration",
    "list(string)": "a list of texts",
    "list(int)": "a list of whole numbers",
    "list(double)": "a list of numbers",
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
_TEXT_FUNCTIONS = ("contains", "startsWith", "endsWith", "matches")


def words_for(type_: str) -> str:
    """A type in a sentence: "a whole number". Takes `list<int>` as well as `list(int)`."""
    plain = type_.replace("<", "(").replace(">", ")").removeprefix("google.protobuf.").lower()
    other = (
        "an object" if plain.startswith("map(") else "a type" if plain.startswith("type(") else f"a {plain}"
    )
    return _TYPE_WORDS.get(plain, other)


def sign_of(function: str) -> str:
    """An operator as it is written: `>` for `_>_`."""
    return _SIGNS.get(function, function.strip("_"))


def explain_mismatch(
    function: str, types: Sequence[str], texts: Sequence[str], stretches: Sequence[Stretch], name: Stretch
) -> Finding:
    """Words what does not fit.

    Args:
        function: As cel-cpp calls it: `_>_`, `startsWith`.
        types: Of the operands.
        texts: The operands as written.
        stretches: Where they stand.
        name: Where the function's name stands.
    """
    if function == "_?_:_":
        return _choice(types, texts, stretches)
    if function in _LOGIC:
        wrong = next(place for place, type_ in enumerate(types) if type_ != "bool")
        return _not_bool(types[wrong], texts[wrong], stretches[wrong])
    if "null_type" in types and len(types) == 2:
        null = types.index("null_type")
        presence = f"{'!' if function == '_==_' else ''}has({texts[1 - null]})"
        return Finding(
            "NB407", "`null` is not a value here", stretches[null], f"ask for presence: `{presence}`"
        )
    if function.strip("_-!@") == function:
        described = " and ".join(f"`{text}` is {words_for(t)}" for text, t in zip(texts, types, strict=True))
        message = f"`{function}()` does not take this: {described or 'nothing is given'}"
        return Finding("NB405", message, name, _function_help(function, types))
    if len(types) == 2:
        pair = _membership(types, texts, stretches) if function == "@in" else None
        return pair or _pair(sign_of(function), types, texts, stretches)
    message = f"`{sign_of(function)}` does not go with {words_for(types[0])}"
    return Finding("NB405", message, _join(stretches), "use it with numbers")


def _not_bool(type_: str, text: str, stretch: Stretch) -> Finding:
    help_ = "compare it with something"
    if type_ in ("int", "double"):
        help_ = f"compare it: `{text} > 0`"
    elif type_ == "string":
        help_ = f'compare it: `{text} == "..."`'
    elif type_.startswith("list("):
        help_ = f'ask for an element: `"..." in {text}`, or `size({text}) > 0`'
    return Finding("NB405", f"`{text}` is {words_for(type_)}, not true or false", stretch, help_)


def _choice(types: Sequence[str], texts: Sequence[str], stretches: Sequence[Stretch]) -> Finding:
    if types[0] != "bool":
        return _not_bool(types[0], texts[0], stretches[0])
    message = f"`{texts[1]}` is {words_for(types[1])}, `{texts[2]}` is {words_for(types[2])}"
    help_ = "give both results the same type"
    if set(types[1:]) == {"int", "double"}:
        help_ += ": write 1.0 for 1"
    return Finding("NB405", message, _join(stretches[1:]), help_)


def _membership(types: Sequence[str], texts: Sequence[str], stretches: Sequence[Stretch]) -> Finding:
    left, right = types
    if not right.startswith("list("):
        help_ = f"a list stands in brackets: `{texts[0]} in [{texts[1]}]`"
        if left == right == "string" and not _CONSTANT.fullmatch(texts[1]):
            help_ = f"write `{texts[1]}.contains({texts[0]})`"
        return Finding("NB405", f"`{texts[1]}` is {words_for(right)}, not a list", stretches[1], help_)
    help_ = "give the list values of the same type"
    if left == "string":
        help_ = "put each value of the list in quotes"
    elif left in ("int", "double") and right == "list(string)":
        help_ = "write the values of the list without quotes"
    elif left.startswith("list("):
        help_ = f"ask for one value: `value in ...`, or each: `list.exists(item, item in {texts[1]})`"
    place = stretches[1] if texts[1].startswith("[") else _join(stretches)
    return Finding("NB405", _both(types, texts), place, help_)


def _pair(sign: str, types: Sequence[str], texts: Sequence[str], stretches: Sequence[Stretch]) -> Finding:
    if types[0] == "bool" and sign in ("<", "<=", ">", ">=") and re.search("[<>=]", texts[0]):
        help_ = "write two comparisons, joined with `&&`"
        return Finding("NB405", "comparisons cannot be chained", _join(stretches), help_)
    if types[0] == types[1]:
        message = f"`{sign}` does not go with {words_for(types[0])}"
        return Finding("NB405", message, _join(stretches), _operator_help(sign, types[0]))
    constants = [_CONSTANT.fullmatch(text) is not None for text in texts]
    if constants.count(True) == 1:
        culprit = constants.index(True)
        help_ = _constant_help(texts[culprit], types[1 - culprit], texts[1 - culprit])
        return Finding("NB405", _both(types, texts), stretches[culprit], help_)
    return Finding("NB405", _both(types, texts), _join(stretches), _conversion_help(types, texts))


def _both(types: Sequence[str], texts: Sequence[str]) -> str:
    return f"`{texts[0]}` is {words_for(types[0])}, `{texts[1]}` is {words_for(types[1])}"


def _constant_help(text: str, wanted: str, other: str) -> str:
    inner = text[1:-1] if text[:1] in "'\"" else text
    is_quoted = inner != text
    help_ = "compare values of one type"
    match wanted:
        case "int" | "double" if text.endswith("u"):
            help_ = "leave out the `u`"
        case "int" | "double" if is_quoted:
            is_number = re.fullmatch(r"-?\d+(\.\d+)?", inner)
            help_ = f"write {inner}" if is_number else "write a number, without quotes"
        case "string" if not is_quoted:
            help_ = f'write "{inner}"'
        case "bool" if inner.lower() in ("true", "false"):
            help_ = f"write {inner.lower()}"
        case "bool":
            help_ = "compare with true or false, or leave the comparison out"
        case "google.protobuf.Timestamp":
            help_ = f"write {_timestamp(inner)}"
        case "google.protobuf.Duration":
            spelled = inner if re.fullmatch(r"(\d+[hms])+", inner) else "24h"
            help_ = f'write a duration: `duration("{spelled}")`'
        case _ if wanted.startswith("list("):
            help_ = f"ask for an element: `{text} in {other}`"
    return help_


def _timestamp(text: str) -> str:
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        return f'timestamp("{text}T00:00:00Z")'
    if re.match(r"\d{4}-\d\d-\d\d[Tt]", text):
        return f'timestamp("{text}")'
    return 'a timestamp: `timestamp("2026-01-31T09:00:00Z")`'


def _conversion_help(types: Sequence[str], texts: Sequence[str]) -> str:
    kinds = set(types)
    if "string" in kinds and kinds & {"int", "double"}:
        text = types.index("string")
        conversion = "int" if types[1 - text] == "int" else "double"
        return f"convert one of them: `{conversion}({texts[text]})`"
    if kinds == {TIMESTAMP, DURATION}:
        return "compare a timestamp with a timestamp: `now - duration`"
    if any(type_.startswith("list(") for type_ in kinds):
        return "ask for an element with `in`, or for the number of elements with `size()`"
    return "compare values of one type"


def _operator_help(sign: str, type_: str) -> str:
    if type_ == "bool":
        return "combine them with `&&`, `||` and `!`"
    if type_ == "bytes":
        return "leave out the `b` before the quotes"
    if sign in ("==", "!="):
        return "compare an attribute with a value: `customer.attribute == ...`"
    if type_.startswith("list("):
        return "ask for an element with `in`, or for the number of elements with `size()`"
    if sign == "+" and type_ == TIMESTAMP:
        return "add a duration to a timestamp"
    return f"`{sign}` is for numbers"


def _function_help(function: str, types: Sequence[str]) -> str:
    if function == "contains" and types[0].startswith("list("):
        return "ask whether it is in the list: `value in list`"
    if function in _TEXT_FUNCTIONS:
        return f'`{function}()` is for text: `text.{function}("...")`'
    if function == "size":
        return "`size()` is for text and lists"
    if function.startswith("get"):
        return f'`{function}()` is for timestamps: `now.{function}()` or `now.{function}("Europe/Berlin")`'
    return "convert the value first"


def _join(stretches: Sequence[Stretch]) -> Stretch:
    start = min(begin for begin, _ in stretches)
    return start, max(begin + length for begin, length in stretches) - start
