"""A loaded workspace -> everything that is wrong with it beyond single files and expressions.

Each module looks at one kind of file and yields what it finds; none stops at the first error.
"""

from collections.abc import Callable, Iterator

from nextbest.diagnostics import Diagnostic
from nextbest.workspace.check.actions import check_actions
from nextbest.workspace.check.contact import check_contact
from nextbest.workspace.check.delivery import check_delivery
from nextbest.workspace.check.moments import check_moments
from nextbest.workspace.check.numbers import check_numbers
from nextbest.workspace.check.personas import check_personas
from nextbest.workspace.check.schema import check_schema
from nextbest.workspace.check.scopes import check_scopes
from nextbest.workspace.check.texts import check_texts
from nextbest.workspace.load import Workspace

__all__ = ["check"]

CHECKS: tuple[Callable[[Workspace], Iterator[Diagnostic]], ...] = (
    check_schema,
    check_scopes,
    check_actions,
    check_delivery,
    check_contact,
    check_numbers,
    check_texts,
    check_personas,
    check_moments,
)


def check(workspace: Workspace) -> list[Diagnostic]:
    """Checks references between files, and values whose types the schema declares."""
    return [diagnostic for examine in CHECKS for diagnostic in examine(workspace)]
