"""Conditions that never or always hold (NB501, NB502)."""

from collections.abc import Iterator, Sequence

from nextbest.diagnostics.suggestion import one_of
from nextbest.expression import literal as lit
from nextbest.expression.analysis import Analysis, subject
from nextbest.expression.finding import Finding
from nextbest.expression.lint.counting import where_counting_begins, why_never
from nextbest.expression.normal_form import Disjunction
from nextbest.expression.propagation import exclusions
from nextbest.expression.schema import Root
from nextbest.expression.span import cover, excerpt
from nextbest.expression.tokens import Tokens
from nextbest.expression.tree import MISSING, Attr, Call, Const, Node, varies


def find_truths(
    node: Node,
    clauses: Sequence[Disjunction],
    closed: Sequence[Disjunction],
    tokens: Tokens,
    analysis: Analysis,
) -> Iterator[Finding]:
    """Checks a condition and its normal form.

    Args:
        node: The specialised condition.
        clauses: Its normal form.
        closed: The clauses that may always or never hold.
        tokens: Its text.
        analysis: Reasoning about single attributes.
    """
    if isinstance(node, Const) and node.value is not MISSING and not node.varies:
        code, word = ("NB502", "always") if node.value else ("NB501", "never")
        text = excerpt(node, tokens)
        help_ = "remove it, or compare an attribute"
        yield Finding(code, f"`{text}` {word} holds", cover(node, tokens), help_)
        return
    own = [clause for clause in clauses if _is_own(clause, tokens)]
    closed = [clause for clause in closed if _is_own(clause, tokens)]
    impossible = [clause for clause in closed if analysis.never(clause.tests)]
    for clause in impossible:
        yield _found("NB501", clause, "never holds", why_never(clause.tests[0], analysis), tokens)
    if impossible:
        return
    if len(own) > 1:
        yield from _exclusions(own, tokens, analysis)
    # Distributing an OR over ANDs makes clauses that the author did not write.
    origins = [id(clause.origin) for clause in clauses]
    for clause in closed:
        if origins.count(id(clause.origin)) == 1:
            yield from _always(clause, tokens, analysis)


def _is_own(clause: Disjunction, tokens: Tokens) -> bool:
    """Whether a clause has tests, and none depends on the action."""
    if Root.ACTION in tokens.text and any(varies(test.node) for test in clause.tests):
        return False
    return bool(clause.tests)


def _always(clause: Disjunction, tokens: Tokens, analysis: Analysis) -> Iterator[Finding]:
    how = analysis.always(clause.tests)
    counting = where_counting_begins(clause.tests[0])
    if how == "always":
        yield _found("NB502", clause, "always holds", counting or "remove it, or correct it", tokens)
    elif how == "known":
        test = clause.tests[0]
        measured = _measured(test.feature)
        about, help_ = subject(test), counting or "remove it, or correct it"
        if isinstance(measured, Attr):
            about = about if test.kind == lit.CONTAINS else measured.reference
            help_ = f"{counting or 'correct it'}, or write `has({measured.reference})` if that is intended"
        yield _found("NB502", clause, f"always holds when `{about}` is known", help_, tokens)


def _measured(feature: Node) -> Node:
    """The attribute whose presence decides whether a part of a date or a size is known."""
    while isinstance(feature, Call) and (feature.operation == "SIZE" or feature.operation.startswith("GET_")):
        feature = feature.args[0]
    return feature


def _exclusions(clauses: Sequence[Disjunction], tokens: Tokens, analysis: Analysis) -> Iterator[Finding]:
    """Parts of the condition that cannot hold together."""
    for core in exclusions([clause.tests for clause in clauses], analysis):
        parts = [clauses[place].tests for place in core]
        texts = [f"`{' || '.join(test.text for test in part)}`" for part in parts]
        message = f"{', '.join(texts[:-1])} and {texts[-1]} exclude each other: the condition never holds"
        abouts = dict.fromkeys(subject(test) for part in parts for test in part)
        help_ = f"change one of the tests of {one_of(abouts)}"
        yield Finding("NB501", message, cover(clauses[core[-1]].origin, tokens), help_)


def _found(code: str, clause: Disjunction, what: str, help_: str, tokens: Tokens) -> Finding:
    text = " || ".join(test.text for test in clause.tests)
    if len(clause.tests) > 1:
        # A replacement exists for one of them, but all of them are marked.
        help_ = str(help_)
    return Finding(code, f"`{text}` {what}", cover(clause.origin, tokens), help_)
