"""Tests that hold for an empty value, of attributes that may be missing (NB507).

An absent attribute is unknown, and a test of an unknown value does not hold. That is what an author expects
of `customer.vip` or `customer.age >= 18`. Authors expect something else of a test that *holds for nothing*,
that is for false, an empty text, an empty list, or zero and no number next to it (`size(customer.products) ==
0`), and of the negation of a test that does not (`customer.segment != "mass"`): both exclude the customers
without the attribute. The negation of a test that holds for nothing (`customer.name != ""`) is as clear as
`customer.vip`.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from nextbest.diagnostics.remedy import Remedy
from nextbest.expression.evaluation import Evaluator
from nextbest.expression.finding import Finding
from nextbest.expression.lint.emptiness import Substitution
from nextbest.expression.schema import Schema, Type
from nextbest.expression.span import cover, excerpt
from nextbest.expression.tokens import Tokens
from nextbest.expression.tree import STRING, Attr, Call, Const, Has, Node, children
from nextbest.expression.value import Constant

_ORDER = frozenset({"LT", "LE", "GT", "GE"})
# The number next to zero.
_STEPS: dict[Type, int | float] = {Type.INT: 1, Type.DOUBLE: 1e-9}
_NOTHING: dict[Type, Constant] = {
    Type.BOOL: False,
    Type.STRING: "",
    Type.STRING_LIST: (),
    Type.INT_LIST: (),
    Type.INT: 0,
    Type.DOUBLE: 0.0,
}


@dataclass(frozen=True, slots=True, eq=False)
class _Scope:
    """The context of a part of a condition.

    A node of a derived attribute's tree has tokens of another text. So all nodes here are of the condition
    itself: inside a derived tree, they stay those that name the attribute.

    Attributes:
        turned: Whether the condition needs the part to be false.
        whole: The negation or choice around the part, if any; in a derived tree, at least the attribute's
        name.
        derived: The derived attribute that the text names, inside of its tree.
        negated: Whether the condition needs the named attribute to be false.
    """

    turned: bool = False
    whole: Node | None = None
    derived: Attr | None = None
    negated: bool = False

    def negation(self, node: Node) -> "_Scope":
        """The context inside a negation; a double negation has none."""
        turned = not self.turned
        if self.derived is not None:
            return replace(self, turned=turned)
        return _Scope(turned, (self.whole or node) if turned else None, negated=turned)

    def selection(self, node: Node, *, other: bool, both: bool) -> "_Scope":
        """The context inside the test of a choice that selects its first or its second branch."""
        if self.derived is not None:
            return replace(self, turned=other)
        return _Scope(other, (self.whole or node) if other or both else self.whole, negated=other)

    def tree(self, name: Attr) -> "_Scope":
        """The context inside the tree of a derived attribute."""
        return self if self.derived is not None else replace(self, whole=self.whole or name, derived=name)


@dataclass(frozen=True, slots=True, eq=False)
class _Atom:
    """A test that AND, OR, NOT and choices combine.

    Attributes:
        node: The test; it may be in the tree of a derived attribute, and so not in the text.
        scope: Its context.
        is_choice: `whole` is a choice between two ways to hold, and the test selects one of them.
    """

    node: Node
    scope: _Scope
    is_choice: bool = False

    @property
    def whole(self) -> Node:
        """The negation or choice around the test; without one, the test as written."""
        return self.scope.whole or self.written

    @property
    def written(self) -> Node:
        """The test as written: a derived attribute by its name."""
        return self.scope.derived or self.node

    @property
    def is_unequal(self) -> bool:
        return isinstance(self.node, Call) and self.node.operation == "NE"

    @property
    def says_not(self) -> bool:
        return self.scope.turned is not self.is_unequal


class UnknownTests:
    """Finds tests that exclude the customers without an attribute."""

    def __init__(self, schema: Schema, derived: Callable[[str], Node], evaluator: Evaluator) -> None:
        """Takes the declarations, and where the trees of derived attributes are found."""
        self._schema = schema
        self._derived = derived
        self._evaluator = evaluator
        # The attributes that a derived attribute needs.
        self._needs: dict[str, tuple[str, ...]] = {}

    def find(self, node: Node, tokens: Tokens) -> Iterator[Finding]:
        """Checks a specialised condition."""
        if '""' not in tokens.text and "''" not in tokens.text and self._is_plain(node):
            return
        asked = set(self._asked(node))
        left_out: dict[str, _Atom] = {}
        for atom in self._atoms(node, _Scope()):
            for reference in self._reads(atom):
                if self._leaves_out(atom, reference):
                    left_out.setdefault(reference, atom)
                elif not atom.is_choice:
                    asked.update((reference, *self._optional(reference)))
        for reference, atom in left_out.items():
            if reference not in asked and not asked.issuperset(self._optional(reference)):
                yield _found(reference, atom, tokens)

    def _is_plain(self, node: Node) -> bool:
        """Whether a condition has one of the usual forms, which are never reported."""
        match node:
            case Call(operation="AND" | "OR"):
                return all(map(self._is_plain, node.args))
            case Call(operation="LT" | "LE" | "GT" | "GE", args=(Attr(reference=name), Const())):
                attribute = self._schema.get(name)
                if attribute is None or attribute.expression is not None:
                    return False
                return attribute.required or (attribute.type in _STEPS and attribute.minimum is None)
            case Call(operation="IN", args=(Attr(reference=name), Const())):
                return self._tree(name) is None
        return isinstance(node, Const)

    def _leaves_out(self, atom: _Atom, reference: str) -> bool:
        optional = self._optional(reference)
        return bool(optional) and atom.says_not != any(self._holds_for_nothing(atom, n) for n in optional)

    def _holds_for_nothing(self, atom: _Atom, reference: str) -> bool:
        attribute = self._schema.get(reference)
        if attribute is None or attribute.type not in _NOTHING or _is_order_of_texts(atom.node):
            return False
        nothing = _NOTHING[attribute.type]
        if not self._holds(atom, reference, nothing):
            return False
        if attribute.type not in _STEPS:
            return True
        step = _STEPS[attribute.type]
        others = [step] if attribute.minimum is not None and attribute.minimum >= 0 else [step, -step]
        return not any(self._holds(atom, reference, other) for other in others)

    def _holds(self, atom: _Atom, reference: str, value: Constant) -> bool:
        result = Substitution({reference: value}, self._tree, self._evaluator).result(atom.node)
        return isinstance(result, bool) and result is not atom.is_unequal

    def _atoms(self, node: Node, scope: _Scope) -> Iterator[_Atom]:
        """The tests of a condition; those of derived attributes are reported where the attribute is named."""
        match node:
            case Call(operation="NOT", args=(inner,)):
                yield from self._atoms(inner, scope.negation(node))
            case Call(operation="AND" | "OR"):
                for arg in node.args:
                    yield from self._atoms(arg, scope)
            case Call(operation="IF"):
                yield from self._choice(node, scope)
            case Call(
                operation="EQ" | "NE" as sign,
                args=(Const(value=bool(expected)), other) | (other, Const(value=bool(expected))),
            ):
                flips = expected is (sign == "NE")
                yield from self._atoms(other, scope.negation(node) if flips else scope)
            case Attr() if self._tree(node.reference) is not None:
                yield from self._atoms(self._derived(node.reference), scope.tree(node))
            case _:
                yield _Atom(node, scope)

    def _choice(self, node: Call, scope: _Scope) -> Iterator[_Atom]:
        test, then, other = node.args
        if then is other:
            # Whether the items of a list literal are present.
            yield from self._atoms(then, scope)
            return
        lives = [not _is_constant(branch, value=scope.turned) for branch in (then, other)]
        for is_live, selects_other in zip(lives, (False, True), strict=True):
            inner = scope.selection(node, other=selects_other, both=all(lives))
            for atom in self._atoms(test, inner) if is_live else ():
                is_choice = all(lives) or (selects_other and scope.whole is None)
                yield replace(atom, is_choice=is_choice and atom.whole is node)
        for branch in (then, other):
            yield from self._atoms(branch, scope)

    def _reads(self, atom: _Atom) -> Sequence[str]:
        """The attributes that a test reads, by their names in the text."""
        return tuple(dict.fromkeys(_attributes(atom.written)))

    def _optional(self, reference: str) -> tuple[str, ...]:
        """The attributes without which an attribute has no value: itself, or those that it reads."""
        known = self._needs.get(reference)
        if known is None:
            attribute, tree = self._schema.get(reference), self._tree(reference)
            if tree is not None:
                known = self._needed_by(tree)
            else:
                known = () if attribute is None or attribute.required else (reference,)
            self._needs[reference] = known
        return known

    def _needed_by(self, tree: Node) -> tuple[str, ...]:
        asked = set(self._asked(tree))
        names = dict.fromkeys(name for read in _attributes(tree) for name in self._optional(read))
        return tuple(name for name in names if name not in asked)

    def _asked(self, node: Node) -> Iterator[str]:
        """The attributes whose presence is tested."""
        if isinstance(node, Has):
            yield node.reference
            yield from self._optional(node.reference)
        for child in children(node):
            yield from self._asked(child)

    def _tree(self, reference: str) -> Node | None:
        attribute = self._schema.get(reference)
        return None if attribute is None or attribute.expression is None else self._derived(reference)


def _found(reference: str, atom: _Atom, tokens: Tokens) -> Finding:
    stretch, text = cover(atom.whole, tokens), excerpt(atom.whole, tokens)
    test = atom.written
    has = f"has({reference})"
    if atom.is_choice:
        chosen, then, other = children(atom.whole)
        asked = f"{has} && {_closed(chosen, tokens, 'OR', 'IF')}"
        included = f"{asked} ? {excerpt(then, tokens)} : {excerpt(other, tokens)}"
        left_out = f"{has} && ({text})"
    elif atom.scope.negated and len(set(_attributes(atom.whole))) > 1:
        # The other attributes may decide the negated part.
        included = _within(atom.whole, test, f"{has} && {_closed(test, tokens, 'OR', 'IF')}", tokens)
        left_out = _within(atom.whole, test, f"{_closed(test, tokens, 'IF')} || !{has}", tokens)
    else:
        included = f"{_closed(atom.whole, tokens, 'IF')} || !{has}"
        left_out = f"{has} && {_closed(atom.whole, tokens, 'OR', 'IF')}"
        if not _stands_alone(stretch, tokens):
            included = f"({included})"
    help_ = Remedy(f"write `{{}}` if it should hold then, `{left_out}` if not", included)
    # If it reads other attributes, they may decide.
    holds = "may not hold" if len(set(_attributes(atom.whole))) > 1 else "does not hold"
    message = f"`{reference}` may be missing, and then `{text}` {holds}"
    return Finding("NB507", message, stretch, help_)


def _within(whole: Node, part: Node, replacement: str, tokens: Tokens) -> str:
    """The text of a node with a part of it replaced."""
    (start, length), (begin, size) = cover(whole, tokens), cover(part, tokens)
    if not _stands_alone((begin, size), tokens):
        replacement = f"({replacement})"
    return tokens.text[start:begin] + replacement + tokens.text[begin + size : start + length]


def _closed(node: Node, tokens: Tokens, *loose: str) -> str:
    """A part of the text, in brackets if its operation binds loosely."""
    text = excerpt(node, tokens)
    return f"({text})" if isinstance(node, Call) and node.operation in loose else text


def _stands_alone(stretch: tuple[int, int], tokens: Tokens) -> bool:
    """Whether a part is the whole text, or is in brackets."""
    start, length = stretch
    first, last = tokens.at(start), tokens.at(start + length - 1)
    if first == 0 and last == len(tokens) - 1:
        return True
    return first > 0 and tokens.words[first - 1] == "(" and tokens.match(first - 1) == last + 1


def _is_order_of_texts(node: Node) -> bool:
    """The position of an empty text in the order of texts shows nothing about the intention."""
    return isinstance(node, Call) and node.operation in _ORDER and node.args[0].type == STRING


def _is_constant(node: Node, *, value: bool) -> bool:
    return isinstance(node, Const) and node.value is value


def _attributes(node: Node) -> list[str]:
    if isinstance(node, Attr):
        return [node.reference]
    return [reference for child in children(node) for reference in _attributes(child)]
