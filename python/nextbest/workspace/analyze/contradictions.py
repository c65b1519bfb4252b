"""Reachability -> clauses of an action that exclude each other, and treatments that can never be used."""

from collections.abc import Iterable, Iterator

from nextbest.diagnostics import Diagnostic, Severity
from nextbest.expression.exclusion import Exclusion
from nextbest.workspace.analyze.reachability import Form, Reachability


def report_contradictions(actions: Iterable[Reachability]) -> Iterator[Diagnostic]:
    """Reports clauses of actions that exclude each other (NB503), each where the last of them is written.

    A condition that cannot hold alone was reported where it is written.
    """
    for reachability in actions:
        for exclusion in reachability.exclusions:
            if not exclusion.is_of_one_condition:
                position, remedy = exclusion.last.position, exclusion.help()
                yield Diagnostic("NB503", exclusion.message(), position, remedy, Severity.WARNING)


def report_unusable(actions: Iterable[Reachability]) -> Iterator[Diagnostic]:
    """Reports treatments that can never be used (NB509), unless the action itself is unreachable."""
    for reachability in actions:
        for form in reachability.forms:
            if form.exclusions and not form.exclusions[0].is_reported:
                yield _unusable(reachability, form, form.exclusions[0])


def _unusable(reachability: Reachability, form: Form, exclusion: Exclusion) -> Diagnostic:
    # A treatment may be written above conditions of its action; the finding is reported at the treatment.
    own = [place for place in exclusion.places if place in form.places]
    exclusion = Exclusion((*(place for place in exclusion.places if place not in own), *own))
    message = f"the treatment `{form.name}` can never be used: {exclusion.message()}"
    help_ = exclusion.help()
    if len(reachability.forms) == 1:
        help_ += f"; the action `{reachability.action.name}` has no other treatment and is never placed"
    return Diagnostic("NB509", message, exclusion.last.position, help_, Severity.WARNING)
