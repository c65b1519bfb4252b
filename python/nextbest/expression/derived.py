"""Derived attributes of a schema -> their specialised trees, free of cycles."""

from collections.abc import Iterator, Mapping

from nextbest.expression.evaluation import Evaluator
from nextbest.expression.finding import Finding, whole
from nextbest.expression.lint.written import WrittenLinter
from nextbest.expression.mismatch import words_for
from nextbest.expression.parsing import Parser
from nextbest.expression.program import NotComputableError, assemble
from nextbest.expression.schema import Attribute, Root, Schema, Type
from nextbest.expression.source import SourceText
from nextbest.expression.specialise import Specialiser
from nextbest.expression.tree import MISSING, Attr, Call, Const, Node, children

# Trees are traversed by recursion, through derived attributes too.
DEPTH_MAX = 150
# The number of attributes of a cycle that are shown.
SHOWN_MAX = 8


class DerivedAttributes:
    """The derived attributes of a schema.

    Attributes:
        findings: Their errors and warnings, each with its expression.
    """

    def __init__(self, schema: Schema, parser: Parser, evaluator: Evaluator) -> None:
        """Parses all of them, whether something refers to them or not."""
        self.findings: list[tuple[SourceText, Finding]] = []
        self._parser = parser
        self._evaluator = evaluator
        self._written = WrittenLinter(schema)
        self._time_zone = schema.time_zone
        self._trees: dict[str, Node] = {}
        self._reads: dict[str, tuple[str, ...]] = {}
        sources = {a.reference: a.expression for a in schema if a.expression is not None}
        for attribute in schema:
            if attribute.expression is not None:
                self._add(attribute, attribute.expression)
        order = self._refuse_cycles(sources)
        self._refuse_depth(sources, order)

    def tree(self, reference: str) -> Node:
        """The tree of a derived attribute; of one with errors, a missing constant."""
        return self._trees[reference]

    def _add(self, attribute: Attribute, source: SourceText) -> None:
        reference = attribute.reference
        self._trees[reference] = Const(attribute.type, 0, MISSING, text=reference)
        if attribute.root is Root.ACTION:
            message = f"`{reference}` cannot be derived: an action's attributes are constants"
            help_ = "give each action the value, or derive a customer attribute"
            self.findings.append((source, Finding("NB407", message, whole(source.text), help_)))
            return
        tokens, template, findings = self._parser.parse(source.text)
        if template is not None:
            specialiser = Specialiser(tokens, None, self._evaluator, self._time_zone)
            node = _converted(specialiser.specialise(template.node, {}), attribute.type)
            findings = (
                specialiser.findings or _wrong_type(attribute, node, source) or _not_computable(node, source)
            )
            if not findings:
                self._trees[reference] = node
                self._reads[reference] = template.references
                needed = attribute.type is Type.DOUBLE
                findings = list(self._written.lint(template.node, tokens, self._parser, needed=needed))
        self.findings += [(source, finding) for finding in findings]

    def _refuse_cycles(self, sources: dict[str, SourceText]) -> list[str]:
        """Reports attributes that read themselves; returns all, each after those that it reads."""
        order: list[str] = []
        done: set[str] = set()
        for reference in list(self._reads):
            for cycle in self._cycles(reference, done, order):
                source = sources[cycle[0]]
                shown = cycle if len(cycle) <= SHOWN_MAX else [*cycle[: SHOWN_MAX - 1], "...", cycle[-1]]
                path = " -> ".join([*shown, cycle[0]])
                message = f"`{cycle[0]}` depends on itself: {path}"
                help_ = "remove the reference to the next one from one of them"
                self.findings.append((source, Finding("NB413", message, whole(source.text), help_)))
                for member in cycle:
                    self._trees[member] = Const(self._trees[member].type, 0, MISSING, text=member)
        return order

    def _cycles(self, reference: str, done: set[str], order: list[str]) -> Iterator[list[str]]:
        """Follows what attributes read, without recursion: a chain of them can be as long as the schema."""
        if reference in done:
            return
        path = {reference: iter(self._reads[reference])}
        while path:
            current = next(reversed(path))
            read = next(path[current], None)
            if read is None:
                del path[current]
                done.add(current)
                order.append(current)
            elif read in path:
                members = list(path)
                yield members[members.index(read) :]
            elif read not in done and read in self._reads:
                path[read] = iter(self._reads[read])

    def _refuse_depth(self, sources: dict[str, SourceText], order: list[str]) -> None:
        """Reports attributes whose expressions, with those that they read, are too deep."""
        depths: dict[str, int] = {}
        too_deep: set[str] = set()
        for reference in order:
            if not too_deep.isdisjoint(self._reads[reference]):
                too_deep.add(reference)
            else:
                depths[reference] = _depth(self._trees[reference], depths)
                if depths[reference] <= DEPTH_MAX:
                    continue
                too_deep.add(reference)
                message = (
                    f"`{reference}` is {depths[reference]} operations deep, with the derived attributes "
                    f"that it reads: at most {DEPTH_MAX} are allowed"
                )
                help_ = "compute a part of it in the data source, and declare that as an attribute"
                source = sources[reference]
                self.findings.append((source, Finding("NB417", message, whole(source.text), help_)))
            self._trees[reference] = Const(self._trees[reference].type, 0, MISSING, text=reference)


def _depth(node: Node, depths: Mapping[str, int]) -> int:
    """Operations on the longest way down, those of derived attributes included."""
    if isinstance(node, Attr):
        return 1 + depths.get(node.reference, 0)
    return 1 + max((_depth(child, depths) for child in children(node)), default=0)


def _converted(node: Node, declared: Type) -> Node:
    if node.type == "int" and declared is Type.DOUBLE:
        return Call("double", node.token, "TO_DOUBLE", (node,))
    return node


def _not_computable(node: Node, source: SourceText) -> list[Finding]:
    try:
        assemble(node, lambda _: 0)
    except NotComputableError as error:
        return [Finding("NB410", str(error.args[0]), whole(source.text), str(error.args[1]))]
    return []


def _wrong_type(attribute: Attribute, node: Node, source: SourceText) -> list[Finding]:
    if node.type in (attribute.type, "list<?>"):
        return []
    declared, found = words_for(attribute.type), words_for(node.type)
    message = f"`{attribute.reference}` is declared as {declared}, its expression is {found}"
    help_ = f"declare it as {node.type}, or convert the result"
    return [Finding("NB406", message, whole(source.text), help_)]
