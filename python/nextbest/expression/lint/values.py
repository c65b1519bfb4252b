"""Comparisons with a value that an attribute or an expression never has (NB504, NB505, NB506)."""

from collections.abc import Iterator, Sequence

from nextbest.diagnostics import Remedy
from nextbest.diagnostics.spelling import usual
from nextbest.diagnostics.suggestion import nearest, one_of
from nextbest.expression import domain as sets
from nextbest.expression import literal as lit
from nextbest.expression.analysis import Analysis
from nextbest.expression.finding import Finding
from nextbest.expression.lint.counting import where_counting_begins, why_never
from nextbest.expression.literal import Test
from nextbest.expression.normal_form import Disjunction
from nextbest.expression.rendering import quote, render, render_value
from nextbest.expression.schema import Attribute
from nextbest.expression.span import cover
from nextbest.expression.tokens import Tokens
from nextbest.expression.tree import INT, STRING, Const, Node, Slot, children, varies
from nextbest.expression.value import Constant


def find_values(clauses: Sequence[Disjunction], tokens: Tokens, analysis: Analysis) -> Iterator[Finding]:
    """Checks the tests of a condition's normal form."""
    seen: set[str] = set()
    for clause in clauses:
        for test in clause.tests:
            if test.text in seen or analysis.is_open((test,)):
                continue
            seen.add(test.text)
            if test.kind in (lit.IS_TRUE, lit.IS_PRESENT) or test.node is None or varies(test.node):
                continue
            attribute = analysis.attribute(test)
            for value in test.value if isinstance(test.value, tuple) else (test.value,):
                if attribute is not None:
                    yield from _value(attribute, test, value, tokens)
                elif test.kind == lit.ONE_OF and test.feature.type == INT and analysis.truth(test):
                    yield from _listed(test, value, tokens, analysis)
            # Texts have values instead of ranges: see `members`.
            is_text = test.feature.type == STRING
            if (
                attribute is None
                and not is_text
                and not analysis.truth(test)
                and not analysis.never(clause.tests)
            ):
                # If nothing else is left, the condition never holds, which is reported.
                help_ = why_never(test, analysis)
                yield Finding("NB506", f"`{test.text}` never holds", cover(test.node, tokens), help_)


def _value(attribute: Attribute, test: Test, value: Constant, tokens: Tokens) -> Iterator[Finding]:
    equal = test.kind != lit.COMPARISON or test.operator == "EQ"
    if attribute.allowed and equal and value not in attribute.allowed:
        is_list = attribute.type.startswith("list<")
        stretch = _stretch(test, value, tokens)
        yield not_allowed(attribute.reference, attribute.allowed, value, stretch, is_list=is_list)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return
    for bound, words, beyond in (
        (attribute.minimum, "at least", attribute.minimum is not None and value < attribute.minimum),
        (attribute.maximum, "at most", attribute.maximum is not None and value > attribute.maximum),
    ):
        if beyond and bound is not None:
            message = f"`{attribute.reference}` is {words} {render_value(bound)}, never {render_value(value)}"
            help_ = "correct the value, or the range in schema.yaml"
            yield Finding("NB506", message, _stretch(test, value, tokens), help_)


def _listed(test: Test, value: Constant, tokens: Tokens, analysis: Analysis) -> Iterator[Finding]:
    if analysis.universe(test) & sets.points([value], whole=test.feature.type == INT):
        return
    message = f"`{render(test.feature)}` is never {render_value(value)}"
    help_ = where_counting_begins(test) or "remove the value, or correct it"
    yield Finding("NB506", message, _stretch(test, value, tokens), help_)


def _stretch(test: Test, value: Constant, tokens: Tokens) -> tuple[int, int]:
    return value_stretch(test.node or test.feature, value, tokens)


def value_stretch(node: Node, value: Constant, tokens: Tokens) -> tuple[int, int]:
    """The position of a value in the text of a node; if it is not there, all of the node."""
    for leaf in _leaves(node):
        known = tokens.literal(leaf.token) if isinstance(leaf, Slot) else None
        if isinstance(leaf, Const) and leaf.origin is None:
            known = leaf.value  # type: ignore[assignment]
        if known == value and known is not None:
            return cover(leaf, tokens)
    return cover(node, tokens)


def not_allowed(
    name: str, values: Sequence[str | int], value: Constant, stretch: tuple[int, int], *, is_list: bool
) -> Finding:
    """Words the finding for a value that an attribute or expression never has."""
    shown = render_value(value)
    names = [str(allowed) for allowed in dict.fromkeys(values)]
    what = f"`{name}` {'has no' if is_list else 'is never'} {shown}"
    if isinstance(value, str):
        same = next((allowed for allowed in names if usual(allowed) == usual(value)), None)
        if same is not None:
            help_ = "copy the value from schema.yaml, in Unicode's normal form C"
            if usual(same) == same:
                help_ = Remedy("write it as in schema.yaml: `{}`", quote(same))
            return Finding("NB514", f"{what}: the value in schema.yaml only looks the same", stretch, help_)
        alike = next((allowed for allowed in names if allowed.casefold() == value.casefold()), None)
        if alike is not None:
            return Finding("NB505", f"{what}: case matters", stretch, Remedy("write `{}`", quote(alike)))
    best = nearest(value, names) if isinstance(value, str) else None
    meant = Remedy("did you mean `{}`?", quote(best)) if best else f"it is {one_of(names)}"
    return Finding("NB504", what, stretch, meant)


def _leaves(node: Node) -> Iterator[Node]:
    if isinstance(node, Const) and node.origin is not None:
        yield from _leaves(node.origin)
        return
    below = children(node)
    if not below:
        yield node
    for child in below:
        yield from _leaves(child)
