"""What of a folder is read as a workspace, and what is reported because it looks like it and is not."""

import os
import tempfile
from pathlib import Path

import pytest

from nextbest import workspace
from nextbest.workspace.discovery import HIDE, WHERE

ACTIONS = "issue: sales\ngroup: more\nactions: {blue: {propensity: 0.1, treatments: [{channel: web}]}}\n"


def found(folder) -> list[tuple[str, str, str]]:
    diagnostics = workspace.compile(folder).diagnostics
    return [(d.code, d.position.file if d.position else "", d.help) for d in diagnostics]


@pytest.mark.parametrize(
    ("file", "remedy"),
    [
        ("actions/e.YAML", "rename it to `actions/e.yaml`"),
        ("actions/deep/e.yml", "rename it to `actions/deep/e.yaml`"),
        ("actions/e.yaml.txt", "rename it to `actions/e.yaml`"),
        ("tests/p.Yml", "rename it to `tests/p.yaml`"),
        ("Actions/e.yaml", "move its files into `actions/`"),
        ("action/e.yaml", "move its files into `actions/`"),
        ("test/p.yaml", "rename it to `tests/`"),
        ("model/m.yaml", "rename it to `models/`"),
        ("Arbitration.yaml", "rename it to `arbitration.yaml`"),
        ("arbitration.yml", "rename it to `arbitration.yaml`"),
        ("Channels.yaml", "remove it, or join it with `channels.yaml`"),
        ("issue.yaml", "did you mean `issues.yaml`?"),
        ("contact.yaml", "did you mean `contact-policies.yaml`?"),
        ("notes.yaml", f"{WHERE}; {HIDE}"),
        ("todos.yaml", f"{WHERE}; {HIDE}"),
        ("actions.yaml", "move it into the folder `actions/`"),
        ("config/arbitration.yaml", "move it to `arbitration.yaml`, beside `workspace.yaml`"),
        ("config/deep/Issues.yml", "move it to `issues.yaml`, beside `workspace.yaml`"),
    ],
)
def test_each_is_reported_with_what_to_do(lay, file, remedy):
    assert found(lay({file: ACTIONS})) == [("NB109", file, remedy)]


def test_files_of_a_foreign_folder_are_one_finding(lay):
    folder = lay({f"deploy/{name}.yaml": "a: 1\n" for name in ("a", "b", "c")})
    (diagnostic,) = workspace.compile(folder).diagnostics
    assert diagnostic.message == "`deploy/a.yaml` is not read, nor are 2 other YAML files of this folder"
    assert diagnostic.help.endswith("names that begin with `.` are ignored")


def test_hidden_and_foreign_things_are_left_alone(lay):
    names = (".github/x.yaml", "node_modules/x.yaml", ".pre-commit.yaml", "actions/.draft.yaml", "docs/a.md")
    names += ("card.yaml", "push/binding.yaml")
    folder = lay(dict.fromkeys((*names, "venv/x.yaml", "target/x.yaml", "models/registry/x.yaml"), "{{{"))
    (folder / "venv/pyvenv.cfg").write_text("")
    (folder / "target/CACHEDIR.TAG").write_text("")
    (folder / "shared").symlink_to(folder / "actions")
    assert found(folder) == []


def test_links_to_files_are_read_and_links_to_folders_reported(lay, tmp_path):
    folder = lay({})
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared/b.yaml").write_text(ACTIONS)
    (folder / "actions/b.yaml").symlink_to(tmp_path / "shared/b.yaml")
    (folder / "actions/more").symlink_to(tmp_path / "shared")
    (folder / "Tests").symlink_to(tmp_path / "shared")
    compilation = workspace.compile(folder)
    assert [action.name for action in compilation.bundle.actions] == ["blue", "gold"]
    assert [d.message for d in compilation.diagnostics] == [
        "`Tests` is a link to a folder, and is not read",
        "`actions/more` is a link to a folder, and is not read",
    ]


def test_a_folder_of_the_workspace_that_is_a_link_is_one_error(lay, tmp_path):
    channels = "channels: {web: {placements: {hero: {fallback: gold}}}}\n"
    folder = lay({"channels.yaml": channels, "issues.yaml": "issues: {sales: {}}\n"})
    (folder / "actions").rename(tmp_path / "shared")
    (folder / "actions").symlink_to(tmp_path / "shared")
    compilation = workspace.compile(folder)
    assert [(d.code, d.message) for d in compilation.errors] == [
        ("NB109", "`actions` is a link to a folder, and is not read")
    ]
    assert compilation.diagnostics == compilation.errors


def test_links_that_lead_nowhere_or_in_a_circle(lay):
    folder = lay({})
    (folder / "actions/gone").symlink_to("nowhere")
    (folder / "actions/gone.yaml").symlink_to("nowhere.yaml")
    (folder / "actions/loop.yaml").symlink_to("loop.yaml")
    (folder / "actions/up").symlink_to("..")
    compilation = workspace.compile(folder)
    assert [(d.code, d.message) for d in compilation.diagnostics] == [
        ("NB109", "`actions/gone` is a link to a file that does not exist"),
        ("NB102", "`actions/gone.yaml` cannot be read: it is a link to a file that does not exist"),
        ("NB102", "`actions/loop.yaml` cannot be read: it is a link to itself"),
        ("NB109", "`actions/up` is a link to a folder, and is not read"),
    ]


@pytest.fixture
def unprivileged(tmp_path):
    """A user who may not read everything, as root may."""
    for path in (tmp_path, *tmp_path.parents):
        if path == Path(tempfile.gettempdir()):
            break
        path.chmod(0o755)
    user = os.geteuid()
    if user == 0:
        os.seteuid(65_534)
    yield
    os.seteuid(user)


@pytest.fixture
def closed(lay):
    folder = lay({"actions/closed/b.yaml": ACTIONS})
    yield folder
    (folder / "actions/closed").chmod(0o755)
    folder.chmod(0o755)


@pytest.mark.parametrize(
    ("place", "mode", "message"),
    [
        ("actions/closed", 0o000, "`actions/closed` is a folder that cannot be read: permission denied"),
        ("actions/closed", 0o444, "`actions/closed/b.yaml` cannot be read: permission denied"),
        (".", 0o311, "the folder cannot be read: permission denied"),
        (".", 0o444, "cannot be read: permission denied"),
    ],
)
def test_a_folder_that_may_not_be_read_is_the_only_finding(closed, place, mode, message, request):
    (closed / place).chmod(mode)
    request.getfixturevalue("unprivileged")
    (diagnostic,) = workspace.compile(closed).diagnostics
    assert diagnostic.message.endswith(message)
    assert diagnostic.help.endswith("read permission")


@pytest.mark.parametrize(
    ("name", "instead", "remedy"),
    [
        ("schema.yaml", "Schema.yaml", "rename it to `schema.yaml`"),
        ("schema.yaml", "schema.yml", "rename it to `schema.yaml`"),
        ("channels.yaml", "Channels.YAML", "rename it to `channels.yaml`"),
        ("channels.yaml", "chanels.yaml", "did you mean `channels.yaml`?"),
        ("issues.yaml", "Issues.yaml", "rename it to `issues.yaml`"),
        ("arbitration.yaml", "arbitration.yml", "rename it to `arbitration.yaml`"),
        ("contact-policies.yaml", "contact_policies.yaml", "did you mean `contact-policies.yaml`?"),
        ("actions", "Actions", "rename it to `actions/`"),
        ("models", "MODELS", "rename it to `models/`"),
        ("tests", "Tests", "rename it to `tests/`"),
    ],
)
def test_what_is_there_under_a_wrong_name_only_is_one_error(lay, name, instead, remedy):
    """Policies of `Issues.yaml` would be lost, and what `Channels.yaml` defines unknown everywhere."""
    files = {
        "issues.yaml": "issues: {sales: {}}\n",
        "channels.yaml": "channels: {web: {placements: {hero: {fallback: gold}}}}\n",
        "arbitration.yaml": "context_weights: [{when: customer.age > 9, percent: 9, group: cards}]\n",
        "contact-policies.yaml": "stock: {plastic: {count: 3}}\n",
        "models/unused.yaml": "name: unused\nfile: unused.onnx\n",
        "tests/anna.yaml": "personas: {anna: {customer: {age: 30}}}\n",
    }
    folder = lay(files)
    (folder / name).rename(folder / instead)
    errors = workspace.compile(folder).errors
    wanted = [d for d in errors if d.code != "NB602"]
    assert [(d.code, d.help) for d in wanted] == [("NB109", remedy)]
    assert wanted[0].position.file.startswith(instead)


@pytest.mark.parametrize("instead", ["Workspace.yaml", "workspace.yml"])
def test_a_workspace_under_a_wrong_name(lay, instead):
    folder = lay({})
    (folder / "workspace.yaml").rename(folder / instead)
    assert found(folder) == [("NB101", "", f"rename `{instead}` to `workspace.yaml`")]


BOUND = "{inputs: {x: customer.age}, output: p, positive_class: 1, prior: 0.1}\n"
CARD = "owner: Ana\ntraining: {from: 2025-01-01, until: 2025-12-31}\nexpires: 2027-06-30\n"


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("binding.yaml", BOUND),
        ("card.yaml", CARD),
        ("churn-binding.yml", BOUND),
        ("arbitrating.yaml", BOUND),
        ("schemas.yaml", CARD),
        ("push/churn.yaml", CARD),
        ("push/deep/cards.yaml", BOUND),
        ("card.onnx", ""),
        ("golden.parquet", ""),
        ("background.csv", ""),
    ],
)
def test_what_is_pushed_may_lie_in_the_workspace(lay, file, text):
    assert found(lay({file: text})) == []


@pytest.mark.parametrize(
    ("text", "file"),
    [
        (f"name: card\n{CARD}", "cards.yaml"),
        ("name: card\ninputs: {x: customer.age}\n", "churn.yaml"),
        ("description: x\n", "notes.yaml"),
        (BOUND, "arbitration.yml"),
        ("{{{", "bindings.yaml"),
    ],
)
def test_what_only_looks_like_a_binding_or_card_is_reported(lay, text, file):
    assert [(code, place) for code, place, _ in found(lay({file: text}))] == [("NB109", file)]
