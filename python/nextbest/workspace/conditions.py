"""Expressions in files -> clauses and programs of a bundle; inherited ones are compiled once.

An expression over an attribute with a wrong declaration is not compiled: it would only repeat that error in
other words.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from types import MappingProxyType

from nextbest.diagnostics import Diagnostic, Fix, Position, Remedy
from nextbest.expression import Attribute, Constant, Expressions, Reference, Root, Schema, SourceText, Type
from nextbest.expression.exclusion import Exclusion, Place, find_exclusions
from nextbest.expression.propagation import Remainder, propagate
from nextbest.expression.tokens import Tokens
from nextbest.v1 import bundle_pb2
from nextbest.workspace.check.schema import ENUMERABLE, NUMBERS, RESERVED, has_too_many_attributes
from nextbest.workspace.definitions import AttributeDefinition, ConditionDefinition
from nextbest.workspace.document import Document, Node
from nextbest.workspace.load import Workspace
from nextbest.workspace.scalar import quote, rewrite

READS_ACTION = re.compile(r"\baction\b")

# Actions whose attributes could not all be read: their expressions are not checked.
UNCLEAR: Mapping[str, Constant] = MappingProxyType({})

Path = tuple[str | int, ...]


class Conditions:
    """The expressions of one workspace.

    Attributes:
        attributes: The valid declared attributes, by reference, in the order of a bundle.
    """

    def __init__(self, workspace: Workspace) -> None:
        declared = _judgeable(workspace, list(_declare(workspace)))
        schema = Schema(declared, workspace.time_zone)
        self.attributes = {attribute.reference: attribute for attribute in schema}
        self._expressions = Expressions(schema)
        self._unclear = _unclear(workspace, self.attributes)
        self._cut: list[Diagnostic] = []
        # Clauses of conditions that do not read the action, by the position at which they are written.
        self._inherited: dict[tuple[str, Path], list[int]] = {}

    @property
    def diagnostics(self) -> Sequence[Diagnostic]:
        """The findings in expressions so far."""
        return [*self._cut, *self._expressions.diagnostics]

    def fill(self, bundle: bundle_pb2.Bundle) -> None:
        """Adds the tables to the bundle, files in sorted order."""
        tables = self._expressions.tables
        bundle.files.extend(sorted(tables.files))
        order = {file: index for index, file in enumerate(bundle.files)}
        moved = [order[file] for file in tables.files]
        bundle.attributes.extend(tables.attributes)
        bundle.features.extend(tables.features)
        bundle.literals.extend(tables.literals)
        bundle.conditions.extend(tables.conditions)
        bundle.clauses.extend(tables.clauses)
        if moved != sorted(moved):
            for position in _positions(bundle):
                position.file = moved[position.file]

    def clauses(
        self,
        document: Document,
        path: Path,
        conditions: Sequence[ConditionDefinition],
        action: Mapping[str, Constant] | None = None,
    ) -> list[int]:
        """Compiles a list of conditions, all of which have to hold.

        Args:
            document: The file they are in.
            path: Of the list.
            conditions: As defined.
            action: The attributes of the action they are compiled for; None outside of actions.
        """
        clauses: list[int] = []
        for index, condition in enumerate(conditions):
            clauses += self._condition(document, (*path, index), condition, action)
        return clauses

    def condition(self, document: Document, path: Path, text: str) -> list[int]:
        """Compiles a condition outside of actions."""
        source = self._source(document, path, text)
        return [] if source is None else self._expressions.condition(source)

    def number(self, document: Document, path: Path, text: str, action: Mapping[str, Constant]) -> object:
        """Compiles a value: a float, a `Program`, or None if it has errors."""
        if action is UNCLEAR and READS_ACTION.search(text):
            return None
        source = self._source(document, path, text)
        return None if source is None else self._expressions.number(source, action)

    def formula(self, document: Document, path: Path, text: str) -> bundle_pb2.Program | None:
        """Compiles the arbitration formula."""
        source = self._source(document, path, text)
        return None if source is None else self._expressions.formula(source)

    def reference(self, document: Document, path: Path, text: str) -> Reference | None:
        """Resolves a bare reference, even if it is not written in the file: inputs can be bound by name."""
        if document.node is None or document.node.child(*path) is None:
            source = SourceText(text, lambda *_: document.value(*path)) if self._unclear is not None else None
        else:
            source = self._source(document, path, text)
        return None if source is None else self._expressions.reference(source)

    def place(self, clause: int) -> Place:
        """What a clause tests, and where it is written."""
        return self._expressions.place(clause)

    def exclusions(self, places: Sequence[Place]) -> list[Exclusion]:
        """Finds clauses that cannot hold together."""
        return find_exclusions(places, self._expressions.analysis)

    def propagate(self, places: Sequence[Place]) -> Remainder:
        """Draws conclusions from clauses that hold together."""
        return propagate([place.tests for place in places], self._expressions.analysis)

    def _condition(
        self,
        document: Document,
        path: Path,
        condition: ConditionDefinition,
        action: Mapping[str, Constant] | None,
    ) -> list[int]:
        key = (document.file, path)
        found = self._inherited.get(key)
        if found is not None:
            return found
        if action is UNCLEAR and READS_ACTION.search(condition.when):
            return []
        source = self._source(document, (*path, "when"), condition.when)
        if source is None:
            return []
        clauses = self._expressions.condition(source, condition.reason, action)
        if action is None or not READS_ACTION.search(condition.when):
            self._inherited[key] = clauses
        return clauses

    def _source(self, document: Document, path: Path, text: str) -> SourceText | None:
        node = document.node.child(*path) if document.node is not None else None
        if node is None or self._unclear is None or (self._unclear and self._mentions_unclear(text)):
            return None
        cut = _cut_text(document, node, text)
        if cut is not None:
            self._cut.append(cut)
            return None
        return SourceText(text, partial(document.inside, node, text), partial(rewrite, document, node))

    def _mentions_unclear(self, text: str) -> bool:
        return _mentions(text, self._unclear or ())


def _cut_text(document: Document, node: Node, text: str) -> Diagnostic | None:
    """Reports an expression that ` #` cuts off within a text in quotes: `customer.tag == "a #b"`."""
    line = document.lines[node.end_line] if node.end_line < len(document.lines) else ""
    rest = line[node.end_column :].rstrip()
    if node.style or node.line != node.end_line or not rest.lstrip().startswith("#"):
        return None
    words = Tokens(text).words
    if "'" not in words and '"' not in words:
        return None
    written = quote(text + rest)
    message = "` #` begins a comment, which cuts off the rest of the expression"
    column = node.end_column + len(rest) - len(rest.lstrip())
    position = Position(document.file, node.line + 1, column + 1, len(rest.lstrip()))
    if written is None:
        return Diagnostic("NB401", message, position, "quote the whole expression")
    fix = Fix(
        document.file, node.line + 1, node.column + 1, node.line + 1, node.end_column + len(rest) + 1, written
    )
    return Diagnostic("NB401", message, position, Remedy("quote all of it: `{}`", fix))


def _positions(bundle: bundle_pb2.Bundle) -> Iterator[bundle_pb2.Position]:
    for condition in bundle.conditions:
        yield condition.position
    for clause in bundle.clauses:
        yield clause.position


def _mentions(text: str, references: Iterable[str]) -> bool:
    return any(re.search(rf"\b{re.escape(reference)}\b", text) for reference in references)


def _judgeable(workspace: Workspace, declared: list[Attribute]) -> list[Attribute]:
    """Leaves out attributes that are computed from one whose declaration is, or may be, wrong."""
    names = workspace.names.attributes
    while True:
        unclear = frozenset(names.places) - {attribute.reference for attribute in declared}
        kept = [
            attribute
            for attribute in declared
            if attribute.expression is None
            or (names.complete and not _mentions(attribute.expression.text, unclear))
        ]
        if len(kept) == len(declared):
            return kept
        declared = kept


def _unclear(workspace: Workspace, attributes: Mapping[str, Attribute]) -> frozenset[str] | None:
    """References with a wrong declaration; None if all declarations are unreliable."""
    if workspace.schema is None or not workspace.names.attributes.complete:
        return None
    if has_too_many_attributes(workspace.schema.definition):
        return None
    return frozenset(workspace.names.attributes.places) - frozenset(attributes)


def _declare(workspace: Workspace) -> list[Attribute]:
    if workspace.schema is None or has_too_many_attributes(workspace.schema.definition):
        return []
    document, schema = workspace.schema.document, workspace.schema.definition
    roots = ((Root.CUSTOMER, schema.customer), (Root.CONTEXT, schema.context), (Root.ACTION, schema.action))
    return [
        _attribute(workspace, document, root, name, definition)
        for root, definitions in roots
        for name, definition in definitions.items()
        if name not in RESERVED and (root is not Root.ACTION or definition.expression is None)
    ]


def _attribute(
    workspace: Workspace, document: Document, root: Root, name: str, definition: AttributeDefinition
) -> Attribute:
    """The declaration as the expression compiler takes it, without the parts that the check refused.

    If it has errors, the parts that would only cause findings elsewhere are left out.
    """
    node = document.node.child(root, name) if document.node is not None else None
    is_sound = workspace.is_sound(document, node)
    kind = ENUMERABLE.get(definition.type)
    values = definition.enum or ()
    is_usable = is_sound and kind is not None and all(isinstance(value, kind) for value in values)
    bounds = [
        bound
        if is_sound and definition.type in NUMBERS and (definition.type == "double" or isinstance(bound, int))
        else None
        for bound in (definition.minimum, definition.maximum)
    ]
    expression = None
    if definition.expression is not None:
        node = document.node.child(root, name, "expression") if document.node is not None else None
        if node is not None:
            text = definition.expression
            expression = SourceText(
                text, partial(document.inside, node, text), partial(rewrite, document, node)
            )
    return Attribute(
        root=root,
        name=name,
        type=Type(definition.type),
        required=definition.required or not is_sound,
        allowed=tuple(dict.fromkeys(values)) if is_usable else (),
        minimum=bounds[0],
        maximum=bounds[1],
        label=definition.label,
        purposes=tuple(definition.purposes),
        expression=expression,
    )
