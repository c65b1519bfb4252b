"""Findings about a text -> the same findings, with remedies whose results have been compiled.

A remedy that leads to the same error is replaced by a sentence. If all errors of a text can be corrected, the
remedy is the whole text.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from nextbest.diagnostics import Edit, Remedy
from nextbest.expression.finding import Finding
from nextbest.expression.tokens import Tokens

# Edits per text: each corrects one foreign construct, and a condition has few.
EDITS_MAX = 24
# A longer text is not shown whole.
SHOWN_MAX = 240
GUESS = "did you mean"

Diagnose = Callable[[Tokens], Sequence[Finding]]


def repair(text: str, findings: Sequence[Finding], diagnose: Diagnose) -> list[Finding]:
    """Tries the remedies of findings.

    Args:
        text: What the findings are about.
        findings: As worded, with edits that have not been compiled.
        diagnose: Finds the errors of a text.
    """
    return [_tried(text, finding, diagnose) if finding.edit else finding for finding in findings]


def plain(finding: Finding) -> Finding:
    """A finding with its remedy as a sentence."""
    return replace(finding, help=finding.otherwise or str(finding.help), otherwise="")


def _tried(text: str, finding: Finding, diagnose: Diagnose) -> Finding:
    edit, help_ = finding.edit, finding.help
    if edit is None or not isinstance(help_, Remedy):
        return finding
    after = edit.apply(text)
    left = diagnose(Tokens(after))
    is_guess = help_.words.startswith(GUESS)
    if any(_is_same(finding, other) for other in left):
        return plain(finding)
    settled, guessed = _settle(after, left, diagnose)
    if is_guess:
        return replace(finding, help=Remedy(help_.words, edit), otherwise="")
    if settled is None:
        return plain(finding)
    if len(settled) > SHOWN_MAX:
        return replace(finding, otherwise="") if settled == after else plain(finding)
    words = help_.words
    if words == "write `{}`" and guessed:
        words = f"{GUESS} `{{}}`?"
    return replace(finding, help=Remedy(words, Edit.of_all(text, settled)), otherwise="")


def _is_same(finding: Finding, other: Finding) -> bool:
    """Whether a finding is still there, as opposed to a similar one later in the text."""
    is_alike = (other.code, other.message) == (finding.code, finding.message)
    return is_alike and other.stretch[0] <= finding.stretch[0]


def _settle(text: str, left: Sequence[Finding], diagnose: Diagnose) -> tuple[str | None, bool]:
    """Applies edits until there are no errors; returns the text, and whether a name in it was guessed."""
    seen, guessed = {text}, False
    for _ in range(EDITS_MAX):
        if not left:
            return text, guessed
        finding = next((finding for finding in left if finding.edit is not None), None)
        if finding is None or finding.edit is None:
            break
        guessed = guessed or str(finding.help).startswith(GUESS)
        text = finding.edit.apply(text)
        if text in seen:
            break
        seen.add(text)
        left = diagnose(Tokens(text))
    return None, guessed
