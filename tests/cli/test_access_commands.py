"""`nextbest access`: keys that work, and files shown as they are."""

import json

import pytest

from nextbest.serve.access import parse


def test_a_key_and_the_lines_that_go_with_it(nextbest):
    done = nextbest("access", "key", "crm", "--role", "explain", "--role", "customers")
    assert done.code == 0
    key = done.out.split()[1]
    lines = done.out.partition("access file, under `callers:`")[2]
    found = parse(f"callers:{lines}".encode(), "access.yaml")
    caller = found.by_key(key)
    assert (caller.name, caller.roles) == ("crm", {"explain", "customers"})


def test_a_key_for_machines(nextbest):
    made = json.loads(nextbest("access", "key", "web", "--json").out)
    assert (made["name"], made["roles"]) == ("web", ["decide"])
    text = f'callers: {{web: {{roles: [decide], keys: ["{made["hash"]}"]}}}}'
    assert parse(text.encode(), "access.yaml").by_key(made["key"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("we b",), "`we b` is not a valid name of a caller"),
        (("web", "--role", "decid"), "there is no role `decid`"),
    ],
)
def test_what_cannot_be_made(nextbest, arguments, message):
    done = nextbest("access", "key", *arguments)
    assert done.code == 2
    assert message in done.err


def test_a_file_as_a_table(nextbest, tmp_path):
    file = tmp_path / "access.yaml"
    made = json.loads(nextbest("access", "key", "web", "--json").out)
    file.write_text(f"""callers:
  web: {{roles: [decide], keys: ["{made["hash"]}"]}}
  ops: {{roles: [observe, operate], certificates: [ops.bank.example]}}
""")
    shown = nextbest("access", "show", file).out.splitlines()
    assert shown[1].split() == ["caller", "roles", "keys", "certificates"]
    assert shown[3].split() == ["web", "decide", "1"]
    assert shown[4].split() == ["ops", "observe,", "operate", "0", "ops.bank.example"]
    assert "operate    Activate" in shown
    machines = json.loads(nextbest("access", "show", file, "--json").out)
    assert machines[1] == {
        "name": "ops", "roles": ["observe", "operate"], "keys": 0, "certificates": ["ops.bank.example"],
        "locked_out": False,
    }  # fmt: skip


def test_callers_that_are_locked_out_are_named(nextbest, tmp_path):
    file = tmp_path / "access.yaml"
    made = json.loads(nextbest("access", "key", "watch", "--json").out)
    file.write_text(f"""callers:
  watch: {{roles: [observe], keys: ["{made["hash"]}"]}}
  ops: {{roles: [operate], certificates: [ops.bank.example]}}
  web: {{roles: [decide], certificates: [web.bank.example]}}
""")
    (warning,) = [
        line for line in nextbest("access", "show", file).out.splitlines() if line.startswith("warning")
    ]
    assert "`ops` cannot call the control port" in warning
    assert "`nextbest access key ops`" in warning
    machines = json.loads(nextbest("access", "show", file, "--json").out)
    assert [caller["locked_out"] for caller in machines] == [False, True, False]


def test_a_file_that_cannot_be_used(nextbest, tmp_path):
    file = tmp_path / "access.yaml"
    file.write_text("callers:\n  web: {roles: [decide]}\n")
    done = nextbest("access", "show", file)
    assert done.code == 2
    assert "access.yaml:2: `web` has neither `keys` nor `certificates`" in done.err
    assert nextbest("access", "show", tmp_path / "none.yaml").code == 2
