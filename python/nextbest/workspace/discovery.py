"""A folder -> the files of a workspace by kind, and files that look like workspace files but are not read.

Links to folders are not followed, so that a workspace does not depend on other folders. Ignored are hidden
files and folders, `node_modules`, folders marked as a cache or a virtual environment, and the registry of
models.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from pathlib import Path

from nextbest.diagnostics import Diagnostic, Position, Severity
from nextbest.diagnostics.suggestion import nearest
from nextbest.registry.registry import FOLDER as REGISTRY
from nextbest.workspace.definitions import BindingFile, CardFile, Kind
from nextbest.workspace.files import is_folder, is_text, read_file
from nextbest.workspace.source import parse

SINGLE = {
    "workspace.yaml": Kind.WORKSPACE,
    "schema.yaml": Kind.SCHEMA,
    "channels.yaml": Kind.CHANNELS,
    "issues.yaml": Kind.ISSUES,
    "arbitration.yaml": Kind.ARBITRATION,
    "contact-policies.yaml": Kind.CONTACT_POLICIES,
}
FOLDERS = {"actions": Kind.ACTIONS, "models": Kind.MODEL, "tests": Kind.TESTS}
# A push of a model reads these, possibly from the workspace's folder; under other names they are recognised
# by their keys.
PUSHED = frozenset({"binding.yaml", "card.yaml"})
_BINDING_KEYS = frozenset(field.alias or name for name, field in BindingFile.model_fields.items())
_CARD_KEYS = frozenset(field.alias or name for name, field in CardFile.model_fields.items())
_PUSHED_BYTES_MAX = 256 * 1024
FILES_MAX = 50_000
# The number of entries that are examined in a folder that is not read: it may hold anything.
FOREIGN_ENTRIES_MAX = 10_000
# The number of unknown files whose keys are examined.
FOREIGN_SNIFFED_MAX = 20
FOREIGN_NAMES = frozenset({"node_modules", "__pycache__"})
# Files that mark a folder as generated.
FOREIGN_MARKS = ("CACHEDIR.TAG", "pyvenv.cfg")
# Endings of files that look like YAML; editors of Windows add `.txt`.
ENDINGS = (".yaml.txt", ".yml.txt", ".yaml", ".yml")
ALIKE = 0.8
WHERE = "files of actions belong in `actions/`, of models in `models/`, of tests in `tests/`"
HIDE = "names that begin with `.` are ignored"


@dataclass(slots=True)
class Discovery:
    """What a folder holds.

    Attributes:
        kinds: The files to read.
        diagnostics: Files that look like workspace files but are not read, and files that cannot be examined.
        unlisted: Kinds of files that may be incomplete: a file could not be found, or has a wrong name.
    """

    kinds: dict[str, Kind] = field(default_factory=dict)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    unlisted: set[Kind] = field(default_factory=set)


def discover(root: Path) -> Discovery:
    """Finds the files of a workspace, in the order of their names."""
    try:
        entries = _listed(root)
    except OSError as error:
        remedy = "give it read permission"
        message = f"the folder cannot be read: {(error.strerror or str(error)).lower()}"
        return Discovery({}, [Diagnostic("NB102", message, None, remedy)], set(Kind))
    search = _Search(root, frozenset(path.name for path in entries))
    for path in entries:
        search.look_at(path)
        if len(search.found.kinds) > FILES_MAX:
            remedy = f"a workspace has at most {FILES_MAX:,} files"
            search.found.diagnostics.append(Diagnostic("NB104", "too many files", None, remedy))
            break
    return search.found


def misnamed(root: Path, name: str) -> str | None:
    """The file that has this name except for case or ending."""
    try:
        names = sorted(path.name for path in root.iterdir())
    except OSError:
        return None
    return next((other for other in names if other != name and _corrected(other) == name), None)


def _listed(folder: Path) -> list[Path]:
    """The entries of a folder that are not hidden, by name.

    Raises:
        OSError: The folder cannot be read.
    """
    entries = sorted(folder.iterdir(), key=lambda path: path.name)
    return [path for path in entries if not path.name.startswith(".")]


def _is_broken_link(path: Path) -> bool:
    try:
        return path.is_symlink() and not path.exists()
    except OSError:
        return False


def _corrected(name: str) -> str | None:
    """The name that a file which looks like YAML should have; None for another."""
    lowered = name.lower()
    ending = next((ending for ending in ENDINGS if lowered.endswith(ending)), None)
    if ending is None:
        return None
    stem = name[: -len(ending)]
    return f"{stem.lower()}.yaml" if f"{stem.lower()}.yaml" in SINGLE else f"{stem}.yaml"


def _alike(stem: str) -> str | None:
    """The file with a similar name; `.yaml`, which all share, does not count as similarity."""
    found = nearest(stem, [Path(name).stem for name in SINGLE])
    return None if found is None else f"{found}.yaml"


def _meant(name: str) -> str | None:
    """The folder of a workspace that a name is most like."""
    lowered = name.lower()
    return next(
        (folder for folder in FOLDERS if SequenceMatcher(None, lowered, folder).ratio() >= ALIKE), None
    )


class _Search:
    def __init__(self, root: Path, names: frozenset[str]) -> None:
        self.found = Discovery()
        self._root = root
        # The names as they are written: a file system may take `Actions` for `actions`.
        self._names = names

    def look_at(self, path: Path) -> None:
        """Examines an entry of the workspace's own folder."""
        name = path.name
        if is_folder(path):
            if path.is_symlink():
                if name in FOLDERS:
                    self._report_link(path, Severity.ERROR)
                    self.found.unlisted.add(FOLDERS[name])
                elif _meant(name) is not None:
                    self._report_link(path)
            elif name in FOLDERS:
                self._read(path, FOLDERS[name])
            elif name in SINGLE:
                self._refuse(path, "is a folder, but a file is expected", "replace it with a file")
                self.found.unlisted.add(SINGLE[name])
            else:
                self._pass_by(path)
        elif not self._has_text_name(path):
            pass
        elif name in SINGLE:
            self.found.kinds[name] = SINGLE[name]
        else:
            self._leave(path)

    def _read(self, folder: Path, kind: Kind) -> None:
        """Finds the files of a folder that is read."""
        try:
            entries = _listed(folder)
        except OSError as error:
            cause = (error.strerror or str(error)).lower()
            remedy = "give it read permission"
            self._refuse(folder, f"is a folder that cannot be read: {cause}", remedy)
            self.found.unlisted.add(kind)
            return
        for path in entries:
            self._look_below(path, kind)
            if len(self.found.kinds) > FILES_MAX:
                return

    def _look_below(self, path: Path, kind: Kind) -> None:
        """Examines an entry of a folder that is read."""
        if is_folder(path):
            if path.is_symlink():
                self._report_link(path)
            elif path != self._root / REGISTRY:
                self._read(path, kind)
        elif not self._has_text_name(path):
            pass
        elif path.suffix == ".yaml":
            self.found.kinds[self._name(path)] = kind
        elif (corrected := _corrected(path.name)) is not None:
            name = path.with_name(corrected).relative_to(self._root).as_posix()
            self._report(path, "is not read", f"rename it to `{name}`")
        elif _is_broken_link(path):
            self._report(
                path, ("is a link to a file that does not exist"), "correct its target, or remove it"
            )

    def _leave(self, path: Path) -> None:
        """Reports a file next to `workspace.yaml` that looks like YAML and is not read."""
        corrected = _corrected(path.name)
        if corrected is None or path.name in PUSHED or (corrected not in SINGLE and _is_pushed(path)):
            return
        folder = _meant(Path(corrected).stem)
        wanted = corrected if corrected in SINGLE else _alike(Path(corrected).stem)
        if corrected not in SINGLE and folder is not None:
            self._report(path, "is not read", f"move it into the folder `{folder}/`")
        elif wanted is None:
            self._report(path, "is not read", f"{WHERE}; {HIDE}")
        elif wanted not in self._names:
            # Its contents are missing everywhere, including policies that actions would inherit.
            remedy = f"rename it to `{wanted}`" if corrected in SINGLE else f"did you mean `{wanted}`?"
            self._report(path, f"is not read, and there is no `{wanted}`", remedy, Severity.ERROR)
            self.found.unlisted.add(SINGLE[wanted])
        elif corrected in SINGLE:
            self._report(path, "is not read", f"remove it, or join it with `{wanted}`")
        else:
            self._report(path, "is not read", f"did you mean `{wanted}`?")

    def _pass_by(self, folder: Path) -> None:
        """Reports the files that look like YAML in a folder that is not read."""
        files = list(_foreign(folder))
        if not files:
            return
        meant = _meant(folder.name)
        if meant is not None:
            is_there = meant in self._names
            remedy = f"move its files into `{meant}/`" if is_there else f"rename it to `{meant}/`"
            count = "1 YAML file" if len(files) == 1 else f"{len(files):,} YAML files"
            message = f"the folder `{folder.name}/` is not read: it has {count}"
            severity = Severity.WARNING
            if not is_there and folder.name.lower() == meant:
                severity = Severity.ERROR
                self.found.unlisted.add(FOLDERS[meant])
            position = Position(self._name(files[0]), 1, 1)
            self.found.diagnostics.append(Diagnostic("NB109", message, position, remedy, severity))
            return
        others: list[Path] = []
        for path in files:
            corrected = _corrected(path.name)
            if len(others) < FOREIGN_SNIFFED_MAX and corrected not in SINGLE and _is_pushed(path):
                continue
            if corrected in SINGLE:
                self._report(path, "is not read", f"move it to `{corrected}`, beside `workspace.yaml`")
            else:
                others.append(path)
        if others:
            more = (
                "" if len(others) == 1 else f", nor are {len(others) - 1:,} other YAML files of this folder"
            )
            self._report(others[0], f"is not read{more}", f"{WHERE}; {HIDE}")

    def _has_text_name(self, path: Path) -> bool:
        file = self._name(path)
        if is_text(file):
            return True
        shown = file.encode(errors="replace").decode()
        message = f"the name of `{shown}` is not UTF-8"
        self.found.diagnostics.append(Diagnostic("NB102", message, None, "rename it"))
        return False

    def _refuse(self, path: Path, what: str, remedy: str) -> None:
        file = self._name(path)
        diagnostic = Diagnostic("NB102", f"`{file}` {what}", Position(file, 1, 1), remedy)
        self.found.diagnostics.append(diagnostic)

    def _report_link(self, path: Path, severity: Severity = Severity.WARNING) -> None:
        remedy = "copy the files into the workspace: links to files are followed, links to folders are not"
        self._report(path, "is a link to a folder, and is not read", remedy, severity)

    def _report(self, path: Path, what: str, remedy: str, severity: Severity = Severity.WARNING) -> None:
        file = self._name(path)
        if is_text(file):
            message = f"`{file}` {what}"
            position = Position(file, 1, 1)
            self.found.diagnostics.append(Diagnostic("NB109", message, position, remedy, severity))

    def _name(self, path: Path) -> str:
        return path.relative_to(self._root).as_posix()


def _is_pushed(path: Path) -> bool:
    """Whether a file is a binding or a model card, by its keys."""
    try:
        content = read_file(path, _PUSHED_BYTES_MAX)
    except OSError:
        return False
    if len(content) > _PUSHED_BYTES_MAX:
        return False
    node = parse(path.name, content)[0].node
    keys = frozenset(node.keys) if node is not None else frozenset()
    is_binding = bool(keys & {"inputs", "output"}) and keys <= _BINDING_KEYS
    return is_binding or ("owner" in keys and keys <= _CARD_KEYS)


def _is_marked(folder: Path) -> bool:
    try:
        return any((folder / mark).exists() for mark in FOREIGN_MARKS)
    except OSError:
        return False


def _foreign(folder: Path) -> Iterator[Path]:
    """Files that look like YAML in a folder that is not read, and in those below it."""
    left = FOREIGN_ENTRIES_MAX
    folders = [folder]
    while folders:
        current = folders.pop()
        if current.name in FOREIGN_NAMES or _is_marked(current):
            continue
        try:
            entries = _listed(current)
        except OSError:
            continue
        below = []
        for path in entries:
            left -= 1
            if left < 0:
                return
            if is_folder(path):
                below += [] if path.is_symlink() else [path]
            elif path.name not in PUSHED and _corrected(path.name) is not None and is_text(path.name):
                yield path
        folders += reversed(below)
