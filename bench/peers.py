"""A workload -> the same policies in other systems, in the forms that may be their best.

All of them start from typed values, arranged as suits them best, at no cost. Everything from there is
timed: to build a context, to evaluate, to give an answer that Python can read. Policies hold where every
clause is true, and no clause is negated, so that *unknown* may be written as *false* where a system has no
third truth.

Left out, as no faster when they were tried: zen-engine with a dict in place of JSON text, with a call a
rule, or as a decision table. cel-cpp refuses to compile all rules as one list.
"""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import cel
import numpy as np
import zen
from cel_expr_python import cel as cel_cpp

import vectorised
from vectorised import Bools
from workloads import Kind, Scalar, Test, Workload

Customer = list[Scalar | None]
Named = dict[str, Any]
PYTHON_RULES_MAX: Final = 10_000
"""In one function: compiling takes some 50 kB of memory a rule."""
CEL_CPP_RULES_MAX: Final = 100
"""In one list: cel-cpp takes no expression of more than 100,000 characters."""
ZEN_BEYOND: Final = 10**18
"""Larger than any number of a workload: with its sign, it replaces a missing number on the failing side."""
_NUMBERS: Final[tuple[Kind, ...]] = ("double", "int", "timestamp")


@dataclass(frozen=True, slots=True)
class Peer:
    """A system with the rules in it.

    Attributes:
        prepare: Gives a customer as the system takes it. Not timed.
        match: Gives the actions that match. Timed.
        matches: Turns the answer of `match` into one bool an action. Not timed.
    """

    prepare: Callable[[Customer], Any]
    match: Callable[[Any], Any]
    matches: Callable[[Any], Bools]


@dataclass(frozen=True, slots=True)
class Form:
    """A way to use a system. More actions than `actions_max` take too much memory and time to compile."""

    system: str
    name: str
    build: Callable[[Workload], Peer]
    actions_max: int = 1_000_000


def reduction(workload: Workload) -> Peer:
    """numpy, simple; the reference of all others."""
    found = vectorised.Reduction(workload)
    return Peer(found.tests.encode, found.match, lambda mask: mask)


def survivors(workload: Workload) -> Peer:
    """numpy, looking only at what is left."""
    found = vectorised.Survivors(workload)
    return Peer(found.tests.encode, found.match, lambda alive: _mask(workload, alive))


def generated_python(workload: Workload) -> Peer:
    """A function, every rule an `if`. A missing number is NaN, and whatever else is missing is None."""
    rules = list(enumerate(_rules(workload, _python_test, " and ", " or ")))
    functions = [
        _python_function(workload, rules[start : start + PYTHON_RULES_MAX])
        for start in range(0, len(rules), PYTHON_RULES_MAX)
    ]

    def match(customer: tuple[Scalar | None, ...]) -> list[int]:
        found: list[int] = []
        for function in functions:
            function(customer, found.append)
        return found

    return Peer(
        lambda customer: tuple(_nans(workload, customer)), match, lambda found: _mask(workload, found)
    )


def _python_function(workload: Workload, rules: list[tuple[int, str]]) -> Callable[..., None]:
    names = ",".join(feature.name for feature in workload.features)
    tests = "\n".join(f" if {rule}: add({action})" for action, rule in rules)
    namespace: dict[str, Any] = {}
    exec(f"def match(customer, add):\n {names} = customer\n{tests}", namespace)  # noqa: S102
    function: Callable[..., None] = namespace["match"]
    return function


def zen_engine(workload: Workload) -> Peer:
    """One compiled list of all rules. ZEN cannot compare null: a missing number is replaced."""
    write = _zen_test if workload.has_missing else _zen_test_of_present
    expression = zen.compile_expression(_list(_rules(workload, write, " and ", " or ")))
    return Peer(lambda customer: json.dumps(_present(workload, customer)), expression.evaluate, _bools)


def cel_rust_programs(workload: Workload) -> Peer:
    """A program a rule, an error being no match; what is missing is absent."""
    programs = [cel.compile(rule) for rule in _rules(workload, _cel_test, " && ", " || ")]

    def match(customer: Named) -> list[bool]:
        context = cel.Context(customer)
        found = []
        for program in programs:
            try:
                found.append(program.execute(context))
            except (RuntimeError, TypeError, ValueError):
                found.append(False)
        return found

    return Peer(lambda customer: _present(workload, _floats(workload, customer)), match, _bools)


def cel_rust_list(workload: Workload) -> Peer:
    """One list of all rules, in which none may err: what is missing is null, and guarded."""
    write = _cel_test_of_null if workload.has_missing else _cel_test
    program = cel.compile(_list(_rules(workload, write, " && ", " || ")))
    return Peer(lambda customer: _named(workload, _floats(workload, customer)), program.execute, _bools)


def cel_cpp_expressions(workload: Workload) -> Peer:
    """An expression a rule, an error being no match; what is missing is absent."""
    types = {"string": cel_cpp.Type.STRING, "bool": cel_cpp.Type.BOOL}
    environment = _cel_cpp_environment(workload, types)
    expressions = [environment.compile(rule) for rule in _rules(workload, _cel_test, " && ", " || ")]

    def match(customer: Named) -> list[bool]:
        activation = environment.Activation(customer)
        return [expression.eval(activation).value() is True for expression in expressions]

    return Peer(lambda customer: _present(workload, _floats(workload, customer)), match, _bools)


def cel_cpp_lists(workload: Workload) -> Peer:
    """Lists of rules, in which none may err: a missing number is NaN, whatever else is missing null."""
    types = {"string": cel_cpp.Type.STRING, "bool": cel_cpp.Type.BOOL}
    write = _cel_test
    if workload.has_missing:
        types, write = dict.fromkeys(types, cel_cpp.Type.DYN), _cel_test_of_nan
    environment = _cel_cpp_environment(workload, types)
    rules = _rules(workload, write, " && ", " || ")
    lists = [
        environment.compile(_list(rules[start : start + CEL_CPP_RULES_MAX]))
        for start in range(0, len(rules), CEL_CPP_RULES_MAX)
    ]

    def match(customer: Named) -> list[bool]:
        activation = environment.Activation(customer)
        return [found for part in lists for found in part.eval(activation).plain_value()]

    def prepare(customer: Customer) -> Named:
        return _named(workload, _nans(workload, _floats(workload, customer)))

    return Peer(prepare, match, _bools)


def _cel_cpp_environment(workload: Workload, types: dict[str, Any]) -> Any:
    types = types | dict.fromkeys(_NUMBERS, cel_cpp.Type.DOUBLE)
    return cel_cpp.NewEnv(variables={feature.name: types[feature.kind] for feature in workload.features})


FORMS: Final = (
    Form("numpy", "every clause, reduced", reduction),
    Form("numpy", "clause by clause, survivors", survivors),
    Form("generated Python", "every rule an `if`", generated_python),
    Form("zen-engine", "one list", zen_engine),
    Form("cel-cpp", "an expression a rule", cel_cpp_expressions),
    Form("cel-cpp", f"lists of {CEL_CPP_RULES_MAX}", cel_cpp_lists),
    Form("cel-rust", "a program a rule", cel_rust_programs),
    # Ten thousand rules in a list take 2.3 GB and 13 s to compile.
    Form("cel-rust", "one list", cel_rust_list, actions_max=10_000),
)


RULE_ENGINES: Final = ("zen-engine", "cel-cpp", "cel-rust")


def _rules(workload: Workload, write: Callable[[str, Test], str], both: str, either: str) -> list[str]:
    """Writes every action's rule."""
    tests = [write(workload.features[test.feature].name, test) for test in workload.policies.tests]

    def clause(places: tuple[int, ...]) -> str:
        return tests[places[0]] if len(places) == 1 else f"({either.join(tests[place] for place in places)})"

    return [both.join(map(clause, clauses)) for clauses in workload.policies.rules()]


def _list(rules: list[str]) -> str:
    return f"[{', '.join(rules)}]"


def _python_test(name: str, test: Test) -> str:
    if isinstance(test.value, bool):
        # `not None` would be true.
        return name if test.value else f"{name} is False"
    if isinstance(test.value, tuple):
        return f"{name} in {{{', '.join(map(repr, test.value))}}}"
    return f"{name} {test.operator} {test.value!r}"


def _zen_test(name: str, test: Test) -> str:
    if test.operator in (">=", "<"):
        stand_in = -ZEN_BEYOND if test.operator == ">=" else ZEN_BEYOND
        return f"({name} ?? {stand_in}) {test.operator} {test.value}"
    return _zen_test_of_present(name, test)


def _zen_test_of_present(name: str, test: Test) -> str:
    return f"{name} {test.operator} {json.dumps(test.value)}"


def _cel_test(name: str, test: Test) -> str:
    if isinstance(test.value, bool):
        return name if test.value else f"!{name}"
    value = float(test.value) if isinstance(test.value, int) else test.value
    return f"{name} {test.operator} {json.dumps(value)}"


def _cel_test_of_nan(name: str, test: Test) -> str:
    return f"{name} == {json.dumps(test.value)}" if isinstance(test.value, bool) else _cel_test(name, test)


def _cel_test_of_null(name: str, test: Test) -> str:
    guard = f"{name} != null && " if test.operator in (">=", "<") else ""
    return guard + _cel_test_of_nan(name, test)


def _named(workload: Workload, customer: Customer) -> Named:
    return {feature.name: value for feature, value in zip(workload.features, customer, strict=True)}


def _present(workload: Workload, customer: Customer) -> Named:
    return {name: value for name, value in _named(workload, customer).items() if value is not None}


def _floats(workload: Workload, customer: Customer) -> Customer:
    """Gives every number as a double: in CEL, an int cannot be NaN, and compares with ints only."""
    return [
        float(value) if feature.kind in _NUMBERS and value is not None else value
        for feature, value in zip(workload.features, customer, strict=True)
    ]


def _nans(workload: Workload, customer: Customer) -> Customer:
    return [
        math.nan if feature.kind in _NUMBERS and value is None else value
        for feature, value in zip(workload.features, customer, strict=True)
    ]


def _mask(workload: Workload, found: Any) -> Bools:
    mask = np.zeros(workload.policies.actions, dtype=bool)
    mask[found] = True
    return mask


def _bools(found: list[bool]) -> Bools:
    return np.array(found, dtype=bool)
