"""A condition that is right as CEL, but hardly what its author means -> warnings."""

from collections.abc import Sequence

from nextbest.expression.analysis import Analysis
from nextbest.expression.finding import Finding
from nextbest.expression.lint.absence import find_absent
from nextbest.expression.lint.truths import find_truths
from nextbest.expression.lint.unknown import find_unknown
from nextbest.expression.lint.values import find_values
from nextbest.expression.normal_form import Disjunction
from nextbest.expression.schema import Schema
from nextbest.expression.tokens import Tokens
from nextbest.expression.tree import Node


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
    findings = list(find_values(clauses, tokens, analysis))
    if not findings:
        findings = list(find_truths(node, clauses, tokens, analysis))
    findings += find_absent(clauses, tokens)
    if "!" in tokens.text:
        findings += find_unknown(node, tokens, schema)
    return findings
