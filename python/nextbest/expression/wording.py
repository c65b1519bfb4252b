"""cel-cpp's messages about a text -> findings in the words of an author of rules, with a remedy."""

import re
from collections.abc import Iterator

from nextbest.diagnostics import Remedy
from nextbest.diagnostics.remedy import Stretch
from nextbest.diagnostics.suggestion import did_you_mean, nearest, suggest
from nextbest.expression.build import FUNCTION_NAMES, MACRO_NAMES, OPERATION_OF
from nextbest.expression.environment import FORMULA_INPUTS, CheckError, Environment
from nextbest.expression.finding import Finding, instead, whole
from nextbest.expression.foreign import find_call, find_member
from nextbest.expression.foreign.calls import NOW
from nextbest.expression.foreign.idiom import arguments
from nextbest.expression.mismatch import Mismatch, explain_mismatch, sign_of, words_for
from nextbest.expression.operands import Operands
from nextbest.expression.reference import suggest_reference
from nextbest.expression.schema import ROOT_NAMES, Schema
from nextbest.expression.syntax_error import explain_syntax_error
from nextbest.expression.tokens import Tokens

_UNPARSED = ("Syntax error", "reserved identifier")
_REPORT = re.compile(r"ERROR: <input>:(-?\d+):(-?\d+): (.*)")
_NO_OVERLOAD = re.compile(r"found no matching overload for '(.*)' applied to '\((.*)\)'")
_UNDECLARED = re.compile(r"undeclared reference to '(.*)' \(in container")
_NO_FIELD = re.compile(r"undefined field '(.*)' not found in struct '(.*)'")
_NO_OPERAND = re.compile(r"expression of type '(.*)' cannot be the operand of a select operation")
_NO_RANGE = re.compile(r"expression of type '(.*)' cannot be the range of a comprehension")
_MESSAGE_TYPE = re.compile(r"type\((Customer|Context|Action)\)")
_WITHDRAWN = ("type", "dyn", "bytes", "uint")
_CASE_CHANGES = ("lower", "upper", "lowerAscii", "upperAscii", "toLowerCase", "toUpperCase")
_FOREIGN_NAMES = {
    "true": "true", "false": "false", "yes": "true", "no": "false", "on": "true", "off": "false",
    "null": "null", "none": "null", "nil": "null", "undefined": "null", "today": "now", "current_date": "now",
    "current_timestamp": "now", "sysdate": "now",
}  # fmt: skip
_USAGE = {
    "has": "write `has(customer.attribute)`",
    "all": "write `list.all(item, item == ...)`",
    "exists": "write `list.exists(item, item == ...)`",
    "exists_one": "write `list.exists_one(item, item == ...)`",
    "filter": "write `list.filter(item, item == ...)`",
    "map": "write `list.map(item, ...)`",
    "contains": 'write `text.contains("...")`; for a list, `"..." in list`',
    "startsWith": 'write `text.startsWith("...")`',
    "endsWith": 'write `text.endsWith("...")`',
    "matches": 'write `text.matches("...")`',
}


class Reworder:
    """Rewords cel-cpp's findings about the texts of one environment."""

    def __init__(self, schema: Schema, environment: Environment, *, formula: bool = False) -> None:
        """Takes the known names; a formula names its inputs instead."""
        self._schema = schema
        self._environment = environment
        self._formula = formula

    def reword(self, report: str, tokens: Tokens) -> list[Finding]:
        """Turns the messages about a text into findings; at least one."""
        reports = list(_reports(report, tokens.text))
        if (
            "recursion" in report
            or any(message.startswith(_UNPARSED) for _, message in reports)
            or not reports
        ):
            return [explain_syntax_error(reports, report, tokens)]
        operands = self._operands(tokens)
        findings = [self._finding(offset, message, tokens, operands) for offset, message in reports]
        found = list(dict.fromkeys(finding for finding in findings if finding is not None))
        return found or [_unread(*reports[0], tokens)]

    def _operands(self, tokens: Tokens) -> Operands | None:
        try:
            return Operands(self._environment.parse(tokens.text), tokens)
        except CheckError:
            return None

    def _finding(
        self, offset: int, message: str, tokens: Tokens, operands: Operands | None
    ) -> Finding | None:
        if "'*error*'" in message or "(*error*" in message or ", *error*" in message:
            # It is a consequence of another finding.
            return None
        if found := _NO_FIELD.match(message):
            return self._unknown_attribute(offset, found[1], found[2], tokens)
        if found := _UNDECLARED.match(message):
            return self._unknown_name(offset, found[1], tokens)
        if found := _NO_OVERLOAD.match(message):
            return _no_overload(offset, found[1], _split(found[2]), tokens, operands)
        if found := _NO_OPERAND.match(message):
            return _no_attributes(offset, found[1], tokens)
        return _misuse(offset, message, tokens) or _unread(offset, message, tokens)

    def _unknown_attribute(self, offset: int, name: str, message_type: str, tokens: Tokens) -> Finding:
        root = message_type.lower()
        token = max(tokens.at(offset), 0)
        place = next((i for i in range(token, len(tokens)) if tokens.words[i] == name), token)
        help_ = (
            suggest_reference(f"{root}.{name}", self._schema) or f"declare it in schema.yaml, under `{root}`"
        )
        if isinstance(help_, Remedy) and isinstance(help_.change, str) and place > 1:
            help_ = instead(help_.words, help_.change, tokens.stretch(place - 2, place))
        message = f"there is no attribute `{root}.{name}`"
        return Finding("NB402", message, tokens.stretch(place, place), help_)

    def _unknown_name(self, offset: int, name: str, tokens: Tokens) -> Finding | None:
        token = max(tokens.at(offset), 0)
        if tokens.words[token] == "(":
            return _unknown_function(name, token, tokens)
        if _is_element(token, tokens):
            # An unknown macro has a finding itself.
            return None
        word = _FOREIGN_NAMES.get(tokens.words[token].lower())
        if word is not None and not self._formula:
            message = f"there is no `{tokens.words[token]}`"
            here = tokens.stretch(token, token)
            words = f"{NOW}: write `{{}}`" if word == "now" else "write `{}`"
            return Finding("NB403", message, here, instead(words, word, here), f"write `{word}`")
        stretch = _chain(token, tokens)
        written = _excerpt(stretch, tokens)
        if written == "math" and tokens.words[token + 1 : token + 2] == ["."]:
            # An unknown function after the dot has a finding itself.
            return None
        help_ = self._formula_help(written) if self._formula else self._name_help(written)
        return Finding("NB403", f"there is no `{written}`", stretch, help_)

    def _formula_help(self, written: str) -> str:
        return suggest(written, FORMULA_INPUTS, otherwise=f"a formula has {', '.join(FORMULA_INPUTS)}")

    def _name_help(self, written: str) -> str:
        if "." in written:
            otherwise = "attributes begin with `customer.`, `context.` or `action.`"
            return suggest_reference(written, self._schema) or otherwise
        root = nearest(written, [*ROOT_NAMES, "now"])
        help_ = did_you_mean(root) if root is not None else suggest_reference(written, self._schema)
        if any(attribute.name == written for attribute in self._schema) or root is not None:
            return help_
        if not help_:
            return Remedy("text is written in quotes: `{}`", f'"{written}"')
        return f'{help_} text is written in quotes: `"{written}"`'


def _is_element(token: int, tokens: Tokens) -> bool:
    """Whether a name is that of an element in a macro of another language: `list.any(p, p == ...)`."""
    words = tokens.words
    return any(
        words[place] == "("
        and tokens.match(place) > token
        and words[place + 1 : place + 3] == [words[token], ","]
        and words[place - 2] == "."
        and words[place - 1] not in MACRO_NAMES
        for place in range(2, token)
    )


def _unknown_function(name: str, token: int, tokens: Tokens) -> Finding:
    stretch = tokens.stretch(max(token - 1, 0), max(token - 1, 0))
    if name in _WITHDRAWN:
        return Finding(
            "NB407", f"`{name}()` is not supported", stretch, "attributes have the types of the schema"
        )
    idiom = find_call(name, token, tokens)
    if idiom is not None:
        return idiom.finding("NB404")
    if name in (*MACRO_NAMES, *FUNCTION_NAMES):
        help_ = _USAGE.get(name, f"write `value.{name}()`")
        asked = arguments(token, tokens) or [""]
        if name == "exists" and len(asked) == 1 and re.fullmatch(r"\w+\.\w+", asked[0]):
            call = tokens.stretch(token - 1, tokens.match(token))
            help_ = instead("test for presence: `{}`", f"has({asked[0]})", call)
        return Finding("NB414", f"`{name}` is not used like this", stretch, help_)
    known = [*FUNCTION_NAMES, *MACRO_NAMES]
    help_ = suggest(name, known, otherwise=f"functions are {', '.join(FUNCTION_NAMES[:6])}, ...")
    if name in _CASE_CHANGES:
        help_ = 'ignore case with a pattern: `matches("(?i)^text$")`'
    return Finding("NB404", f"there is no function `{name}`", stretch, help_)


def _no_overload(
    offset: int, function: str, types: list[str], tokens: Tokens, operands: Operands | None
) -> Finding:
    token = max(tokens.at(offset), 0)
    stretches = operands.at(token) if operands else []
    if len(stretches) == len(types) and function in OPERATION_OF:
        name = max(token - 1, 0) if tokens.words[token] == "(" else token
        return explain_mismatch(Mismatch(function, types, stretches, name, tokens))
    described = " and ".join(words_for(type_) for type_ in types)
    message = f"`{sign_of(function)}` does not accept {described}"
    return Finding("NB405", message, _around(offset, tokens), "compare values of one type")


def _no_attributes(offset: int, type_: str, tokens: Tokens) -> Finding:
    token = max(tokens.at(offset), 0)
    capital = _MESSAGE_TYPE.match(type_)
    if capital is not None:
        place = max(token - 1, 0)
        help_ = f"write `{capital[1].lower()}`, in small letters"
        return Finding("NB403", f"there is no `{capital[1]}`", tokens.stretch(place, place), help_)
    idiom = find_member(token, type_, tokens)
    if idiom is not None:
        return idiom.finding("NB402")
    stretch = tokens.stretch(token, min(token + 1, len(tokens) - 1))
    message = f"{words_for(type_)} has no attributes, such as `{_excerpt(stretch, tokens)}`"
    return Finding("NB402", message, stretch, "end the reference before it")


def _misuse(offset: int, message: str, tokens: Tokens) -> Finding | None:
    if "invalid int literal" in message or "invalid double literal" in message:
        stretch = _token_at(offset, tokens)
        help_ = "whole numbers have 64 bits; write a larger one with a decimal point: `1e20`"
        return Finding("NB401", f"`{_excerpt(stretch, tokens)}` is out of range", stretch, help_)
    token = max(tokens.at(offset), 0)
    if message.startswith("has() "):
        first = max((place for place in range(token + 1) if tokens.words[place] == "has"), default=token)
        stretch = tokens.stretch(first, tokens.match(min(first + 1, len(tokens) - 1)))
        return Finding("NB414", "`has()` takes one attribute", stretch, _USAGE["has"])
    if "variable name must be a simple identifier" in message:
        macro = message.partition("(")[0]
        what = f"`{macro}()` takes a name for the element first"
        return Finding("NB414", what, _chain(token, tokens), _USAGE.get(macro, ""))
    ranged = _NO_RANGE.search(message)
    if ranged is not None:
        stretch = _chain(token, tokens)
        what = f"`{_excerpt(stretch, tokens)}` is {words_for(ranged[1])}, not a list"
        return Finding("NB405", what, stretch, "`all`, `exists`, `filter` and `map` are for lists")
    return None


def _unread(offset: int, message: str, tokens: Tokens) -> Finding:
    stretch = _token_at(offset, tokens) if tokens.words else whole(tokens.text)
    return Finding("NB401", f"the expression is not valid: {message}", stretch, "rewrite the expression")


def _reports(report: str, text: str) -> Iterator[tuple[int, str]]:
    """Offsets and messages; cel-cpp counts lines and code points from 1."""
    starts = [0]
    starts += [place + 1 for place, character in enumerate(text) if character == "\n"]
    for line in report.splitlines():
        found = _REPORT.search(line)
        if found is not None:
            row, column = int(found[1]), int(found[2])
            offset = starts[row - 1] + column - 1 if 0 < row <= len(starts) else 0
            yield min(max(offset, 0), len(text)), found[3].removesuffix(" [INVALID_ARGUMENT]")


def _split(types: str) -> list[str]:
    """Splits `int, list(string)` at the commas outside brackets."""
    found, depth, start = [], 0, 0
    for place, character in enumerate(types):
        depth += (character == "(") - (character == ")")
        if character == "," and depth == 0:
            found.append(types[start:place].strip())
            start = place + 1
    return [*found, types[start:].strip()] if types.strip() else []


def _excerpt(stretch: Stretch, tokens: Tokens) -> str:
    start, length = stretch
    return tokens.text[start : start + length]


def _token_at(offset: int, tokens: Tokens) -> Stretch:
    token = max(tokens.at(offset), 0)
    last = token + 1 if tokens.words[token] == "-" and token + 1 < len(tokens) else token
    return tokens.stretch(token, last)


def _chain(token: int, tokens: Tokens) -> Stretch:
    """The name that a dot or a part of it belongs to, with all its dots."""
    first = last = token
    if tokens.words[token] == ".":
        last = min(token + 1, len(tokens) - 1)
    while first > 0 and (
        tokens.words[first - 1] == "." or (tokens.words[first] == "." and tokens.is_value(first - 1))
    ):
        first -= 1
    return tokens.stretch(first, last)


def _around(offset: int, tokens: Tokens) -> Stretch:
    token = max(tokens.at(offset), 0)
    if tokens.words[token] == "(":
        return tokens.stretch(max(token - 1, 0), tokens.match(token))
    return tokens.stretch(token, token)
