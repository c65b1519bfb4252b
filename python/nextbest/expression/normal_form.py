"""A condition -> clauses: a conjunction of disjunctions of tests.

All steps preserve Kleene's three-valued logic: double negation, De Morgan, distribution and absorption hold
there as in two-valued logic; a choice whose test may be missing, for which they do not hold, stays one test.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import product

from nextbest.expression.literal import COMPARISON, ONE_OF, Test, classify, missing, one_of
from nextbest.expression.program import spread
from nextbest.expression.rendering import render
from nextbest.expression.tree import BOOL, INT, MISSING, STRING, Call, Const, Has, Node

CLAUSES_MAX = 64
LITERALS_MAX = 16


@dataclass(slots=True)
class Disjunction:
    """One clause.

    Attributes:
        tests: Different ones; none: never true.
        origin: The part of the condition that it comes from.
    """

    tests: tuple[Test, ...]
    origin: Node


def normalise(node: Node, is_finite: Callable[[Node], bool]) -> list[Disjunction]:
    """Brings a condition to conjunctive normal form.

    Args:
        node: A specialised tree of type bool.
        is_finite: As in `literal.classify`.

    Returns:
        At most 64 clauses of at most 16 tests; a larger result becomes one test. None: always true.
    """
    form = _Form(is_finite)
    conjuncts = list(form.conjuncts(node, None, negated=False))
    clauses: list[Disjunction] = []
    for place, (conjunct, origin, negated) in enumerate(conjuncts):
        part = form.clauses(conjunct, origin, negated=negated)
        is_last = place == len(conjuncts) - 1
        if len(clauses) + len(part) > CLAUSES_MAX - (not is_last):
            clauses.append(Disjunction((form.rest(conjuncts[place:]),), node))
            break
        clauses += part
    impossible = [clause for clause in clauses if not clause.tests]
    return impossible[:1] or _absorb(clauses)


_Conjunct = tuple[Node, Node | None, bool]


class _Form:
    def __init__(self, is_finite: Callable[[Node], bool]) -> None:
        self._is_finite = is_finite

    def conjuncts(self, node: Node, origin: Node | None, *, negated: bool) -> Iterable[_Conjunct]:
        """Splits at every AND; the parts below a negation have the negation as their origin."""
        if isinstance(node, Call):
            if node.operation == "NOT":
                yield from self.conjuncts(node.args[0], origin or node, negated=not negated)
                return
            if node.operation == ("OR" if negated else "AND"):
                for arg in node.args:
                    yield from self.conjuncts(arg, origin or node.origin, negated=negated)
                return
        yield node, origin, negated

    def clauses(self, node: Node, origin: Node | None, *, negated: bool) -> list[Disjunction]:
        """The clauses of one node."""
        origin = origin or node
        if isinstance(node, Const):
            return _constant(node, origin, negated=negated)
        if not isinstance(node, Call):
            return [self._single(node, origin, negated=negated)]
        if node.operation == "NOT":
            return self.clauses(node.args[0], origin, negated=not negated)
        if node.operation == ("OR" if negated else "AND"):
            return [c for arg in node.args for c in self.clauses(arg, origin, negated=negated)]
        if node.operation in ("AND", "OR"):
            return self._distribute(node, origin, negated=negated)
        return self._rewritten(node, origin, negated=negated)

    def _rewritten(self, node: Call, origin: Node, *, negated: bool) -> list[Disjunction]:
        match node.operation, node.args:
            case (("EQ" | "NE"), (Const(value=bool(expected)), other) | (other, Const(value=bool(expected)))):
                turned = negated ^ (expected is (node.operation == "NE"))
                return self.clauses(other, origin, negated=turned)
            case "IF", (test, then, other) if node.type == BOOL and _is_never_missing(test):
                unless = Call(
                    BOOL,
                    node.token,
                    "OR",
                    (Call(BOOL, node.token, "NOT", (test,)), _turn(then, negated=negated)),
                )
                otherwise = Call(BOOL, node.token, "OR", (test, _turn(other, negated=negated)))
                return [c for part in (unless, otherwise) for c in self.clauses(part, origin, negated=False)]
            case "IN", (item, Const(value=tuple())) if item.type not in (STRING, INT):
                return self.clauses(spread(node), origin, negated=negated)
        return [self._single(node, origin, negated=negated)]

    def _distribute(self, node: Call, origin: Node, *, negated: bool) -> list[Disjunction]:
        parts = [self.clauses(arg, origin, negated=negated) for arg in _flat(node)]
        parts = [[_merge(clause) for clause in _absorb(part)] for part in parts]
        arguments = _flat(node)
        while _size(parts) > CLAUSES_MAX:
            largest = max(range(len(parts)), key=lambda place: len(parts[place]))
            parts[largest] = [self._single(arguments[largest], origin, negated=negated)]
        clauses = [
            _merge(
                Disjunction(tuple(dict.fromkeys(test for part in combination for test in part.tests)), origin)
            )
            for combination in product(*parts)
        ]
        if any(len(clause.tests) > LITERALS_MAX for clause in clauses):
            return [self._single(node, origin, negated=negated)]
        return clauses

    def _single(self, node: Node, origin: Node, *, negated: bool) -> Disjunction:
        return Disjunction((classify(node, self._is_finite, negated=negated),), origin)

    def rest(self, conjuncts: Iterable[_Conjunct]) -> Test:
        """What is left over, as one test."""
        joined: Node | None = None
        for node, _, negated in conjuncts:
            turned = _turn(node, negated=negated)
            joined = turned if joined is None else Call(BOOL, node.token, "AND", (joined, turned))
        if joined is None:
            raise ValueError("nothing is left over")
        return classify(joined, self._is_finite, negated=False)


def _flat(node: Call) -> list[Node]:
    """The operands of an AND or OR and of those of its kind directly below."""
    found: list[Node] = []
    for arg in node.args:
        found += _flat(arg) if isinstance(arg, Call) and arg.operation == node.operation else [arg]
    return found


def _size(parts: list[list[Disjunction]]) -> int:
    size = 1
    for part in parts:
        size *= len(part)
    return size


def _merge(clause: Disjunction) -> Disjunction:
    """Merges several `==` of one feature into one `in`."""
    if len(clause.tests) < 2:
        return clause
    groups: dict[str, list[Test]] = {}
    for test in clause.tests:
        equal = (test.kind == COMPARISON and test.operator == "EQ") or test.kind == ONE_OF
        if (
            equal
            and not test.negated
            and test.feature.type in (STRING, INT)
            and not isinstance(test.value, float)
        ):
            groups.setdefault(render(test.feature), []).append(test)
    tests = list(clause.tests)
    for group in groups.values():
        if len(group) > 1:
            values = [
                v for test in group for v in (test.value if isinstance(test.value, tuple) else (test.value,))
            ]
            place = tests.index(group[0])
            tests = [test for test in tests if test not in group]
            tests.insert(place, one_of(group[0].feature, tuple(values), clause.origin, negated=False))  # type: ignore[arg-type]
    return Disjunction(tuple(tests), clause.origin)


def _constant(node: Const, origin: Node, *, negated: bool) -> list[Disjunction]:
    if node.value is MISSING:
        return [Disjunction((missing(node),), origin)]
    return [] if bool(node.value) is not negated else [Disjunction((), origin)]


def _turn(node: Node, *, negated: bool) -> Node:
    return Call(BOOL, node.token, "NOT", (node,)) if negated else node


def _is_never_missing(node: Node) -> bool:
    match node:
        case Has():
            return True
        case Const():
            return node.value is not MISSING
        case Call(operation="NOT" | "AND" | "OR"):
            return all(map(_is_never_missing, node.args))
    return False


def _absorb(clauses: list[Disjunction]) -> list[Disjunction]:
    """Removes a clause that another clause implies: `a && (a || b)` is `a`."""
    if len(clauses) < 2:
        return clauses
    kept: list[Disjunction] = []
    sets = [frozenset(clause.tests) for clause in clauses]
    for place, clause in enumerate(clauses):
        earlier = any(other <= sets[place] for other in sets[:place])
        later = any(other < sets[place] for other in sets[place + 1 :])
        if not earlier and not later:
            kept.append(clause)
    return kept
