"""`schema.yaml` -> declarations that contradict themselves."""

from collections.abc import Iterator

from nextbest.diagnostics import Diagnostic, Severity
from nextbest.expression import Type
from nextbest.workspace.check.spelling import check_spelling
from nextbest.workspace.check.values import rewritten
from nextbest.workspace.definitions import AttributeDefinition, SchemaFile
from nextbest.workspace.document import Document
from nextbest.workspace.load import Workspace

RESERVED = frozenset(
    [
        "as",
        "break",
        "const",
        "continue",
        "else",
        "false",
        "for",
        "function",
        "if",
        "import",
        "in",
        "let",
        "loop",
        "namespace",
        "null",
        "package",
        "return",
        "true",
        "var",
        "void",
        "while",
    ]
)
# Per root: customer, context and action. cel-cpp takes their types as one message, whose size is limited to
# little more than this.
ATTRIBUTES_MAX = 4_000
NUMBERS = frozenset({"int", "double"})
# The types of the values of an `enum`, by type of the attribute.
ENUMERABLE = {"string": str, "int": int, "list<string>": str, "list<int>": int}


def check_schema(workspace: Workspace) -> Iterator[Diagnostic]:
    """Finds reserved names, wrong bounds and choices, and expressions that are not allowed."""
    if workspace.schema is None:
        return
    document, schema = workspace.schema.document, workspace.schema.definition
    for root, attributes in (
        ("customer", schema.customer),
        ("context", schema.context),
        ("action", schema.action),
    ):
        if len(attributes) > ATTRIBUTES_MAX:
            message = f"`{root}` has {len(attributes):,} attributes, at most {ATTRIBUTES_MAX:,} are allowed"
            remedy = "declare only the attributes that rules and models read"
            yield Diagnostic("NB418", message, document.name(root), remedy)
        for name, attribute in attributes.items():
            path = (root, name)
            if name in RESERVED:
                position = document.key(document.node.child(root), name)  # type: ignore[union-attr, arg-type]
                remedy = f"choose another name, `{name}_`"
                yield Diagnostic("NB209", f"`{name}` is a word of the expression language", position, remedy)
            yield from _check_enum(document, path, attribute)
            yield from _check_bounds(document, path, attribute)
            yield from _check_derived(document, path, attribute)
    yield from _check_purposes(workspace)


def _check_purposes(workspace: Workspace) -> Iterator[Diagnostic]:
    """Notes once that consent is not yet applied, because an author who declares purposes relies on it."""
    if workspace.schema is None:
        return
    document, schema = workspace.schema.document, workspace.schema.definition
    found = [
        (root, name)
        for root, attributes in (
            ("customer", schema.customer),
            ("context", schema.context),
            ("action", schema.action),
        )
        for name, attribute in attributes.items()
        if attribute.purposes
    ]
    if found:
        also = f" and of {len(found) - 1:,} more" if len(found) > 1 else ""
        message = f"the purposes of `{'.'.join(found[0])}`{also} are kept, but not yet applied"
        remedy = "decisions ignore consent: write a condition on it"
        position = document.name(*found[0], "purposes")
        yield Diagnostic("NB224", message, position, remedy, Severity.NOTE)


def has_too_many_attributes(schema: SchemaFile) -> bool:
    """Whether the schema is too large for any expression to be checked against it."""
    return any(len(group) > ATTRIBUTES_MAX for group in (schema.customer, schema.context, schema.action))


def _check_enum(
    document: Document, path: tuple[str, str], attribute: AttributeDefinition
) -> Iterator[Diagnostic]:
    if attribute.enum is None:
        return
    kind = ENUMERABLE.get(attribute.type)
    if kind is None:
        remedy = (
            "remove it; `minimum` and `maximum` bound a number" if attribute.type == "double" else "remove it"
        )
        yield Diagnostic("NB301", f"a {attribute.type} has no `enum`", document.value(*path, "enum"), remedy)
        return
    seen: set[str | int] = set()
    for index, value in enumerate(attribute.enum):
        position = document.value(*path, "enum", index)
        if not isinstance(value, kind):
            written = document.written(*path, "enum", index)
            remedy = rewritten(written, value, Type.STRING if kind is str else Type.INT)
            yield Diagnostic("NB302", f"`{written}` is not a value of a {attribute.type}", position, remedy)
        elif value in seen:
            written = document.written(*path, "enum", index)
            yield Diagnostic(
                "NB308", f"`{written}` is in this list already", position, "remove one of the two"
            )
        elif isinstance(value, str):
            yield from check_spelling(value, position)
        seen.add(value)


def _check_bounds(
    document: Document, path: tuple[str, str], attribute: AttributeDefinition
) -> Iterator[Diagnostic]:
    bounds = {"minimum": attribute.minimum, "maximum": attribute.maximum}
    for key, bound in bounds.items():
        if bound is None:
            continue
        position = document.value(*path, key)
        if attribute.type not in NUMBERS:
            yield Diagnostic("NB303", f"a {attribute.type} has no `{key}`", position, "remove it")
        elif attribute.type == "int" and not isinstance(bound, int):
            written = document.written(*path, key)
            remedy = rewritten(written, bound, Type.INT)
            yield Diagnostic("NB302", f"`{written}` is not a value of an int", position, remedy)
    if (
        attribute.minimum is not None
        and attribute.maximum is not None
        and attribute.minimum > attribute.maximum
    ):
        maximum, minimum = (document.written(*path, key) for key in ("maximum", "minimum"))
        message = f"the maximum, {maximum}, is less than the minimum, {minimum}"
        yield Diagnostic("NB303", message, document.value(*path, "maximum"), "swap the two")


def _check_derived(
    document: Document, path: tuple[str, str], attribute: AttributeDefinition
) -> Iterator[Diagnostic]:
    if attribute.expression is None:
        return
    if path[0] == "action":
        remedy = "write the value with each action, under `attributes:`"
        position = document.value(*path, "expression")
        yield Diagnostic("NB307", "an attribute of actions has no `expression`", position, remedy)
    for key in ("required", "enum", "minimum", "maximum"):
        if getattr(attribute, key):
            position = document.value(*path, key)
            remedy = f"remove `{key}`, or `expression`"
            yield Diagnostic("NB307", f"a computed attribute has no `{key}`", position, remedy)
