"""Services and messages of the protocol -> one page, from the comments of the .proto files."""

from collections.abc import Iterator, Mapping
from typing import Final

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    MethodDescriptorProto,
)

from nextbest.serve.access import METHOD_ROLES
from reference_pages.contract import Place, read
from reference_pages.markdown import paragraph, table

FILES: Final = ("decision", "customer", "control")
INTRODUCTION: Final = """# gRPC

For programmers who call nextbest without the Python client: every call and every message. The contract is in the folder
`proto/nextbest/v1`; this page is made from its comments. Package `nextbest.v1`; decisions and customers on port 50051, control on
port 50052. A caller needs the role of a call where the server has an [access file](../operator/access.md). [Limits](../operator/limits.md) has what a
call may hold.
"""
MAPS: Final = "Entry"


def write() -> str:
    """Writes the page."""
    return INTRODUCTION + "".join(part for file, comments in read(*FILES) for part in _file(file, comments))


def _file(file: FileDescriptorProto, comments: Mapping[Place, str]) -> Iterator[str]:
    for index, service in enumerate(file.service):
        yield f"\n## {service.name}\n"
        yield _text(comments.get((6, index), ""))
        rows = (
            [
                _signature(method),
                f"`{METHOD_ROLES[f'/nextbest.v1.{service.name}/{method.name}']}`",
                comments.get((6, index, 2, position), ""),
            ]
            for position, method in enumerate(service.method)
        )
        yield "\n" + table(["call", "role", "what it does"], rows)
    yield f"\n## Messages of {file.name.removeprefix('nextbest/v1/')}\n"
    for index, message in enumerate(file.message_type):
        yield from _message(message, message.name, (4, index), comments)
    for index, choice in enumerate(file.enum_type):
        yield from _enum(choice, choice.name, (5, index), comments)


def _signature(method: MethodDescriptorProto) -> str:
    asked = f"stream {_short(method.input_type)}" if method.client_streaming else _short(method.input_type)
    answer = f"stream {_short(method.output_type)}" if method.server_streaming else _short(method.output_type)
    return f"`{method.name}({asked})` returns `{answer}`"


def _message(
    message: DescriptorProto, name: str, place: Place, comments: Mapping[Place, str]
) -> Iterator[str]:
    yield f"\n### {name}\n"
    yield _text(comments.get(place, ""))
    maps = {entry.name: entry for entry in message.nested_type if entry.options.map_entry}
    rows = [
        [f"`{field.name}`", _type(field, message, maps), comments.get((*place, 2, position), "")]
        for position, field in enumerate(message.field)
    ]
    yield "\n" + (table(["field", "type", "meaning"], rows) if rows else "No fields.\n")
    for index, nested in enumerate(message.nested_type):
        if not nested.options.map_entry:
            yield from _message(nested, f"{name}.{nested.name}", (*place, 3, index), comments)
    for index, choice in enumerate(message.enum_type):
        yield from _enum(choice, f"{name}.{choice.name}", (*place, 4, index), comments)


def _enum(
    choice: EnumDescriptorProto, name: str, place: Place, comments: Mapping[Place, str]
) -> Iterator[str]:
    yield f"\n### {name}\n"
    yield _text(comments.get(place, ""))
    rows = (
        [f"`{value.name}`", str(value.number), comments.get((*place, 2, position), "")]
        for position, value in enumerate(choice.value)
    )
    yield "\n" + table(["value", "number", "meaning"], rows)


def _type(field: FieldDescriptorProto, message: DescriptorProto, maps: Mapping[str, DescriptorProto]) -> str:
    entry = maps.get(_short(field.type_name))
    if entry is not None:
        return f"map from {_single(entry.field[0])} to {_single(entry.field[1])}"
    if field.label == FieldDescriptorProto.LABEL_REPEATED:
        return f"list of {_single(field)}"
    if field.proto3_optional:
        return f"{_single(field)}, optional"
    if field.HasField("oneof_index"):
        return f"{_single(field)}, one of `{message.oneof_decl[field.oneof_index].name}`"
    return _single(field)


def _single(field: FieldDescriptorProto) -> str:
    if field.type_name:
        return f"`{_short(field.type_name)}`"
    return FieldDescriptorProto.Type.Name(field.type).removeprefix("TYPE_").lower()


def _short(name: str) -> str:
    return name.removeprefix(".nextbest.v1.")


def _text(comment: str) -> str:
    return f"\n{paragraph(comment)}\n" if comment else ""
