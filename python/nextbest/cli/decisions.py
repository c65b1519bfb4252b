"""`nextbest decide` and `nextbest explain`: one question, asked of a server or of a bundle file."""
# ruff: noqa: PLC0415 - a command loads what it needs when it runs, so that `--help` answers at once

from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated

import typer

from nextbest.cli.connections import client
from nextbest.cli.csv_form import Encoding, Separator, form
from nextbest.cli.help_text import add_command
from nextbest.cli.output import Json, is_for_machines, show, write_json
from nextbest.cli.question_options import (
    Address,
    Attribute,
    BundleFile,
    Channel,
    ContextJson,
    ContextOption,
    ContributionsOption,
    CustomerId,
    CustomerJson,
    Customers,
    IdColumn,
    Now,
    PlacementOption,
    Rows,
    Seed,
    Timeout,
)
from nextbest.cli.questions import CustomerOptions, RequestedQuestion

if TYPE_CHECKING:
    from nextbest.cli.decision_tables import View
    from nextbest.client.answers import Decision

_PANEL = "Questions"


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    add_command(
        app,
        decide,
        "nextbest decide -c web -p hero -i c-1042",
        "nextbest decide -c web -p hero=1 -p sidebar=3 -a age=42 -a segment=mass -x device=app",
        "nextbest decide -b bank.bundle -c web --customer-json '{\"age\": 42}' --explanation funnel",
        "nextbest decide -b bank.bundle -c web -i c-1042 --customers customers.csv",
        "nextbest decide -c web -p hero -i c-1042 --contributions exact --top 1",
        "nextbest decide -c web -p hero -i c-1042 --now 2026-06-01T12:00:00Z --json",
        panel=_PANEL,
    )
    add_command(
        app,
        explain,
        "nextbest explain gold-card -c web -p hero -i c-1042",
        "nextbest explain -c web -p hero -i c-1042 --rows 100",
        "nextbest explain gold-card -c web -p hero -i c-1042 --contributions exact",
        "nextbest explain gold-card -b ./bank -c web -a age=17",
        "nextbest explain gold-card -b ./bank -c web -i c-1042 --customers customers.csv",
        panel=_PANEL,
    )


def decide(  # noqa: PLR0913 - one parameter an option
    *,
    channel: Channel,
    placement: PlacementOption = None,
    customer_id: CustomerId = "",
    customers: Customers = None,
    id_column: IdColumn = "customer_id",
    separator: Separator = "",
    encoding: Encoding = "",
    attribute: Attribute = None,
    context: ContextOption = None,
    customer_json: CustomerJson = "",
    context_json: ContextJson = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Do not change the customer's state.")] = False,
    explanation: Annotated[
        str, typer.Option(help=("Detail of the explanation: none, funnel or full."))
    ] = "none",
    contributions: ContributionsOption = "none",
    top: Annotated[
        int,
        typer.Option("--top", min=1, max=10, help="Actions whose contributions are shown, the best first."),
    ] = 3,
    now: Now = "",
    seed: Seed = None,
    address: Address = "",
    bundle: BundleFile = None,
    timeout: Timeout = 5.0,
    rows: Rows = 20,
    json: Json = False,  # noqa: ARG001 - chooses by its callback
) -> None:
    """Ask which actions to offer a customer now.

    With --bundle there are no stored customers. --customers FILE looks up the customer id in a file, which is
    read as by `nextbest customers load --bundle`. --attribute and --customer-json give attributes; they take
    precedence; if they are the only source, the id only decides between actions of the same priority.
    """
    options = CustomerOptions(customer_id, customers, id_column, form(separator, encoding))
    asked = RequestedQuestion(
        bundle, channel, placement, attribute, context, customer_json, context_json, options
    )
    question = asked.question(now, seed)
    question |= {"dry_run": dry_run or bool(now) or seed is not None, "explanation": explanation}
    question |= {"contributions": contributions, "contributions_top": top}
    with asked.naming_options(question):
        if asked.offline:
            decision = asked.offline.decide(**question)
        else:
            with client(address, timeout) as connection:
                decision = connection.decide(**question)
        _show_decision(decision, rows, asked.view(decision, asked.offline))


def explain(  # noqa: PLR0913 - one parameter an option
    actions: Annotated[
        list[str] | None, typer.Argument(help="Actions to explain; none: the whole decision.")
    ] = None,
    *,
    channel: Channel,
    placement: PlacementOption = None,
    customer_id: CustomerId = "",
    customers: Customers = None,
    id_column: IdColumn = "customer_id",
    separator: Separator = "",
    encoding: Encoding = "",
    attribute: Attribute = None,
    context: ContextOption = None,
    customer_json: CustomerJson = "",
    context_json: ContextJson = "",
    contributions: ContributionsOption = "none",
    now: Now = "",
    seed: Seed = None,
    address: Address = "",
    bundle: BundleFile = None,
    timeout: Timeout = 5.0,
    rows: Rows = 20,
    json: Json = False,  # noqa: ARG001 - chooses by its callback
) -> None:
    """Ask why these actions are offered, or why one is not.

    With --bundle there are no stored customers. --customers FILE looks up the customer id in a file;
    --attribute and --customer-json give attributes, which take precedence.
    """
    options = CustomerOptions(customer_id, customers, id_column, form(separator, encoding))
    asked = RequestedQuestion(
        bundle, channel, placement, attribute, context, customer_json, context_json, options
    )
    question = asked.question(now, seed) | {"contributions": contributions}
    with asked.naming_options(question | {"actions": actions or ()}), ExitStack() as stack:
        judge = asked.offline or stack.enter_context(client(address, timeout))
        decision = judge.explain(actions=actions or (), **question)
        if actions:
            _show_actions(decision, rows, asked.view(decision, judge))
        else:
            _show_decision(decision, rows, asked.view(decision, None))


def _show_decision(decision: "Decision", rows: int, view: "View | None") -> None:
    if is_for_machines():
        write_json(decision)
        return
    from nextbest.cli import decision_tables as tables
    from nextbest.cli.contribution_tables import render_contributions

    show(*tables.render_decision(decision, view))
    show(*(part for action in tables.best_first(decision) for part in render_contributions(action, rows)))
    if decision.explanation:
        show(tables.render_funnel(decision.explanation.funnel))
        if decision.explanation.actions:
            show(*tables.render_ranking(decision.explanation.actions, rows, decision.currency, view))
            show(*tables.render_dropped(decision.explanation.actions, rows, view))


def _show_actions(decision: "Decision", rows: int, view: "View | None") -> None:
    if is_for_machines():
        write_json(decision)
        return
    from nextbest.cli.contribution_tables import render_contributions
    from nextbest.cli.explanation_tables import render_action

    for action in decision.explanation.actions if decision.explanation else ():
        show(render_action(action, decision, view), *render_contributions(action, rows))
