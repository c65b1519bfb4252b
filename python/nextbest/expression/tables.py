"""The bundle's tables that expressions fill; equal features and literals are entered once."""

from collections.abc import Callable
from dataclasses import dataclass, field

from nextbest.diagnostics import Position
from nextbest.expression import literal as lit
from nextbest.expression.literal import Test
from nextbest.expression.program import assemble
from nextbest.expression.rendering import render
from nextbest.expression.schema import Attribute, Schema, Type
from nextbest.expression.tree import BOOL, MISSING, Attr, Const, Node
from nextbest.expression.value import encode, type_of
from nextbest.v1 import bundle_pb2

_OPERATORS = {name: bundle_pb2.Comparison.Operator.Value(name) for name in ("EQ", "LT", "LE", "GT", "GE")}


@dataclass(frozen=True, slots=True)
class Tables:
    """What expressions contribute to a bundle, in the order of its indices.

    Attributes:
        files: Files that positions refer to; the bundle's `files` has to be these, in this order.
        attributes: Declarations of attributes that are not derived, by root, then name.
        features: Attributes that are read, `now`, and expressions over them.
        literals: Tests of features.
        conditions: What was written after `when:`.
        clauses: Their conjunctive normal form.
    """

    files: list[str] = field(default_factory=list)
    attributes: list[bundle_pb2.AttributeDeclaration] = field(default_factory=list)
    features: list[bundle_pb2.Feature] = field(default_factory=list)
    literals: list[bundle_pb2.Literal] = field(default_factory=list)
    conditions: list[bundle_pb2.Condition] = field(default_factory=list)
    clauses: list[bundle_pb2.Clause] = field(default_factory=list)


class TableBuilder:
    """Enters features, literals, conditions and clauses.

    Attributes:
        tables: What has been entered.
    """

    def __init__(self, schema: Schema, derived: Callable[[str], Node]) -> None:
        """Enters the declarations.

        Args:
            schema: The attributes.
            derived: The specialised tree of a derived attribute, by its reference.
        """
        self.tables = Tables(attributes=[_declaration(attribute) for attribute in schema.stored()])
        self._schema = schema
        self._derived = derived
        self._attributes = {attribute.reference: place for place, attribute in enumerate(schema.stored())}
        self._features: dict[str, int] = {}
        self._literals: dict[str, int] = {}
        self._conditions: dict[tuple[int, int, int, str, str], int] = {}
        self._files: dict[str, int] = {}

    def attribute(self, reference: str) -> int:
        """The feature that an attribute, a derived attribute or `now` is."""
        known = self._features.get(reference)
        if known is not None:
            return known
        if reference == "now":
            feature = bundle_pb2.Feature(name=reference, type=Type.TIMESTAMP.number, now=bundle_pb2.Now())
            return self._enter(reference, feature)
        declared = self._schema.get(reference)
        if declared is None:
            raise KeyError(reference)
        feature = bundle_pb2.Feature(name=reference, type=declared.type.number)
        if declared.expression is None:
            feature.attribute = self._attributes[reference]
        else:
            feature.derived.CopyFrom(assemble(self._derived(reference), self.attribute))
        return self._enter(reference, feature)

    def feature(self, node: Node) -> int:
        """The feature that an expression is.

        Raises:
            NotComputableError: There is no program for it.
        """
        if isinstance(node, Attr):
            return self.attribute(node.reference)
        name = render(node)
        # The same text can have no value for one action and a value for another; and an element of `[]` can
        # be of any type.
        is_missing = isinstance(node, Const) and node.value is MISSING
        key = f"missing:{name}" if is_missing else f"derived:{node.type}:{name}"
        known = self._features.get(key)
        if known is not None:
            return known
        program = assemble(node, self.attribute)
        feature = bundle_pb2.Feature(name=name, type=Type(node.type).number, derived=program)
        return self._enter(key, feature)

    def literal(self, test: Test) -> int:
        """The literal that a test is."""
        unknown = isinstance(test.feature, Const)
        key = f"missing:{test.text}" if unknown else f"{test.feature.type}:{test.text}"
        known = self._literals.get(key)
        if known is None:
            known = self._literals[key] = len(self.tables.literals)
            self.tables.literals.append(self._encode(test))
        return known

    def never(self) -> int:
        """The literal that is false for everybody."""
        return self.literal(Test("false", Const(BOOL, 0, value=False), lit.IS_TRUE))

    def condition(self, text: str, reason: str, position: Position) -> int:
        """The entry of a condition; the same for the same one at the same place."""
        file = self._file(position.file)
        key = (file, position.line, position.column, text, reason)
        known = self._conditions.get(key)
        if known is None:
            known = self._conditions[key] = len(self.tables.conditions)
            place = bundle_pb2.Position(file=file, line=position.line, column=position.column)
            self.tables.conditions.append(bundle_pb2.Condition(text=text, reason=reason, position=place))
        return known

    def clause(self, literals: list[int], condition: int, text: str, position: Position) -> int:
        """Enters a clause; the caller enters each one once."""
        place = bundle_pb2.Position(
            file=self._file(position.file), line=position.line, column=position.column
        )
        self.tables.clauses.append(
            bundle_pb2.Clause(literals=literals, condition=condition, text=text, position=place)
        )
        return len(self.tables.clauses) - 1

    def _file(self, name: str) -> int:
        known = self._files.get(name)
        if known is None:
            known = self._files[name] = len(self.tables.files)
            self.tables.files.append(name)
        return known

    def _enter(self, key: str, feature: bundle_pb2.Feature) -> int:
        self._features[key] = len(self.tables.features)
        self.tables.features.append(feature)
        return self._features[key]

    def _encode(self, test: Test) -> bundle_pb2.Literal:
        literal = bundle_pb2.Literal(feature=self.feature(test.feature), negated=test.negated, text=test.text)
        match test.kind:
            case lit.IS_TRUE:
                literal.is_true.SetInParent()
            case lit.IS_PRESENT:
                literal.is_present.SetInParent()
            case lit.COMPARISON:
                literal.comparison.operator = _OPERATORS[test.operator]
                literal.comparison.value.CopyFrom(encode(test.value, type_of(test.value)))
            case lit.ONE_OF if isinstance(test.value, tuple):
                literal.one_of.values.extend(encode(value, type_of(value)) for value in test.value)
                literal.one_of.SetInParent()
            case _:
                literal.contains.CopyFrom(encode(test.value, type_of(test.value)))
        return literal


def _declaration(attribute: Attribute) -> bundle_pb2.AttributeDeclaration:
    declaration = bundle_pb2.AttributeDeclaration(
        root=attribute.root.number,
        name=attribute.name,
        type=attribute.type.number,
        required=attribute.required,
        allowed=[encode(value, type_of(value)) for value in attribute.allowed],
        label=attribute.label,
        purposes=attribute.purposes,
    )
    if attribute.minimum is not None:
        declaration.minimum.CopyFrom(encode(attribute.minimum, attribute.type))
    if attribute.maximum is not None:
        declaration.maximum.CopyFrom(encode(attribute.maximum, attribute.type))
    return declaration
