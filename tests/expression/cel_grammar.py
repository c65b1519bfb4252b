"""Random well-typed expressions, as an author writes them and as cel-cpp can judge them; and random
customers.

cel-cpp's checker does not mix ints and doubles, and resolves `has()` of a dotted variable wrongly. So the
same tree is written twice: for the compiler as it is, for cel-cpp with `double()` and `dyn()` where kinds
mix, with a variable for every `has()`, and with an error where a double is divided by zero, as CEL has infinity there.
"""
# ruff: noqa: E501, RUF001 - tables

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random

from bank_schema import declare, source

from nextbest.expression import Attribute, Duration, Timestamp

TYPES = ("bool", "int", "double", "string", "timestamp", "duration", "list<string>", "list<int>")
PATTERNS = (
    r"^a",
    r"[0-9]+",
    r"\d+$",
    r"(?i)^A",
    r"\bfoo\b",
    r"^.$",
    r"\w+\s\w",
    r"[[:alpha:]]",
    r"x{2,3}",
    r"[^a&&b]",
    r"é|日",
)
ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "UTC",
    "+01:30",
    "-08:00",
    "05:45",
)
GETTERS = (
    "getFullYear",
    "getMonth",
    "getDate",
    "getDayOfMonth",
    "getDayOfWeek",
    "getDayOfYear",
    "getHours",
    "getMinutes",
    "getSeconds",
    "getMilliseconds",
)

VALUES: dict[str, tuple] = {
    "bool": (True, False),
    "int": (0, 1, -1, 2, 3, 7, 18, 100, 2**53 + 1, 2**63 - 1, -(2**63), -(2**63) + 1),
    "double": (0.0, -0.0, 1.0, -1.0, 0.5, 1.5, 2.0, 18.0, -7.25, 1e308, -1e308, 5e-324, 9007199254740992.0, 9.3e18),
    "string": ("", "a", "A", "ab", "é", "日本", "𝒳", "foo", "a foo b", "12", "-7", "1.5", "true", "xx",
               "2020-02-29T12:00:00Z", "2021-03-28T01:30:00+01:00", "90m", "1h30m5s", "'quoted'", 'say "hi"', "back\\slash", "line\nbreak"),
    "timestamp": tuple(
        Timestamp.of(datetime.fromisoformat(text))
        for text in ("1969-12-31T23:59:59.999999+00:00", "1970-01-01T00:00:00+00:00", "2020-02-29T12:00:00.5+00:00",
                     "2021-03-28T01:00:00+00:00", "2021-10-31T00:30:00+00:00", "2024-12-31T23:30:00+00:00", "1950-06-15T03:04:05.678901+00:00")
    ),
    "duration": tuple(Duration(us) for us in (0, 1, -1, 1_500_000, 3_600_000_000, -5_400_000_000, 86_400_000_000, 31_536_000_000_000)),
    "list<string>": ((), ("a",), ("a", "b"), ("foo", "é", "12"), ("a", "a", "日本")),
    "list<int>": ((), (1,), (1, 2, 3), (0, -1, 18), (2**63 - 1, 7, 7)),
}  # fmt: skip
NOW = VALUES["timestamp"][3]

NAMES = {"bool": ("vip", "consent"), "int": ("age", "children"), "double": ("balance", "income"), "string": ("segment", "name"),
         "timestamp": ("since", "renewed"), "duration": ("notice", "pause"), "list<string>": ("products", "interests"), "list<int>": ("scores", "marks")}  # fmt: skip
ATTRIBUTES: list[Attribute] = [
    *(declare(f"customer.{name}", type_) for type_, names in NAMES.items() for name in names),
    *(declare(f"context.c{place}", type_) for place, type_ in enumerate(TYPES)),
    *(declare(f"action.a{place}", type_) for place, type_ in enumerate(TYPES)),
]


def quotient(left: str, right: str) -> str:
    """A division of doubles as cel-cpp takes it: an error where the divisor is 0, as of whole numbers."""
    return f'({right}) == 0.0 ? double("no result") : ({left}) / ({right})'


# Derived attributes: the expression, and how cel-cpp takes it. Each may read those before it.
DERIVED = {
    "customer.ratio": ("double", "customer.balance / customer.income", quotient("customer.balance", "customer.income")),
    "customer.doubled": ("int", "customer.age * 2 + context.c1", "customer.age * 2 + context.c1"),
    "customer.eager": ("bool", "customer.ratio > customer.doubled || has(customer.name)", "dyn(customer.ratio) > dyn(customer.doubled) || has_customer_name"),
    "customer.long_names": ("list<string>", "customer.interests.filter(x, size(x) > 2)", "customer.interests.filter(x, size(x) > 2)"),
    "customer.sixty": ("duration", "now - customer.since", "now - customer.since"),
    "context.score": ("double", "customer.children", "double(customer.children)"),
    "context.greeting": ("string", 'customer.segment + "-" + string(customer.vip)', 'customer.segment + "-" + string(customer.vip)'),
}  # fmt: skip
ATTRIBUTES += [
    declare(reference, type_, expression=source(text)) for reference, (type_, text, _) in DERIVED.items()
]
REFERENCES: dict[str, list[str]] = {t: [a.reference for a in ATTRIBUTES if a.type == t] for t in TYPES}


@dataclass(frozen=True)
class Written:
    """One expression, written twice; `level` is how tightly it binds."""

    text: str
    oracle: str
    level: int = 9

    def at(self, level: int) -> str:
        return self.text if self.level >= level else f"({self.text})"


class Grammar:
    """Makes expressions and customers.

    Attributes:
        mixes: The expression made last compares ints with doubles.
        time_zone: Of the workspace: where an expression names none.
    """

    def __init__(self, random: Random, time_zone: str = "") -> None:
        self.random = random
        self.time_zone = time_zone
        self.mixes = False

    def condition(self) -> Written:
        self.mixes = False
        return self.make("bool", self.random.choice((1, 2, 2, 3, 3, 4)), {})

    def make(self, type_: str, depth: int, scope: dict[str, str]) -> Written:
        """An expression of a type; `scope` holds the variables of macros by name."""
        if depth <= 0 or self.random.random() < 0.08:
            return self.leaf(type_, scope)
        return getattr(self, "make_" + {"list<string>": "list", "list<int>": "list"}.get(type_, type_))(
            type_, depth - 1, scope
        )

    def leaf(self, type_: str, scope: dict[str, str]) -> Written:
        bound = [name for name, bound_type in scope.items() if bound_type == type_]
        if bound and self.random.random() < 0.6:
            name = self.random.choice(bound)
            return Written(name, name)
        if type_ == "timestamp" and self.random.random() < 0.2:
            return Written("now", "now")
        if self.random.random() < 0.65:
            reference = self.random.choice(REFERENCES[type_])
            return Written(reference, reference)
        return self.constant(type_)

    def constant(self, type_: str) -> Written:
        value = self.random.choice(VALUES[type_])
        if type_.startswith("list") and not value:
            value = VALUES[type_][1]
        text = literal(value, self.random)
        level = 7 if isinstance(value, int | float) and text.startswith("-") else 9
        return Written(text, text, level)

    def make_bool(self, _: str, depth: int, scope: dict[str, str]) -> Written:
        choices = (self.junction, self.junction, self.junction, self.negation, self.comparison, self.comparison, self.comparison,
                   self.membership, self.membership, self.presence, self.search, self.quantifier, self.quantifier, self.choice_bool, self.bool_equality)  # fmt: skip
        return self.random.choice(choices)(depth, scope)

    def junction(self, depth: int, scope: dict[str, str]) -> Written:
        sign, level = self.random.choice((("&&", 3), ("||", 2)))
        parts = [self.make("bool", depth, scope) for _ in range(self.random.choice((2, 2, 2, 3, 4)))]
        return Written(
            f" {sign} ".join(part.at(level + 1) for part in parts),
            f" {sign} ".join(f"({part.oracle})" for part in parts),
            level,
        )

    def negation(self, depth: int, scope: dict[str, str]) -> Written:
        part = self.make("bool", depth, scope)
        return Written(f"!{part.at(7)}", f"!({part.oracle})", 7)

    def comparison(self, depth: int, scope: dict[str, str]) -> Written:
        sign = self.random.choice(("==", "!=", "<", "<=", ">", ">="))
        type_ = self.random.choice(("int", "int", "double", "string", "timestamp", "duration", "mixed"))
        if self.random.random() < 0.06:
            type_, sign = self.random.choice(("list<string>", "list<int>")), self.random.choice(("==", "!="))
        if type_ == "mixed":
            self.mixes = True
            left, right = (self.make(self.random.choice(("int", "double")), depth, scope) for _ in range(2))
            return Written(
                f"{left.at(5)} {sign} {right.at(5)}", f"dyn({left.oracle}) {sign} dyn({right.oracle})", 4
            )
        left = self.make(type_, depth, scope)
        right = self.constant(type_) if self.random.random() < 0.5 else self.make(type_, depth, scope)
        if self.random.random() < 0.3:
            left, right = right, left
        return Written(f"{left.at(5)} {sign} {right.at(5)}", f"({left.oracle}) {sign} ({right.oracle})", 4)

    def membership(self, depth: int, scope: dict[str, str]) -> Written:
        if self.random.random() < 0.5:
            type_ = self.random.choice(("string", "int"))
            item, over = self.make(type_, depth - 1, scope), self.make(f"list<{type_}>", depth, scope)
            return Written(f"{item.at(5)} in {over.at(5)}", f"({item.oracle}) in ({over.oracle})", 4)
        type_ = self.random.choice(("string", "int", "double", "timestamp", "bool"))
        item = self.make(type_, depth, scope)
        only_constants = self.random.random() < 0.8
        items = [
            self.constant(type_) if only_constants else self.leaf(type_, scope)
            for _ in range(self.random.choice((0, 1, 2, 3)))
        ]
        texts, oracles = ", ".join(part.text for part in items), ", ".join(part.oracle for part in items)
        return Written(f"{item.at(5)} in [{texts}]", f"({item.oracle}) in [{oracles}]", 4)

    def presence(self, _: int, __: dict[str, str]) -> Written:
        reference = self.random.choice(REFERENCES[self.random.choice(TYPES)])
        return Written(f"has({reference})", "has_" + reference.replace(".", "_"))

    def search(self, depth: int, scope: dict[str, str]) -> Written:
        text = self.make("string", depth, scope)
        if self.random.random() < 0.3:
            pattern = literal(self.random.choice(PATTERNS), self.random)
            return Written(f"{text.at(8)}.matches({pattern})", f"({text.oracle}).matches({pattern})")
        method = self.random.choice(("contains", "startsWith", "endsWith"))
        part = self.make("string", depth - 1, scope)
        return Written(f"{text.at(8)}.{method}({part.text})", f"({text.oracle}).{method}({part.oracle})")

    def quantifier(self, depth: int, scope: dict[str, str]) -> Written:
        return self.macro(self.random.choice(("all", "exists", "exists_one")), "bool", depth, scope)

    def macro(self, name: str, body_type: str, depth: int, scope: dict[str, str], type_: str = "") -> Written:
        element = type_.removeprefix("list<").removesuffix(">") or self.random.choice(("string", "int"))
        over = self.make(f"list<{element}>", min(depth, 1), scope)
        variable = self.random.choice(("x", "y", "item"))
        inner = {**scope, variable: element}
        nested = len(scope) >= 3
        body = self.leaf(body_type, inner) if nested else self.make(body_type, min(depth, 2), inner)
        return Written(
            f"{over.at(8)}.{name}({variable}, {body.text})",
            f"({over.oracle}).{name}({variable}, {body.oracle})",
        )

    def choice(self, type_: str, depth: int, scope: dict[str, str]) -> Written:
        test, then, other = (
            self.make("bool", depth, scope),
            self.make(type_, depth, scope),
            self.make(type_, depth, scope),
        )
        return Written(
            f"{test.at(2)} ? {then.at(2)} : {other.at(1)}",
            f"({test.oracle}) ? ({then.oracle}) : ({other.oracle})",
            1,
        )

    def choice_bool(self, depth: int, scope: dict[str, str]) -> Written:
        return self.choice("bool", depth, scope)

    def bool_equality(self, depth: int, scope: dict[str, str]) -> Written:
        sign = self.random.choice(("==", "!="))
        left = self.make("bool", depth, scope)
        right = self.constant("bool") if self.random.random() < 0.6 else self.make("bool", depth, scope)
        return Written(f"{left.at(5)} {sign} {right.at(5)}", f"({left.oracle}) {sign} ({right.oracle})", 4)

    def infix(self, sign: str, left: Written, right: Written) -> Written:
        level = 5 if sign in "+-" else 6
        return Written(
            f"{left.at(level)} {sign} {right.at(level + 1)}",
            f"({left.oracle}) {sign} ({right.oracle})",
            level,
        )

    def doubles(self, sign: str, left: Written, right: Written) -> Written:
        made = self.infix(sign, left, right)
        return replace(made, oracle=quotient(left.oracle, right.oracle)) if sign == "/" else made

    def make_int(self, type_: str, depth: int, scope: dict[str, str]) -> Written:
        match self.random.randrange(8):
            case 0 | 1 | 2:
                return self.infix(
                    self.random.choice("+-*/%"),
                    self.make(type_, depth, scope),
                    self.make(type_, depth, scope),
                )
            case 3:
                part = self.make(type_, depth, scope)
                return Written(f"-{part.at(8)}", f"-({part.oracle})", 7)
            case 4:
                part = self.make(self.random.choice(("string", "list<string>", "list<int>")), depth, scope)
                return Written(f"size({part.text})", f"size({part.oracle})")
            case 5:
                source = self.random.choice(("double", "timestamp", "int", "string"))
                part = self.make(source, depth, scope) if source != "string" else self.leaf(source, {})
                return Written(f"int({part.text})", f"int({part.oracle})")
            case 6:
                return self.getter(depth, scope)
        if self.random.random() < 0.5:
            over, place = self.make("list<int>", depth, scope), self.make("int", 0, scope)
            return Written(f"{over.at(8)}[{place.text}]", f"({over.oracle})[{place.oracle}]")
        return self.choice(type_, depth, scope)

    def getter(self, depth: int, scope: dict[str, str]) -> Written:
        if self.random.random() < 0.2:
            part, name = self.make("duration", depth, scope), self.random.choice(GETTERS[6:])
            return Written(f"{part.at(8)}.{name}()", f"({part.oracle}).{name}()")
        part, name = self.make("timestamp", depth, scope), self.random.choice(GETTERS)
        zone = self.random.choice(ZONES) if self.random.random() < 0.6 else ""
        written, meant = (f'"{text}"' if text else "" for text in (zone, zone or self.time_zone))
        return Written(f"{part.at(8)}.{name}({written})", f"({part.oracle}).{name}({meant})")

    def make_double(self, type_: str, depth: int, scope: dict[str, str]) -> Written:
        match self.random.randrange(6):
            case 0 | 1:
                return self.doubles(
                    self.random.choice("+-*/"), self.make(type_, depth, scope), self.make(type_, depth, scope)
                )
            case 2:
                sign, whole, other = (
                    self.random.choice("+-*/"),
                    self.make("int", depth, scope),
                    self.make("double", depth, scope),
                )
                whole = replace(whole, oracle=f"double({whole.oracle})")
                return self.doubles(sign, *((whole, other) if self.random.random() < 0.5 else (other, whole)))
            case 3:
                part = self.make(type_, depth, scope)
                return Written(f"-{part.at(8)}", f"-({part.oracle})", 7)
            case 4:
                source = self.random.choice(("int", "double", "string"))
                part = self.make(source, depth, scope) if source != "string" else self.leaf(source, {})
                return Written(f"double({part.text})", f"double({part.oracle})")
        return self.choice(type_, depth, scope)

    def make_string(self, type_: str, depth: int, scope: dict[str, str]) -> Written:
        match self.random.randrange(4):
            case 0:
                return self.infix("+", self.make(type_, depth, scope), self.make(type_, depth, scope))
            case 1:
                part = self.make(self.random.choice(("int", "bool", "string")), depth, scope)
                return Written(f"string({part.text})", f"string({part.oracle})")
            case 2:
                over, place = self.make("list<string>", depth, scope), self.make("int", 0, scope)
                return Written(f"{over.at(8)}[{place.text}]", f"({over.oracle})[{place.oracle}]")
        return self.choice(type_, depth, scope)

    def make_timestamp(self, type_: str, depth: int, scope: dict[str, str]) -> Written:
        match self.random.randrange(4):
            case 0 | 1:
                return self.infix(
                    self.random.choice("+-"),
                    self.make(type_, depth, scope),
                    self.make("duration", depth, scope),
                )
            case 2:
                part = self.leaf("string", {})
                return Written(f"timestamp({part.text})", f"timestamp({part.oracle})")
        return self.choice(type_, depth, scope)

    def make_duration(self, type_: str, depth: int, scope: dict[str, str]) -> Written:
        match self.random.randrange(4):
            case 0:
                return self.infix(
                    self.random.choice("+-"), self.make(type_, depth, scope), self.make(type_, depth, scope)
                )
            case 1:
                return self.infix(
                    "-", self.make("timestamp", depth, scope), self.make("timestamp", depth, scope)
                )
            case 2:
                part = self.leaf("string", {})
                return Written(f"duration({part.text})", f"duration({part.oracle})")
        return self.choice(type_, depth, scope)

    def make_list(self, type_: str, depth: int, scope: dict[str, str]) -> Written:
        element = type_.removeprefix("list<").removesuffix(">")
        match self.random.randrange(4):
            case 0 | 1:
                return self.macro("filter", "bool", depth, scope, type_)
            case 2:
                if element == "int":
                    return self.macro("map", "int", depth, scope)
                return self.macro("map", "string", depth, scope)
        return self.choice(type_, depth, scope)

    def customer(self, density: float = 0.75) -> dict[str, object]:
        """Values of attributes by their references; some are absent."""
        return {
            a.reference: self.random.choice(VALUES[a.type]) for a in ATTRIBUTES
            if a.root != "action" and a.expression is None and self.random.random() < density
        }  # fmt: skip

    def action(self) -> dict[str, object]:
        return {
            a.name: self.random.choice(VALUES[a.type])
            for a in ATTRIBUTES
            if a.root == "action" and self.random.random() < 0.8
        }


def literal(value: object, random: Random) -> str:
    """A constant as an author may write it."""
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case str():
            quote = random.choice("'\"")
            escaped = value.replace("\\", "\\\\").replace(quote, "\\" + quote).replace("\n", "\\n")
            return f"{quote}{escaped}{quote}"
        case Timestamp():
            return f'timestamp("{value}")'
        case Duration():
            return f'duration("{value}")'
        case tuple():
            return f"[{', '.join(literal(item, random) for item in value)}]"
    raise TypeError(value)


def activation(value: object) -> object:
    """A value as cel-cpp takes it."""
    match value:
        case Timestamp():
            return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=value.us)
        case Duration():
            return timedelta(microseconds=value.us)
        case tuple():
            return list(value)
    return value


def is_beyond_doubles(text: str, given: dict[str, object]) -> bool:
    """Whether an expression may meet ints that no double holds exactly."""
    reads = text + "".join(
        expression for reference, (_, expression, _) in DERIVED.items() if reference in text
    )
    reads += "customer.balance customer.income customer.age context.c1" * ("customer.eager" in text)
    named = [value for reference, value in given.items() if reference in reads]
    items = [item for value in named for item in (value if isinstance(value, tuple) else (value,))]
    large = any(isinstance(item, int) and abs(item) > 2**52 for item in items)
    return large or any(str(abs(value)) in text for value in VALUES["int"] if abs(value) > 2**52)
