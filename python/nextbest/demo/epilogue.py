"""The end of the demo -> commands to copy."""

from pathlib import Path
from typing import Final

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from nextbest.demo.bank import WORKSPACE
from nextbest.demo.report import INDENT, section
from nextbest.demo.server import Addresses
from nextbest.demo.story import Story

SECTION: Final = 5


def render(story: Story, folder: Path, addresses: Addresses, *, keep: bool, stays: bool) -> RenderableType:
    """What to try next: against the server while it runs, otherwise how to keep one.

    Args:
        story: Whose customer the commands ask about.
        folder: Of the demo.
        addresses: Of the server.
        keep: The server goes on.
        stays: The folder stays even when the server does not.
    """
    commands = _live(story, folder, addresses) if keep else _later(folder, stays=stays)
    # Not wrapped: a command that is broken into two lines cannot be copied.
    lines = [
        Text.assemble((f"# {what}\n", "dim"), command, no_wrap=True, overflow="ignore")
        for what, command in commands
    ]
    note = "The server goes on until Ctrl-C. In another terminal:" if keep else "The server is stopped now."
    body = Group(*(Padding(line, (1, 0, 0, 2)) for line in lines))
    return Group(section(SECTION, "What to try next", note), Padding(body, INDENT), Text())


def _live(story: Story, folder: Path, addresses: Addresses) -> list[tuple[str, str]]:
    usual = Addresses()
    at = "" if addresses.decisions == usual.decisions else f" --address {addresses.decisions}"
    control = "" if addresses.control == usual.control else f" --control-address {addresses.control}"
    workspace, customer = folder / WORKSPACE, story.customer["customer_id"]
    asked = story.refused or story.lost
    why = asked.action if asked else "gold-card"
    ask = f"-c web -p hero -i {customer} -x page=cards{at}"
    return [
        ("decide for one customer", f"nextbest decide {ask}"),
        ("ask why not", f"nextbest explain {why} {ask}"),
        ("look at what is known of them", f"nextbest customers get {customer}{at}"),
        (
            "change a rule, check it, and make it the active one without a pause",
            (
                f"$EDITOR {workspace}/actions/credit-cards.yaml\n"
                f"nextbest check {workspace}\nnextbest activate {workspace}{control}"
            ),
        ),
        ("see what the server did", f"nextbest status{control}"),
    ]


def _later(folder: Path, *, stays: bool) -> list[tuple[str, str]]:
    found = [
        ("keep the server and the workspace, to play with", "nextbest demo --keep"),
        ("start a workspace of your own", "nextbest init shop && cd shop && nextbest check && nextbest test"),
    ]
    if stays:
        found.insert(1, ("run the persona tests of the bank", f"nextbest test {folder / WORKSPACE}"))
    return found
