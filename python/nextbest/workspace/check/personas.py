"""`tests/*.yaml` -> tests that ask for, or expect, what does not exist."""

from collections.abc import Iterator, Mapping

from nextbest.diagnostics import Diagnostic, Position
from nextbest.diagnostics.suggestion import suggest
from nextbest.workspace.check.values import Written, constant
from nextbest.workspace.definitions import AttributeDefinition, PersonaFile, PersonaTestDefinition
from nextbest.workspace.load import Source, Workspace

Attributes = Mapping[str, AttributeDefinition]


def check_personas(workspace: Workspace) -> Iterator[Diagnostic]:
    """Finds unknown attributes, personas, placements and actions, and values the schema does not allow."""
    names: dict[str, str] = {}
    for source in workspace.personas:
        for persona, definition in source.definition.personas.items():
            values = {"customer": definition.customer, "context": definition.context}
            yield from _check_values(workspace, source, ("personas", persona), values)
        for index, test in enumerate(source.definition.tests):
            path = ("tests", index)
            yield from _check_values(
                workspace, source, path, {"customer": test.customer, "context": test.context}
            )
            yield from _check_test(workspace, source, index, test)
            position = source.document.value(*path, "name")
            first = names.setdefault(test.name, f"{position.file}:{position.line}")
            if first != f"{position.file}:{position.line}":
                remedy = f"{first} has the same name: describe the difference in this one"
                yield Diagnostic("NB806", "two tests have the same name", position, remedy)


def _check_values(
    workspace: Workspace,
    source: Source[PersonaFile],
    path: tuple[str | int, ...],
    values: Mapping[str, Mapping[str, object]],
) -> Iterator[Diagnostic]:
    if workspace.schema is None:
        return
    schema = workspace.schema.definition
    declared: dict[str, Attributes] = {"customer": schema.customer, "context": schema.context}
    document = source.document
    for root, attributes in values.items():
        node = document.node.child(*path, root) if document.node is not None else None
        for name, value in attributes.items():
            attribute = declared[root].get(name)
            if attribute is None and node is not None:
                known = {reference.partition(".")[2] for reference in workspace.names.attributes.places
                         if reference.startswith(f"{root}.")}  # fmt: skip
                if name not in known and workspace.names.attributes.complete:
                    remedy = suggest(name, known, otherwise=f"declare it in `schema.yaml` under `{root}:`")
                    message = f"unknown attribute `{root}.{name}`"
                    yield Diagnostic("NB802", message, document.key(node, name), remedy)
            elif attribute is not None and attribute.expression is not None and node is not None:
                remedy = "set the attributes that it is computed from"
                message = f"`{root}.{name}` is computed: it cannot be set"
                yield Diagnostic("NB808", message, document.key(node, name), remedy)
            elif attribute is not None:
                _, found = constant(
                    Written(document, (*path, root, name), value), attribute, "NB803", workspace.time_zone
                )
                yield from found


def _check_test(
    workspace: Workspace, source: Source[PersonaFile], index: int, test: PersonaTestDefinition
) -> Iterator[Diagnostic]:
    document, names = source.document, workspace.names
    path = ("tests", index)
    yield from names.personas.refer(test.persona, document.value(*path, "persona"))
    unknown = names.channels.refer(test.channel, document.value(*path, "channel"))
    yield from unknown
    placements = document.node.child(*path, "placements") if document.node is not None else None
    for placement in test.placements:
        if not unknown and placements is not None:
            yield from names.placements(test.channel).refer(placement, document.key(placements, placement))
    test_node = document.node.child(*path) if document.node is not None else None
    if expected_placements(test) or test.expect.not_ or not workspace.is_sound(document, test_node):
        yield from _check_expectation(workspace, source, index, test)
    else:
        remedy = (
            "write the actions expected in a placement, `hero: [gold-card]` or `hero: []`, or `not: "
            "[gold-card]`"
        )
        message = "the test expects nothing, so it can never fail"
        yield Diagnostic("NB810", message, document.name(*path, "expect"), remedy)


def _check_expectation(
    workspace: Workspace, source: Source[PersonaFile], index: int, test: PersonaTestDefinition
) -> Iterator[Diagnostic]:
    document = source.document
    path = ("tests", index, "expect")
    expect = document.node.child(*path) if document.node is not None else None
    if expect is None:
        return
    for placement, actions in expected_placements(test).items():
        if placement not in test.placements:
            remedy = suggest(placement, test.placements, otherwise="add it to the `placements:` of the test")
            message = f"the test does not ask for the placement `{placement}`"
            yield Diagnostic("NB805", message, document.key(expect, placement), remedy)
        elif len(actions) > test.placements[placement]:
            remedy = "raise the number under `placements:`, or expect fewer"
            most = test.placements[placement]
            message = f"{len(actions)} actions are expected where at most {most} are asked for"
            yield Diagnostic("NB809", message, document.value(*path, placement), remedy)
        for position, action in enumerate(actions):
            if not workspace.names.actions.knows(action):
                yield _unknown(workspace, action, document.value(*path, placement, position))
    refusals = expect.child("not")
    for position, action in enumerate(test.expect.not_):
        if not workspace.names.actions.knows(action) and refusals is not None:
            is_list = isinstance(test.expect.not_, list)
            place = document.value(*path, "not", position) if is_list else document.key(refusals, action)
            yield _unknown(workspace, action, place)


def _unknown(workspace: Workspace, action: str, position: Position) -> Diagnostic:
    remedy = suggest(action, workspace.names.actions.places, otherwise="no file below `actions/` defines it")
    return Diagnostic("NB804", f"the test expects an unknown action `{action}`", position, remedy)


def expected_placements(test: PersonaTestDefinition) -> dict[str, list[str]]:
    """What a test expects in each placement that it mentions."""
    return dict(test.expect.__pydantic_extra__ or {})
