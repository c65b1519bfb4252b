"""Dependencies in Rust are what deny.toml allows: licences, bans and sources."""

import json
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
RULES = tomllib.loads((ROOT / "deny.toml").read_text())
ALLOWED = frozenset(RULES["licenses"]["allow"])
MANIFESTS = ["Cargo.toml", "tests/fuzz/Cargo.toml"]
TOKEN = re.compile(r"\(|\)|\bOR\b|\bAND\b|[\w.-]+(?: WITH [\w.-]+)?")


def accepts(expression: str, allowed: frozenset[str]) -> bool:
    """Says whether a licence expression of SPDX can be met with licences that are allowed."""
    # Before SPDX, crates separated alternatives with a slash.
    return _either(TOKEN.findall(re.sub(r"\s*/\s*", " OR ", expression)), allowed)


def _either(tokens: list[str], allowed: frozenset[str]) -> bool:
    met = _all(tokens, allowed)
    while tokens and tokens[0] == "OR":
        tokens.pop(0)
        met = _all(tokens, allowed) or met
    return met


def _all(tokens: list[str], allowed: frozenset[str]) -> bool:
    met = _one(tokens, allowed)
    while tokens and tokens[0] == "AND":
        tokens.pop(0)
        met = _one(tokens, allowed) and met
    return met


def _one(tokens: list[str], allowed: frozenset[str]) -> bool:
    term = tokens.pop(0)
    if term != "(":
        return term in allowed
    met = _either(tokens, allowed)
    tokens.pop(0)
    return met


@pytest.mark.parametrize(
    ("expression", "accepted"),
    [
        ("MIT", True),
        ("GPL-3.0-only", False),
        ("MIT OR GPL-3.0-only", True),
        ("GPL-3.0-only OR MIT", True),
        ("MIT AND GPL-3.0-only", False),
        ("MIT/GPL-3.0", True),
        ("(MIT OR GPL-3.0-only) AND ISC", True),
        ("(MIT OR ISC) AND GPL-3.0-only", False),
        ("MIT OR GPL-3.0-only AND GPL-2.0-only", True),
        ("Apache-2.0 WITH LLVM-exception", True),
        ("Apache-2.0 WITH Other-exception", False),
    ],
)
def test_expressions(expression: str, accepted: bool) -> None:
    assert accepts(expression, ALLOWED) == accepted


@pytest.fixture(scope="module", params=MANIFESTS)
def packages(request: pytest.FixtureRequest) -> list[dict[str, Any]]:
    listed = subprocess.run(
        ["cargo", "metadata", "--format-version", "1", "--locked", "--manifest-path", request.param],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    found: list[dict[str, Any]] = json.loads(listed.stdout)["packages"]
    assert len(found) > 50
    return found


def test_licences_are_allowed(packages: list[dict[str, Any]]) -> None:
    exceptions = {entry["crate"]: frozenset(entry["allow"]) for entry in RULES["licenses"]["exceptions"]}
    assert [
        f"{package['name']} {package['version']}: {package['license']}"
        for package in packages
        if package["source"]
        and not accepts(package["license"] or "none", ALLOWED | exceptions.get(package["name"], frozenset()))
    ] == []


def test_packages_come_from_allowed_registries(packages: list[dict[str, Any]]) -> None:
    allowed = {f"registry+{url}" for url in RULES["sources"]["allow-registry"]}
    assert {package["source"] for package in packages if package["source"]} <= allowed


def test_banned_packages_have_no_other_users(packages: list[dict[str, Any]]) -> None:
    users = {ban["crate"]: set(ban.get("wrappers", [])) for ban in RULES["bans"]["deny"]}
    # Of those that are resolved: an optional dependency is listed by its user, whether it is used or not.
    names = {package["name"] for package in packages}
    assert [
        f"{package['name']} -> {entry['name']}"
        for package in packages
        for entry in package["dependencies"]
        if entry["name"] in users.keys() & names
        and not entry["optional"]
        and package["name"] not in users[entry["name"]]
    ] == []


def test_every_ban_has_a_reason() -> None:
    assert [ban["crate"] for ban in RULES["bans"]["deny"] if not ban.get("reason")] == []
