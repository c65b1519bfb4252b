"""What an author does: init, check, compile, schema, bundle show."""

import json

import pytest

from nextbest import bundle


@pytest.fixture
def broken(shop):
    (file,) = [
        path for path in sorted(shop.glob("actions/*.yaml")) if "customer.age >= 18" in path.read_text()
    ][:1]
    file.write_text(file.read_text().replace("customer.age >= 18", "customer.agee >= 18"))
    return shop


def test_init_writes_a_workspace_and_shows_the_next_step(nextbest, tmp_path):
    ran = nextbest("init", tmp_path / "shop")
    assert ran.code == 0
    assert f"wrote {tmp_path}/shop/workspace.yaml" in ran.out
    assert ran.out.endswith(f"next: cd {tmp_path}/shop && nextbest check && nextbest test\n")


def test_init_overwrites_nothing(nextbest, shop):
    (shop / "workspace.yaml").write_text("mine")
    ran = nextbest("init", shop)
    assert ran.code == 2
    assert "exists already, and is unchanged" in ran.err
    assert (shop / "workspace.yaml").read_text() == "mine"


def test_check_of_a_workspace_without_faults(nextbest, shop):
    ran = nextbest("check")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.endswith("actions, 0 models, no errors\n")


def test_check_shows_every_fault_with_its_place_and_remedy(nextbest, broken):
    ran = nextbest("check", broken)
    assert ran.code == 1
    assert "error[NB402]: there is no attribute `customer.agee`" in ran.out
    assert "help: did you mean `customer.age`?" in ran.out


def test_check_for_machines(nextbest, broken):
    ran = nextbest("check", "--json")
    assert ran.code == 1
    found = json.loads(ran.out)
    assert found[0]["code"] == "NB402"
    assert {"file", "line", "column", "length", "message", "help", "severity"} <= found[0].keys()


def test_check_at_another_day(nextbest, shop):
    assert "NB223" not in nextbest("check", "--now", "2026-06-01").out
    ran = nextbest("check", "--now", "2036-01-01T12:00:00Z")
    assert ran.code == 0
    assert "warning[NB223]: the window of `gold-card` ended: 2035-12-31" in ran.out
    ran = nextbest("check", "--now", "tomorrow")
    assert ran.code == 2
    assert "--now: `tomorrow` is not a timestamp" in ran.err


def test_the_day_of_a_check_begins_in_the_time_zone_of_the_workspace(nextbest, shop):
    file = shop / "workspace.yaml"
    written = file.read_text().replace("Europe/Berlin", "+02:00")
    file.write_text(written)
    # The window of `gold-card` ends with the last of December.
    assert "NB223" not in nextbest("check", "--now", "2035-12-31T21:59:59Z").out
    assert "NB223" in nextbest("check", "--now", "2036-01-01").out
    file.write_text(written.replace("+02:00", "-02:00"))
    assert "NB223" not in nextbest("check", "--now", "2036-01-01T01:59:59Z").out
    assert "NB223" in nextbest("check", "--now", "2036-01-01").out
    assert "NB223" not in nextbest("check", "--now", "2035-12-31").out


@pytest.fixture
def warned(shop):
    """A workspace with five warnings, four of which say the same."""
    unused = "".join(f"  later-{name}: {{propensity: 0.1}}\n" for name in "abcd")
    (shop / "actions/more.yaml").write_text(f"issue: service\ngroup: more\nlever: 0.5\nactions:\n{unused}")
    return shop


def test_notes_never_fail(nextbest, shop):
    (shop / "contact-policies.yaml").write_text(
        "contact_policies:\n"
        "  - {name: calm, outcome: impression, scope: group, count: 3, window: 7d, suppress: 2w}\n"
    )
    ran = nextbest("check", "--strict")
    assert "note[NB707]" in ran.out
    assert ran.out.endswith("\n1 note\n\n")
    assert ran.code == 0
    assert json.loads(nextbest("check", "--json").out)[0]["severity"] == "note"
    ran = nextbest("compile", "--strict", "--json")
    assert ran.code == 0
    assert json.loads(ran.out)["warnings"] == 0


def test_warnings_fail_when_asked_to(nextbest, warned):
    ran = nextbest("check")
    assert ran.code == 0
    assert ran.out.count("warning[") == 2
    assert "and 3 more: `later-b`, `later-c`, `later-d`" in ran.out
    assert ran.out.endswith("\n5 warnings\n\n")
    strict = nextbest("check", "--strict")
    assert (strict.code, strict.out) == (1, ran.out)
    found = nextbest("check", "--strict", "--json")
    assert found.code == 1
    assert len(json.loads(found.out)) == 5


def test_nothing_to_warn_of_is_strict_enough(nextbest, shop):
    assert nextbest("check", "--strict").code == 0
    assert nextbest("compile", "--strict").code == 0


def test_compile_counts_warnings(nextbest, warned):
    ran = nextbest("compile", "--output", "shop.bundle")
    assert ran.code == 0
    assert "warning[" not in ran.out
    assert ran.out.endswith("\n5 warnings: run `nextbest check`\n")
    assert json.loads(nextbest("compile", "--json").out)["warnings"] == 5


def test_compile_writes_nothing_with_warnings_when_asked_to(nextbest, warned):
    ran = nextbest("compile", "--output", "strict.bundle", "--strict")
    assert ran.code == 1
    assert ran.out.count("warning[") == 2
    assert not (warned / "strict.bundle").exists()


def test_compile_shows_errors_whole_and_counts_warnings(nextbest, warned):
    (warned / "channels.yaml").write_text("channels: {}\nbad: 1\n")
    ran = nextbest("compile", ".")
    assert ran.code == 1
    assert "error[NB201]: unknown key `bad`" in ran.out
    assert "warning[" not in ran.out
    assert ran.out.splitlines()[-1].endswith("warnings: run `nextbest check`")


def test_check_of_something_else(nextbest, tmp_path):
    ran = nextbest("check", tmp_path / "nowhere")
    assert ran.code == 1
    assert "NB101" in ran.out


def test_a_diagnostic_explains_itself(nextbest):
    ran = nextbest("check", "--explain", "nb201")
    assert ran.code == 0
    assert ran.out.startswith("NB201")
    assert "unknown key" in ran.out


def test_an_unknown_diagnostic(nextbest):
    ran = nextbest("check", "--explain", "NB999")
    assert ran.code == 2
    assert "`NB999` is not a code of a diagnostic" in ran.err


def test_compile_writes_the_same_bundle_each_time(nextbest, shop):
    first = nextbest("compile", "--output", "shop.bundle")
    data = (shop / "shop.bundle").read_bytes()
    second = nextbest("compile", "--output", "shop.bundle", "--json")
    assert (first.code, second.code) == (0, 0)
    assert (shop / "shop.bundle").read_bytes() == data
    written = json.loads(second.out)
    assert written["digest"] == bundle.digest(data)
    assert written["size_bytes"] == len(data)
    assert f"digest {bundle.digest(data)}" in first.out
    assert bundle.read(data).actions


def test_compile_names_the_bundle_after_the_workspace(nextbest, shop):
    written = json.loads(nextbest("compile", "--json").out)
    assert written["file"] == f"{written['workspace']}.bundle"
    assert (shop / written["file"]).is_file()


def test_compile_writes_nothing_for_a_workspace_with_faults(nextbest, broken):
    ran = nextbest("compile", "--output", "shop.bundle")
    assert ran.code == 1
    assert "NB402" in ran.out
    assert not (broken / "shop.bundle").exists()


def test_compile_to_where_it_may_not(nextbest, shop):
    ran = nextbest("compile", "--output", "nowhere/shop.bundle")
    assert ran.code == 2
    assert "`nowhere/shop.bundle` cannot be written" in ran.err


def test_schemas_for_editors(nextbest, shop):
    kinds = nextbest("schema", "--list").out.split()
    assert "actions" in kinds
    for kind in kinds:
        assert json.loads(nextbest("schema", kind).out)["$schema"].startswith("https://json-schema.org/")
    ran = nextbest("schema", "nothing")
    assert ran.code == 2
    assert f"use one of {', '.join(kinds)}" in ran.err


def test_schemas_into_a_workspace(nextbest, shop):
    ran = nextbest("schema", "--write", ".")
    assert ran.code == 0
    assert (shop / ".nextbest/schemas/actions.json").is_file()


def test_bundle_show(nextbest, shop):
    nextbest("compile", "--output", "shop.bundle")
    ran = nextbest("bundle", "show", "shop.bundle")
    assert ran.code == 0
    for shown in (
        "Actions",
        "gold-card",
        "Channels",
        "hero 1, sidebar 2",
        "customer.age",
        bundle.digest((shop / "shop.bundle").read_bytes()),
    ):
        assert shown in ran.out
    found = json.loads(nextbest("bundle", "show", "shop.bundle", "--json").out)
    assert found["counts"]["actions"] == len(found["actions"])
    assert {"attribute": "customer.age", "label": "Age", "type": "int", "required": True} in found[
        "attributes"
    ]


def test_bundle_show_compiles_a_folder(nextbest, shop):
    assert json.loads(nextbest("bundle", "show", ".", "--json").out)["counts"]["actions"] > 0


@pytest.mark.parametrize(
    ("content", "code", "message"),
    [
        (None, 2, "cannot be read: No such file or directory"),
        (b"PK", 4, "not a bundle: it does not begin with `nextbest`"),
        (b"nextbest\x02\0\0\0" + bytes(8), 4, "written in format 2, this version reads format 1"),
    ],
)
@pytest.mark.parametrize("command", [("bundle", "show"), ("serve",), ("activate",)], ids=" ".join)
def test_bytes_that_are_not_a_bundle(nextbest, tmp_path, command, content, code, message):
    file = tmp_path / "x.bundle"
    if content is not None:
        file.write_bytes(content)
    ran = nextbest(*command, file)
    assert ran.code == code
    assert message in ran.err
    assert "help: " in ran.err
    assert "Traceback" not in ran.err


def test_commands_that_need_a_bundle_show_what_keeps_a_folder_from_one(nextbest, broken):
    ran = nextbest("serve", ".")
    assert ran.code == 1
    assert "NB402" in ran.err
    assert "error: `.` does not compile" in ran.err
