"""Every name that a workspace defines, and references to them.

A name counts as defined even if its definition has errors, and every name counts as defined while a file that
could define it cannot be read: one mistake is reported once, where it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from nextbest.diagnostics import Diagnostic, Position
from nextbest.diagnostics.suggestion import nearest, suggest
from nextbest.workspace.definitions import FILES, Kind
from nextbest.workspace.document import Document, Node


@dataclass(slots=True)
class Register:
    """The names of one kind of thing.

    Attributes:
        noun: What they name, for messages.
        unknown: The code of a reference to a name that is not defined.
        duplicate: The code of a name defined twice.
        places: Where each is defined.
        complete: False when a file that may define more could not be read.
    """

    noun: str
    unknown: str
    duplicate: str
    places: dict[str, Position] = field(default_factory=dict)
    complete: bool = True

    def knows(self, name: str) -> bool:
        """Whether a reference is valid, as far as is known."""
        return name in self.places or not self.complete

    def refer(self, name: str, position: Position, *, otherwise: str = "") -> list[Diagnostic]:
        """Checks a reference.

        Args:
            name: As written.
            position: Where.
            otherwise: The remedy when no similar name exists.
        """
        if self.knows(name):
            return []
        remedy = suggest(
            name, self.places, otherwise=otherwise or f"define {article(self.noun)} or correct the name"
        )
        return [Diagnostic(self.unknown, f"unknown {self.noun} `{name}`", position, remedy)]

    def define(self, name: str, position: Position) -> list[Diagnostic]:
        """Adds a name; a duplicate is reported at the later place."""
        first = self.places.setdefault(name, position)
        if first is position:
            return []
        where = f"line {first.line}" if first.file == position.file else f"{first.file}:{first.line}"
        remedy = f"{where} defines it already: rename one of the two"
        return [Diagnostic(self.duplicate, f"the {self.noun} `{name}` is defined twice", position, remedy)]


def article(noun: str) -> str:
    """The noun with its indefinite article."""
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


class Names:
    """The names of a workspace, by what they name."""

    def __init__(self) -> None:
        self.issues = Register("issue", "NB212", "NB210")
        self.groups = Register("group", "NB213", "NB211")
        self.actions = Register("action", "NB214", "NB210")
        self.channels = Register("channel", "NB701", "NB210")
        self.models = Register("model", "NB601", "NB604")
        self.stock = Register("stock", "NB705", "NB210")
        self.personas = Register("persona", "NB801", "NB807")
        self.attributes = Register("attribute", "NB304", "NB210")
        # The names that `issues.yaml` declares; the registers above hold those that files below `actions/`
        # use.
        self.declared_issues = Register("issue", "NB212", "NB210")
        self.declared_groups: dict[str, Register] = {}
        self._placements: dict[str, Register] = {}

    def placements(self, channel: str) -> Register:
        """The placements of a channel; an undefined channel accepts every name."""
        register = self._placements.get(channel)
        if register is None:
            register = self._placements[channel] = Register("placement", "NB702", "NB210")
            register.complete = channel in self.channels.places and self.channels.complete
        return register

    def add_unread(self, kind: Kind) -> None:
        """Records that a file of this kind could not be read."""
        affected = {
            Kind.SCHEMA: [self.attributes],
            Kind.CHANNELS: [self.channels],
            Kind.ISSUES: [self.declared_issues],
            Kind.ACTIONS: [self.issues, self.groups, self.actions],
            Kind.MODEL: [self.models],
            Kind.CONTACT_POLICIES: [self.stock],
            Kind.TESTS: [self.personas],
        }
        for register in affected.get(kind, []):
            register.complete = False

    def add(self, kind: Kind, document: Document) -> list[Diagnostic]:
        """Adds the names that a document defines, before invalid parts are removed from it."""
        root = document.node
        found: list[Diagnostic] = []
        if root is None:
            return found
        for key, register in self._defined_by(kind).items():
            register.complete &= not _is_unclear(document, root, kind, key)
        match kind:
            case Kind.SCHEMA:
                self._add_attributes(document, root)
            case Kind.CHANNELS:
                found = self._add_channels(document, root)
            case Kind.ISSUES:
                self._add_issues(document, root)
            case Kind.ACTIONS:
                found = self._add_actions(document, root)
            case Kind.MODEL:
                found = self._add_model(document)
            case Kind.CONTACT_POLICIES:
                found = _define_all(self.stock, document, root.child("stock"))
            case Kind.TESTS:
                found = _define_all(self.personas, document, root.child("personas"))
        return found

    def _defined_by(self, kind: Kind) -> Mapping[str, Register]:
        """By key at the top of a file of a kind, the names that are defined below it."""
        attributes = dict.fromkeys(("customer", "context", "action"), self.attributes)
        keys: Mapping[Kind, Mapping[str, Register]] = {
            Kind.SCHEMA: attributes,
            Kind.CHANNELS: {"channels": self.channels},
            Kind.ISSUES: {"issues": self.declared_issues},
            Kind.ACTIONS: {"actions": self.actions},
            Kind.CONTACT_POLICIES: {"stock": self.stock},
            Kind.TESTS: {"personas": self.personas},
        }
        return keys.get(kind, {})

    def _add_attributes(self, document: Document, root: Node) -> None:
        for owner in ("customer", "context", "action"):
            for name, key in _keys(root.child(owner)).items():
                self.attributes.define(f"{owner}.{name}", document.whole(key))

    def _add_model(self, document: Document) -> list[Diagnostic]:
        if not isinstance(_followed(document.data, "name"), str):
            self.models.complete = False
        return self._define(self.models, document, "name")

    def _add_channels(self, document: Document, root: Node) -> list[Diagnostic]:
        channels = root.child("channels")
        found = _define_all(self.channels, document, channels)
        for channel in _keys(channels):
            register = self.placements(channel)
            placements = root.child("channels", channel, "placements")
            # The placements of a channel that cannot be read are unknown.
            data = _followed(document.data, "channels", channel, "placements")
            register.complete = isinstance(data, dict)
            found += _define_all(register, document, placements)
        return found

    def _add_issues(self, document: Document, root: Node) -> None:
        issues = root.child("issues")
        for issue, key in _keys(issues).items():
            self.declared_issues.define(issue, document.whole(key))
            groups = root.child("issues", issue, "groups")
            if groups is None:
                continue
            register = self.declared_groups[issue] = Register("group", "NB213", "NB210")
            data = _followed(document.data, "issues", issue, "groups")
            for index, group in enumerate(data if isinstance(data, list) else ()):
                if isinstance(group, str):
                    register.define(group, document.value("issues", issue, "groups", index))
                else:
                    register.complete = False

    def _add_actions(self, document: Document, root: Node) -> list[Diagnostic]:
        data = document.data
        issue = data.get("issue") if isinstance(data, dict) else None
        if isinstance(issue, str):
            # Groups of one issue may be in several files.
            self.issues.places.setdefault(issue, document.value("issue"))
        if not (isinstance(data, dict) and isinstance(data.get("group"), str)):
            self.groups.complete = False
        if not isinstance(issue, str):
            self.issues.complete = False
        found = self._define(self.groups, document, "group")
        return found + _define_all(self.actions, document, root.child("actions"))

    def _define(self, register: Register, document: Document, key: str) -> list[Diagnostic]:
        data = document.data
        name = data.get(key) if isinstance(data, dict) else None
        return register.define(name, document.value(key)) if isinstance(name, str) else []


def _is_unclear(document: Document, root: Node, kind: Kind, key: str) -> bool:
    """Whether some names cannot be read: a key is misspelt, or it does not have a mapping."""
    if key in root.keys:
        return not isinstance(_followed(document.data, key), dict)
    known = {field.alias or name for name, field in FILES[kind].model_fields.items()}
    return nearest(key, [other for other in root.keys if other not in known]) is not None


def _followed(data: object, *path: str) -> object:
    for step in path:
        data = data.get(step) if isinstance(data, dict) else None
    return data


def _keys(node: Node | None) -> Mapping[str, Node]:
    return node.keys if node is not None else {}


def _define_all(register: Register, document: Document, node: Node | None) -> list[Diagnostic]:
    found: list[Diagnostic] = []
    for name, key in _keys(node).items():
        found += register.define(name, document.whole(key))
    return found
