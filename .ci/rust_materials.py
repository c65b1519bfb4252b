"""Cargo's metadata -> a bill of materials (CycloneDX 1.6) of the crates that the extension is built from.

Build scripts and macros are listed too, as they decide what is built; what only tests use is not. Checksums
are those of Cargo.lock. No random numbers and no paths of a machine: one commit has one bill.
"""

import json
import subprocess
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

ROOT_CRATE = "nextbest-python"


def bill(root: Path, version: str, committed_s: int) -> str:
    """Returns the bill as JSON.

    Raises:
        ValueError: It is not valid CycloneDX.
    """
    metadata = _metadata(root)
    packages = {package["id"]: package for package in metadata["packages"]}
    used = _used(metadata["resolve"]["nodes"], packages)
    locked = tomllib.loads((root / "Cargo.lock").read_text())["package"]
    checksums = {(entry["name"], entry["version"]): entry.get("checksum") for entry in locked}
    names = {identity: _purl(packages[identity]) for identity in used}
    head = next(identity for identity in used if packages[identity]["name"] == ROOT_CRATE)
    content = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "timestamp": datetime.fromtimestamp(committed_s, UTC).isoformat(),
            "component": {"type": "library", "name": "nextbest", "version": version, "bom-ref": names[head]},
        },
        "components": [
            _component(packages[identity], names[identity], checksums)
            for identity in sorted(used, key=names.__getitem__)
            if identity != head
        ],
        "dependencies": [
            {"ref": names[identity], "dependsOn": sorted({names[name] for name in used[identity]})}
            for identity in sorted(used, key=names.__getitem__)
        ],
    }
    text = json.dumps(content, indent=1)
    if fault := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text):
        raise ValueError(str(fault))
    return text


def _metadata(root: Path) -> dict[str, Any]:
    host = subprocess.run(["rustc", "--print", "host-tuple"], capture_output=True, text=True, check=True)
    listed = subprocess.run(
        ["cargo", "metadata", "--format-version", "1", "--locked", "--filter-platform", host.stdout.strip()],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(listed.stdout)
    return found


def _used(nodes: list[dict[str, Any]], packages: dict[str, dict[str, Any]]) -> dict[str, list[str]]:
    """Returns what the extension is built from, each with what it uses itself."""
    needs = {
        node["id"]: [
            entry["pkg"]
            for entry in node["deps"]
            if any(kind["kind"] != "dev" for kind in entry["dep_kinds"])
        ]
        for node in nodes
    }
    waiting = [identity for identity in needs if packages[identity]["name"] == ROOT_CRATE]
    used: dict[str, list[str]] = {}
    while waiting:
        identity = waiting.pop()
        if identity not in used:
            used[identity] = needs[identity]
            waiting += needs[identity]
    return used


def _purl(package: dict[str, Any]) -> str:
    return f"pkg:cargo/{package['name']}@{package['version']}"


def _component(
    package: dict[str, Any], reference: str, checksums: dict[tuple[str, str], str | None]
) -> dict[str, Any]:
    found: dict[str, Any] = {
        "type": "library",
        "bom-ref": reference,
        "name": package["name"],
        "version": package["version"],
        "purl": reference,
        # Before SPDX, crates separated alternatives with a slash.
        "licenses": [{"expression": " OR ".join(part.strip() for part in package["license"].split("/"))}],
    }
    if checksum := checksums.get((package["name"], package["version"])):
        found["hashes"] = [{"alg": "SHA-256", "content": checksum}]
    return found
