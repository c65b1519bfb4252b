"""The definitions of workspace files -> JSON Schemas, so that editors complete keys and mark mistakes."""

import json
from pathlib import Path
from typing import Any

from nextbest.workspace.definitions import FILES, Kind

DIALECT = "https://json-schema.org/draft/2020-12/schema"
FOLDER = Path(".nextbest") / "schemas"


def json_schema(kind: Kind) -> dict[str, Any]:
    """Returns the JSON Schema of a kind of workspace file, ready for `json.dumps`."""
    schema = _tidy(FILES[kind].model_json_schema(by_alias=True, mode="validation"))
    return {"$schema": DIALECT, **schema}


def write_schemas(workspace: Path) -> list[Path]:
    """Writes the schemas of all kinds into a folder of the workspace, `.nextbest/schemas`.

    The first line of each starter file refers to them, so that editors need no network.

    Returns:
        The files written, relative to the workspace.
    """
    folder = workspace / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for kind in Kind:
        text = json.dumps(json_schema(kind), indent=2, ensure_ascii=False)
        (folder / f"{kind}.json").write_text(f"{text}\n", encoding="utf-8")
        written.append(FOLDER / f"{kind}.json")
    return written


def _tidy(schema: Any) -> Any:
    """Removes what pydantic adds for programs: titles made from names, null for optional keys."""
    if isinstance(schema, list):
        return [_tidy(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    variants = schema.get("anyOf")
    if isinstance(variants, list) and {"type": "null"} in variants:
        rest = [variant for variant in variants if variant != {"type": "null"}]
        others = {key: value for key, value in schema.items() if key not in {"anyOf", "default"}}
        schema = {**(rest[0] if len(rest) == 1 else {"anyOf": rest}), **others}
    tidied = {}
    for key, value in schema.items():
        is_named_by_pydantic = key == "title" and isinstance(value, str) and not value.endswith(".yaml")
        if key in {"properties", "$defs", "patternProperties"}:
            tidied[key] = {name: _tidy(item) for name, item in value.items()}
        elif not is_named_by_pydantic and not (key == "default" and value in (None, [], {})):
            tidied[key] = value if key in {"examples", "default"} else _tidy(value)
    return tidied
