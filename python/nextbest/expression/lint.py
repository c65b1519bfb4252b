"""A condition that is right as CEL, but hardly what its author means -> warnings."""

from collections.abc import Iterator, Sequence

from nextbest.diagnostics.suggestion import nearest, one_of
from nextbest.expression import literal as lit
from nextbest.expression.analysis import Analysis, subject
from nextbest.expression.finding import Finding
from nextbest.expression.literal import Test
from nextbest.expression.normal_form import Disjunction
from nextbest.expression.propagation import exclusions
from nextbest.expression.rendering import render_value
from nextbest.expression.schema import Attribute, Schema
from nextbest.expression.span import cover, excerpt
from nextbest.expression.tokens import Tokens
from nextbest.expression.tree import BOOL, MISSING, Attr, Call, Const, Has, Node, Slot, children
from nextbest.expression.value import Constant


def lint(
    node: Node, clauses: Sequence[Disjunction], tokens: Tokens, schema: Schema, analysis: Analysis
) -> list[Finding]:
    """Looks for what an author hardly means.

    Args:
        node: The specialised condition.
        clauses: Its normal form.
        tokens: Its text.
        schema: The attributes.
        analysis: Reasoning about single attributes.

    Returns:
        Warnings. What depends on attributes of the action is left alone, except where the action has no such
        attribute: another action's may make sense of the condition.
    """
    linter = _Linter(tokens, schema, analysis)
    findings = list(linter.values(clauses))
    if not findings:
        findings = list(linter.truths(node, clauses))
    findings += linter.absent(clauses)
    if "!" in tokens.text:
        findings += linter.negations(node)
    return findings


class _Linter:
    def __init__(self, tokens: Tokens, schema: Schema, analysis: Analysis) -> None:
        self._tokens = tokens
        self._schema = schema
        self._analysis = analysis

    def values(self, clauses: Sequence[Disjunction]) -> Iterator[Finding]:
        """Comparisons with a value that the attribute never has."""
        seen: set[str] = set()
        for clause in clauses:
            for test in clause.tests:
                attribute = self._analysis.attribute(test)
                if attribute is None or test.text in seen or self._analysis.is_open((test,)):
                    continue
                seen.add(test.text)
                values = test.value if isinstance(test.value, tuple) else (test.value,)
                if not _varies(test.node):
                    for value in values:
                        yield from self._value(attribute, test, value)

    def _value(self, attribute: Attribute, test: Test, value: Constant) -> Iterator[Finding]:
        equal = test.kind != lit.COMPARISON or test.operator == "EQ"
        if attribute.allowed and equal and value not in attribute.allowed:
            yield _not_allowed(attribute, value, self._stretch(test, value))
        if isinstance(value, bool) or not isinstance(value, int | float):
            return
        for bound, words, beyond in (
            (attribute.minimum, "at least", attribute.minimum is not None and value < attribute.minimum),
            (attribute.maximum, "at most", attribute.maximum is not None and value > attribute.maximum),
        ):
            if beyond and bound is not None:
                message = (
                    f"`{attribute.reference}` is {words} {render_value(bound)}, never {render_value(value)}"
                )
                yield Finding(
                    "NB506",
                    message,
                    self._stretch(test, value),
                    "correct the value, or the range in schema.yaml",
                )

    def _stretch(self, test: Test, value: Constant) -> tuple[int, int]:
        """Where a value stands in the text; failing that, its test."""
        if test.node is None:
            return 0, len(self._tokens.text)
        for leaf in _leaves(test.node):
            known = self._tokens.literal(leaf.token) if isinstance(leaf, Slot) else None
            if isinstance(leaf, Const) and leaf.origin is None:
                known = leaf.value  # type: ignore[assignment]
            if known == value and known is not None:
                return cover(leaf, self._tokens)
        return cover(test.node, self._tokens)

    def truths(self, node: Node, clauses: Sequence[Disjunction]) -> Iterator[Finding]:
        """Conditions that never or always hold."""
        if isinstance(node, Const) and node.value is not MISSING and not node.varies:
            code, word = ("NB502", "always") if node.value else ("NB501", "never")
            text = excerpt(node, self._tokens)
            yield Finding(
                code,
                f"`{text}` {word} holds",
                cover(node, self._tokens),
                "remove it, or compare an attribute",
            )
            return
        own = [c for c in clauses if c.tests and not any(_varies(test.node) for test in c.tests)]
        closed = [clause for clause in own if not self._analysis.is_open(clause.tests)]
        impossible = [clause for clause in closed if self._analysis.never(clause.tests)]
        for clause in impossible:
            yield self._found("NB501", clause, "never holds", self._why(clause.tests[0]))
        if impossible:
            return
        if len(own) > 1:
            yield from self._exclusions(own)
        # What came of distributing an OR over ANDs is not what the author wrote.
        origins = [id(clause.origin) for clause in clauses]
        for clause in closed:
            if origins.count(id(clause.origin)) > 1:
                continue
            how = self._analysis.always(clause.tests)
            if how == "always":
                yield self._found("NB502", clause, "always holds", "remove it, or correct it")
            elif how == "known":
                about, feature = subject(clause.tests[0]), clause.tests[0].feature
                help_ = "remove it, or correct it"
                if isinstance(feature, Attr):
                    help_ = f"correct it, or write `has({feature.reference})` if that is meant"
                yield self._found("NB502", clause, f"always holds when `{about}` is known", help_)

    def _exclusions(self, clauses: Sequence[Disjunction]) -> Iterator[Finding]:
        """Parts of the condition that cannot hold together."""
        for core in exclusions([clause.tests for clause in clauses], self._analysis):
            parts = [clauses[place].tests for place in core]
            texts = [f"`{' || '.join(test.text for test in part)}`" for part in parts]
            message = f"{', '.join(texts[:-1])} and {texts[-1]} exclude each other: the condition never holds"
            abouts = dict.fromkeys(subject(test) for part in parts for test in part)
            help_ = f"change what it asks of {one_of(abouts)}"
            yield Finding("NB501", message, cover(clauses[core[-1]].origin, self._tokens), help_)

    def _found(self, code: str, clause: Disjunction, what: str, help_: str) -> Finding:
        text = " || ".join(test.text for test in clause.tests)
        return Finding(code, f"`{text}` {what}", cover(clause.origin, self._tokens), help_)

    def _why(self, test: Test) -> str:
        attribute = self._analysis.attribute(test)
        if attribute is None:
            return "correct it"
        if attribute.minimum is not None or attribute.maximum is not None:
            bounds = [f"at least {render_value(attribute.minimum)}"] if attribute.minimum is not None else []
            bounds += [f"at most {render_value(attribute.maximum)}"] if attribute.maximum is not None else []
            return f"`{attribute.reference}` is {' and '.join(bounds)}"
        return "correct it"

    def absent(self, clauses: Sequence[Disjunction]) -> Iterator[Finding]:
        """Clauses that cannot hold because the action does not have an attribute."""
        for clause in clauses:
            unknown = [test for test in clause.tests if isinstance(test.feature, Const)]
            if unknown and len(unknown) == len(clause.tests):
                references = sorted({name for test in unknown for name in _action_references(test.node)})
                if references:
                    stretch = cover(clause.origin, self._tokens)
                    yield Finding(
                        "NB508",
                        f"there is no `{references[0]}`, so that `{unknown[0].text}` never holds",
                        stretch,
                        f"give the action the attribute, or ask first: `has({references[0]}) && ...`",
                    )

    def negations(self, node: Node) -> Iterator[Finding]:
        """`!=` and `!` on attributes that may be missing, when nothing asks for their presence."""
        asked: set[str] = set()
        negated: dict[str, Node] = {}
        for atom, whole, is_negated in _atoms(node, None, is_negated=False):
            for reference in _attributes(atom, asked):
                if is_negated:
                    negated.setdefault(reference, whole)
                else:
                    asked.add(reference)
        for reference, atom in negated.items():
            if reference not in asked and self._may_be_missing(reference):
                text = excerpt(atom, self._tokens)
                help_ = f"if it shall: `!has({reference}) || {text}`; if not: `has({reference}) && {text}`"
                if len(set(_attributes(atom, set()))) > 1:
                    help_ = f"say what is meant then, with `has({reference})`"
                message = f"`{reference}` may be missing, and then `{text}` does not hold"
                yield Finding("NB507", message, cover(atom, self._tokens), help_)

    def _may_be_missing(self, reference: str) -> bool:
        attribute = self._schema.get(reference)
        return attribute is not None and not attribute.required and attribute.expression is None


def _not_allowed(attribute: Attribute, value: Constant, stretch: tuple[int, int]) -> Finding:
    shown = render_value(value)
    names = [str(allowed) for allowed in attribute.allowed]
    alike = next(
        (name for name in names if isinstance(value, str) and name.casefold() == value.casefold()), None
    )
    what = "has no" if attribute.type.startswith("list<") else "is never"
    if alike is not None:
        return Finding(
            "NB505", f"`{attribute.reference}` {what} {shown}: case matters", stretch, f'write "{alike}"'
        )
    best = nearest(value, names) if isinstance(value, str) else None
    help_ = f'did you mean "{best}"?' if best else f"it is {one_of(names)}"
    return Finding("NB504", f"`{attribute.reference}` {what} {shown}", stretch, help_)


def _atoms(node: Node, whole: Node | None, *, is_negated: bool) -> Iterator[tuple[Node, Node, bool]]:
    """What AND, OR and NOT combine: with the negation around it, and whether that turns it round."""
    if isinstance(node, Call):
        if node.operation == "NOT":
            yield from _atoms(node.args[0], None if is_negated else node, is_negated=not is_negated)
            return
        if node.operation in ("AND", "OR"):
            for arg in node.args:
                yield from _atoms(arg, whole, is_negated=is_negated)
            return
        if node.operation == "IF" and node.type == BOOL:
            yield node.args[0], node, False
            for arg in node.args[1:]:
                yield from _atoms(arg, whole, is_negated=is_negated)
            return
        if node.operation == "NE":
            yield node, whole or node, not is_negated
            return
    yield node, whole or node, is_negated


def _attributes(node: Node, present: set[str]) -> list[str]:
    """The attributes that a node reads; those that it asks the presence of go to `present`."""
    if isinstance(node, Has):
        present.add(node.reference)
        return []
    if isinstance(node, Attr):
        return [node.reference]
    return [reference for child in children(node) for reference in _attributes(child, present)]


def _leaves(node: Node) -> Iterator[Node]:
    if isinstance(node, Const) and node.origin is not None:
        yield from _leaves(node.origin)
        return
    below = children(node)
    if not below:
        yield node
    for child in below:
        yield from _leaves(child)


def _varies(node: Node | None) -> bool:
    if node is None:
        return False
    return (isinstance(node, Const) and node.varies) or any(map(_varies, children(node)))


def _action_references(node: Node | None) -> Iterator[str]:
    if isinstance(node, Call | Const) and node.origin is not None:
        yield from _action_references(node.origin)
    elif isinstance(node, Attr) and node.reference.startswith("action."):
        yield node.reference
    elif node is not None:
        for child in children(node):
            yield from _action_references(child)
