"""The only entry point for expressions: CEL text in, indices of a bundle's tables or programs out.

Every call appends its findings to `diagnostics` and continues, so that one run reports everything.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from nextbest.diagnostics import Diagnostic, Position
from nextbest.expression.analysis import Analysis
from nextbest.expression.comment import MARK, find_swallowed
from nextbest.expression.derived import DerivedAttributes
from nextbest.expression.environment import Environment
from nextbest.expression.evaluation import Evaluator
from nextbest.expression.exclusion import Place
from nextbest.expression.finding import Finding, whole
from nextbest.expression.lint import Linter
from nextbest.expression.lint.written import WrittenLinter
from nextbest.expression.literal import Test
from nextbest.expression.mismatch import words_for
from nextbest.expression.normal_form import normalise
from nextbest.expression.parsing import Parser
from nextbest.expression.program import NotComputableError, assemble
from nextbest.expression.ranges import Ranges
from nextbest.expression.reference import suggest_reference
from nextbest.expression.schema import ROOT_NAMES, Root, Schema, Type
from nextbest.expression.source import SourceText
from nextbest.expression.span import cover, excerpt
from nextbest.expression.specialise import Specialiser
from nextbest.expression.tables import TableBuilder, Tables
from nextbest.expression.tokens import Tokens
from nextbest.expression.tree import BOOL, DOUBLE, MISSING, NUMBERS, Attr, Const, Node
from nextbest.expression.value import Constant
from nextbest.v1 import bundle_pb2

# Warnings that a part of a condition never holds.
NEVER_CODES = frozenset({"NB501", "NB504", "NB505", "NB506", "NB508", "NB514"})
READS_ACTION = "action"


@dataclass(frozen=True, slots=True)
class Reference:
    """The attribute or `now` to which a bare reference such as `customer.age` refers.

    Attributes:
        root: Its root; None for `now`.
        index: Of the feature; for the root `action`, its index among the action attributes, in the order of
            `Tables.attributes`.
        type: Of its values.
    """

    root: Root | None
    index: int
    type: Type


@dataclass(slots=True)
class _Clause:
    """A clause, wherever its text is written."""

    literals: list[int]
    start: int
    length: int
    text: str
    tests: tuple[Test, ...]
    is_never: bool = False


@dataclass(slots=True)
class _Lowered:
    clauses: tuple[_Clause, ...]
    findings: tuple[Finding, ...]
    # Attributes that the action does not have: checked for each action.
    absent: tuple[Finding, ...] = ()


class Expressions:
    """Compiles expressions and accumulates the tables of one bundle.

    Attributes:
        diagnostics: Errors (4xx) and warnings (5xx) so far, in the order of the calls; each finding once,
            however many actions inherit the expression it is in.
    """

    def __init__(self, schema: Schema) -> None:
        """Declares the schema to CEL and checks its derived attributes.

        Args:
            schema: Everything expressions may name, besides `now`.
        """
        self.diagnostics: list[Diagnostic] = []
        self._schema = schema
        self._reported: set[Diagnostic] = set()
        self._evaluator = Evaluator()
        self._parser = Parser(schema, Environment.of_schema(schema))
        self._derived = DerivedAttributes(schema, self._parser, self._evaluator)
        for source, finding in self._derived.findings:
            self._report(finding, source)
        for attribute in schema:
            if attribute.expression is not None:
                self._check_comment(attribute.expression)
        self._builder = TableBuilder(schema, self._derived.tree)
        self._analysis = Analysis(schema, Ranges(schema, self._derived.tree))
        self._written = WrittenLinter(schema)
        self._linter = Linter(schema, self._analysis, self._derived.tree, self._evaluator)
        self._lowered: dict[object, _Lowered] = {}
        # The action attributes that a text names.
        self._action_names: dict[str, tuple[str, ...]] = {}
        self._entered: dict[object, list[int]] = {}
        self._places: list[Place] = []

    @property
    def tables(self) -> Tables:
        """What goes into the bundle. Filled by every call; complete after the last."""
        return self._builder.tables

    def condition(
        self,
        source: SourceText,
        reason: str = "",
        action: Mapping[str, Constant] | None = None,
        action_name: str = "",
    ) -> list[int]:
        """Compiles the text of a `when:`.

        Calls with the same text at the same place (a condition that many actions inherit) share their
        entries.

        Args:
            source: The expression; its place is `source.locate(0, 1)`.
            reason: Why the condition is there, in the marketer's words.
            action: The attributes of the action it is compiled for, by name; an attribute that is not in it
                is absent. None: there is no action, and `action.x` is an error.
            action_name: The name of the action in warnings about attributes that it does not have.

        Returns:
            Indices of clauses, all of which have to hold. Empty for a condition that always holds, and for
            one with errors.
        """
        key, lowered = self._lower(source.text, action)
        self._check_comment(source)
        position = source.locate(0, 1)
        for finding in lowered.absent:
            message = f"for action `{action_name}` {finding.message}" if action_name else finding.message
            self._report(replace(finding, message=message), source)
        entry = (key, position, reason)
        known = self._entered.get(entry)
        if known is not None:
            return list(known)
        for finding in lowered.findings:
            self._report(finding, source)
        clauses = self._enter(source, reason, position, lowered) if lowered.clauses else []
        self._entered[entry] = clauses
        return list(clauses)

    def number(
        self, source: SourceText, action: Mapping[str, Constant] | None = None
    ) -> float | bundle_pb2.Program | None:
        """Compiles a value: an expression over attributes whose result is a number.

        Args:
            source: The expression.
            action: As in `condition`.

        Returns:
            A finite number when it is constant, else a program; None with errors.
        """
        return self._number(source, self._parser, action)

    def formula(self, source: SourceText) -> bundle_pb2.Program | None:
        """Compiles the arbitration formula.

        Args:
            source: An expression over `propensity`, `context_weight`, `value` and `lever`, all of them
                doubles, whose result is a number.

        Returns:
            A program that reads INPUT registers; None with errors.
        """
        parser = Parser(self._schema, Environment.of_formula(), formula=True)
        result = self._number(source, parser, None)
        if isinstance(result, float):
            return assemble(Const(DOUBLE, 0, result), self._builder.attribute)
        return result

    def reference(self, source: SourceText) -> Reference | None:
        """Resolves a bare reference, as model inputs name them: `customer.age`, `action.apr`, `now`.

        Args:
            source: The reference.

        Returns:
            The attribute or `now`; None with errors.
        """
        name = source.text.strip()
        if name == "now":
            return Reference(None, self._builder.attribute(name), Type.TIMESTAMP)
        attribute = self._schema.get(name)
        if attribute is None:
            help_ = suggest_reference(name, self._schema) or "name an attribute: `customer.age`"
            is_reference = name.partition(".")[0] in ROOT_NAMES and name.replace(".", "").isidentifier()
            code, what = (
                ("NB402", "there is no attribute") if is_reference else ("NB415", "not an attribute:")
            )
            self._report(Finding(code, f"{what} `{name}`", whole(source.text), help_), source)
            return None
        if attribute.root is Root.ACTION:
            own = [declared.name for declared in self._schema.stored() if declared.root is Root.ACTION]
            return Reference(attribute.root, own.index(attribute.name), attribute.type)
        return Reference(attribute.root, self._builder.attribute(name), attribute.type)

    @property
    def analysis(self) -> Analysis:
        """Reasons about the tests of clauses."""
        return self._analysis

    def place(self, clause: int) -> Place:
        """What a clause tests, and where it is written."""
        return self._places[clause]

    def _lower(self, text: str, action: Mapping[str, Constant] | None) -> tuple[object, _Lowered]:
        names = self._action_names.get(text)
        if names is not None:
            key = (text, _constants(names, action))
            known = self._lowered.get(key)
            if known is not None:
                return key, known
        tokens, template, findings = self._parser.parse(text)
        names = tuple(r for r in template.references if r.startswith("action.")) if template else ()
        self._action_names[text] = names
        key = (text, _constants(names, action))
        lowered = (
            self._specialised(template.node, tokens, action) if template else _Lowered((), tuple(findings))
        )
        self._lowered[key] = lowered
        return key, lowered

    def _specialised(self, template: Node, tokens: Tokens, action: Mapping[str, Constant] | None) -> _Lowered:
        if template.type != BOOL:
            return _Lowered((), (_no_condition(template, tokens),))
        specialiser = Specialiser(tokens, action, self._evaluator, self._schema.time_zone)
        node = specialiser.specialise(template, {})
        if specialiser.findings:
            return _Lowered((), tuple(specialiser.findings))
        disjunctions = normalise(node, self._is_finite)
        clauses: list[_Clause] = []
        try:
            for disjunction in disjunctions:
                literals = [self._builder.literal(test) for test in disjunction.tests] or [
                    self._builder.never()
                ]
                start, length = whole(tokens.text)
                if disjunction.origin is not template:
                    start, length = cover(disjunction.origin, tokens)
                text = tokens.text[start : start + length]
                clauses.append(_Clause(literals, start, length, text, disjunction.tests))
        except NotComputableError as error:
            return _Lowered((), (_not_computable(error, tokens.text),))
        findings = self._linter.lint(node, disjunctions, tokens)
        findings += self._written.lint(template, tokens, self._parser)
        if findings or READS_ACTION in tokens.text:
            # In other conditions every clause can hold: the lint has reported the rest.
            for clause in clauses:
                clause.is_never = self._analysis.never(clause.tests)
        for clause in clauses:
            for test in clause.tests:
                # The trees of 100,000 conditions are not needed again.
                test.node = None
        absent = tuple(finding for finding in findings if finding.code == "NB508")
        return _Lowered(
            tuple(clauses), tuple(finding for finding in findings if finding not in absent), absent
        )

    def _enter(self, source: SourceText, reason: str, position: Position, lowered: _Lowered) -> list[int]:
        condition = self._builder.condition(source.text, reason, position)
        is_reported = any(finding.code in NEVER_CODES for finding in (*lowered.findings, *lowered.absent))
        entered: list[int] = []
        for clause in lowered.clauses:
            place = source.locate(clause.start, max(clause.length, 1))
            entered.append(self._builder.clause(clause.literals, condition, clause.text, place))
            self._places.append(
                Place(clause.tests, clause.text, condition, place, clause.is_never, is_reported)
            )
        return entered

    def _number(
        self, source: SourceText, parser: Parser, action: Mapping[str, Constant] | None
    ) -> float | bundle_pb2.Program | None:
        tokens, template, findings = parser.parse(source.text)
        self._check_comment(source)
        node: Node | None = None
        if template is not None:
            specialiser = Specialiser(tokens, action, self._evaluator, self._schema.time_zone)
            node = specialiser.specialise(template.node, {})
            findings = specialiser.findings
            if template.node.type not in NUMBERS:
                findings = [_wrong_result(template.node, tokens, "a number is needed here")]
            elif isinstance(node, Const) and node.value is MISSING and not findings:
                findings = [_no_value(node, template.references, tokens, action)]
        for finding in findings:
            self._report(finding, source)
        if findings or node is None or template is None:
            return None
        for finding in self._written.lint(template.node, tokens, parser, needed=True):
            self._report(finding, source)
        if isinstance(node, Const) and isinstance(node.value, int | float):
            return float(node.value)
        try:
            return assemble(node, self._builder.attribute)
        except NotComputableError as error:
            self._report(_not_computable(error, source.text), source)
            return None

    def _check_comment(self, source: SourceText) -> None:
        if MARK in source.text:
            finding = find_swallowed(source, Tokens(source.text))
            if finding is not None:
                self._report(finding, source)

    def _is_finite(self, node: Node) -> bool:
        """Attributes from outside are finite; computed values may be NaN."""
        if not isinstance(node, Attr):
            return False
        declared = self._schema.get(node.reference)
        return declared is not None and declared.expression is None

    def _report(self, finding: Finding, source: SourceText) -> None:
        self._append(finding.at(source))

    def _append(self, diagnostic: Diagnostic) -> None:
        if diagnostic not in self._reported:
            self._reported.add(diagnostic)
            self.diagnostics.append(diagnostic)


def _constants(names: tuple[str, ...], action: Mapping[str, Constant] | None) -> tuple[object, ...]:
    """The key of a text for the cache; 1, 1.0 and true are different."""
    if not names:
        return ()
    if action is None:
        return (None,)
    values = [action.get(name.removeprefix("action.")) for name in names]
    return tuple((type(value), value) for value in values)


def _no_condition(template: Node, tokens: Tokens) -> Finding:
    found = _wrong_result(template, tokens, "a condition is true or false")
    _, _, comment = tokens.text[tokens.starts[-1] + len(tokens.words[-1]) :].partition(MARK)
    if any(sign in comment for sign in "<>="):
        # A comparison exists, but after a division sign of another language.
        return replace(found, help="`//` begins a comment: write `/` to divide", otherwise="")
    return found


def _no_value(
    node: Node, references: Sequence[str], tokens: Tokens, action: Mapping[str, Constant] | None
) -> Finding:
    names = [reference for reference in references if reference.startswith("action.")]
    absent = next((name for name in names if name.removeprefix("action.") not in (action or {})), None)
    why = f"the action has no `{absent}`" if absent else "of the values that the action has"
    message = f"`{excerpt(node, tokens)}` has no value, because {why}"
    return Finding("NB411", message, cover(node, tokens), "give the action the attribute that is needed")


def _not_computable(error: NotComputableError, text: str) -> Finding:
    return Finding("NB410", str(error.args[0]), whole(text), str(error.args[1]))


def _wrong_result(node: Node, tokens: Tokens, wanted: str) -> Finding:
    text = excerpt(node, tokens)
    help_ = (
        f"compare it: `{f'({text})' if ' ' in text else text} == ...`"
        if wanted.endswith("false")
        else "write an expression that gives a number"
    )
    return Finding("NB406", f"`{text}` is {words_for(node.type)}, {wanted}", cover(node, tokens), help_)


__all__ = ["Expressions", "Reference"]
