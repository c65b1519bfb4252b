"""`contact-policies.yaml` -> dangling references, and a note that contact policies are not yet applied."""

from collections.abc import Iterator

from nextbest.diagnostics import Diagnostic, Position, Severity
from nextbest.workspace.load import Workspace


def check_contact(workspace: Workspace) -> Iterator[Diagnostic]:
    """Finds contact policies defined twice or for unknown channels, and stock that nothing uses."""
    if workspace.contact is None:
        return
    document, contact = workspace.contact.document, workspace.contact.definition
    names: dict[str, Position] = {}
    for index, policy in enumerate(contact.contact_policies):
        position = document.value("contact_policies", index, "name")
        first = names.setdefault(policy.name, position)
        if first is not position:
            remedy = f"line {first.line} defines it already: rename one of the two"
            yield Diagnostic("NB713", f"a contact policy `{policy.name}` is defined twice", position, remedy)
        if policy.channel is not None:
            channel = document.value("contact_policies", index, "channel")
            yield from workspace.names.channels.refer(policy.channel, channel)
    used = {action.stock for group in workspace.groups for action in group.definition.actions.values()}
    for name in contact.stock:
        if name not in used and workspace.has_sound_actions:
            position = document.name("stock", name)
            remedy = f"write `stock: {name}` with an action, or remove it"
            yield Diagnostic(
                "NB714", f"no action uses the stock `{name}`", position, remedy, Severity.WARNING
            )
    if contact.contact_policies or contact.stock:
        remedy = "decisions ignore them"
        message = "contact policies and stock are checked, but not yet applied"
        yield Diagnostic("NB707", message, Position(document.file, 1, 1), remedy, Severity.NOTE)
