"""A condition that is valid CEL, but probably not what its author intends -> warnings."""

from collections.abc import Callable, Sequence

from nextbest.expression.analysis import Analysis
from nextbest.expression.evaluation import Evaluator
from nextbest.expression.finding import Finding
from nextbest.expression.lint.absence import find_absent
from nextbest.expression.lint.members import Members
from nextbest.expression.lint.truths import find_truths
from nextbest.expression.lint.unknown import UnknownTests
from nextbest.expression.lint.values import find_values
from nextbest.expression.normal_form import Disjunction
from nextbest.expression.schema import Root, Schema
from nextbest.expression.tokens import Tokens
from nextbest.expression.tree import Const, Node


class Linter:
    """Finds probable mistakes, using the declarations of a schema."""

    def __init__(
        self, schema: Schema, analysis: Analysis, derived: Callable[[str], Node], evaluator: Evaluator
    ) -> None:
        """Takes the declarations, reasoning about single attributes, and the trees of derived attributes."""
        self._analysis = analysis
        self._members = Members(schema, derived)
        self._unknown = UnknownTests(schema, derived, evaluator)

    def lint(self, node: Node, clauses: Sequence[Disjunction], tokens: Tokens) -> list[Finding]:
        """Checks a condition.

        Args:
            node: The specialised condition.
            clauses: Its normal form.
            tokens: Its text.

        Returns:
            Warnings. Conditions that depend on attributes of the action are not reported, unless the action
            lacks such an attribute: they may make sense for another action.
        """
        # Most conditions are about single attributes without restrictions: for these one check is enough.
        closed = [clause for clause in clauses if not self._analysis.is_open(clause.tests)]
        findings = list(find_values(closed, tokens, self._analysis)) if closed else []
        findings += [found for found in self._members.find(node, tokens) if found not in findings]
        if not findings and (closed or len(clauses) != 1 or isinstance(node, Const)):
            findings = list(find_truths(node, clauses, closed, tokens, self._analysis))
        if Root.ACTION in tokens.text:
            findings += find_absent(clauses, tokens)
        unknown = list(self._unknown.find(node, tokens))
        if unknown:
            # A condition that always holds when an attribute is known is reported already.
            always = {finding.stretch for finding in findings if finding.code == "NB502"}
            findings += [found for found in unknown if found.stretch not in always]
        return findings
