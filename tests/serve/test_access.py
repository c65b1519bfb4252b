"""Access files: the roles that they grant, and the errors of invalid files."""

import hashlib
import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextbest.serve import access
from nextbest.serve.access import AccessError, Caller, create_key, parse

KEY, DIGEST = create_key()
HASH = bytes.fromhex(DIGEST.removeprefix("sha256:"))
OTHER = "sha256:" + "0" * 64


def read(text):
    return parse(text.encode(), "access.yaml")


def test_callers_and_their_roles():
    found = read(f"""
callers:
  web:
    roles: [decide]
    keys: ["{DIGEST}", "{OTHER}"]
  crm/eu:
    roles: [decide, observe]
    certificates: [crm.bank.example, "spiffe://bank/crm"]
""")
    assert found.callers == (
        Caller("web", frozenset({"decide"}), (HASH, bytes(32))),
        Caller("crm/eu", frozenset({"decide", "observe"}), (), ("crm.bank.example", "spiffe://bank/crm")),
    )
    assert found.with_keys(["decide"]) == ("web",)
    assert found.by_key(KEY) is found.callers[0]
    assert found.by_key(KEY + " ") is None
    assert found.by_certificate(["x", "spiffe://bank/crm"]) is found.callers[1]
    assert found.by_certificate(["bank.example"]) is None
    assert found.of_decisions()[1] == {
        "name": "crm/eu",
        "roles": ["decide"],
        "key_hashes": [],
        "certificate_names": ["crm.bank.example", "spiffe://bank/crm"],
    }


def test_keys_are_random_and_only_hashes_are_kept():
    assert len({create_key()[0] for _ in range(100)}) == 100
    assert re.fullmatch(r"nbk_[A-Za-z0-9_-]{43}", KEY)
    assert hashlib.sha256(KEY.encode()).hexdigest() == DIGEST.removeprefix("sha256:")
    assert DIGEST not in repr(Caller("web", frozenset(), (HASH,)))


@pytest.mark.parametrize(
    ("text", "message", "remedy"),
    [
        ("", "access.yaml: empty", "begin with `callers:`"),
        ("callers: [", "access.yaml:1: not YAML", "mend"),
        ("- web", "access.yaml:1: not a mapping", "lines"),
        ("people: {}", "access.yaml:1: there is no `people` here", "give `callers`"),
        ("callers:\n  web: 1", "access.yaml:2: not a mapping", "lines"),
        (f"callers:\n  web: {{keys: ['{OTHER}']}}", "access.yaml:2: `web` has no `roles`", "`decide`"),
        ("callers:\n  web: {roles: [decide]}", "access.yaml:2: `web` has neither", "nextbest access key web"),
        ("callers:\n  web:\n    roles: [decid]", "access.yaml:3: there is no role `decid`", "`decide`"),
        ("callers:\n  web:\n    roles: decide", "access.yaml:3: not a list", "brackets"),
        ("callers:\n  web:\n    rolls: [decide]", "access.yaml:3: there is no `rolls`", "`roles`"),
        ("callers:\n  web:\n    roles: [[decide]]", "access.yaml:3: not a text", "text"),
        ("callers:\n  web: {}\n  web: {}", "access.yaml:3: `web` is given twice", "one of them"),
        ("callers:\n  'we b': {}", "access.yaml:2: `we b` is not a valid name", "letters"),
        (
            "callers:\n  web: {keys: [nbk_secret]}",
            "access.yaml:2: a key is written as its hash",
            "nextbest access",
        ),
        (
            "callers:\n  web: {certificates: ['*.x']}",
            "access.yaml:2: `*.x` is not a valid name",
            "without wildcards",
        ),
        (
            (
                f"callers:\n  a: {{roles: [decide], keys: ['{OTHER}']}}\n"
                f"  b: {{roles: [decide], keys: ['{OTHER}']}}"
            ),
            "access.yaml:3: `a` has this key, too",
            "a different key",
        ),
        (
            "callers:\n  a: {roles: [decide], certificates: [x]}\n  b: {roles: [decide], certificates: [x]}",
            "access.yaml:3: `a` has this certificate, too",
            "its own name",
        ),
    ],
)
def test_invalid_input_is_reported(text, message, remedy):
    with pytest.raises(AccessError) as caught:
        read(text)
    assert message in caught.value.message
    assert remedy in caught.value.help
    assert "nbk_secret" not in caught.value.message + caught.value.help


def test_a_file_that_is_none(tmp_path):
    large = tmp_path / "large.yaml"
    large.write_bytes(b"#" * (access.FILE_BYTES_MAX + 1))
    with pytest.raises(AccessError, match="larger than"):
        access.read(large)
    with pytest.raises(AccessError, match="not UTF-8"):
        parse(b"\xff", "access.yaml")


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_read_or_refused(data):
    with suppress(AccessError):
        parse(b"callers:\n" + data, "access.yaml")
