"""Options of commands that ask a question: `decide`, `explain`, and in part `customers`."""

from pathlib import Path
from typing import Annotated

import typer

Channel = Annotated[str, typer.Option("--channel", "-c", help="Channel, by its name in the workspace.")]
PlacementOption = Annotated[
    list[str] | None,
    typer.Option(
        "--placement",
        "-p",
        help="Placement, or placement=count. Repeatable. With --bundle: all of the channel by default.",
    ),
]
CustomerId = Annotated[
    str,
    typer.Option(
        "--customer-id",
        "-i",
        help="Id of the customer whose stored attributes are read; with --bundle, of a row of --customers.",
    ),
]
Customers = Annotated[
    Path | None,
    typer.Option(
        "--customers",
        help=("With --bundle: file of customers in which the id is looked up (Parquet, CSV, NDJSON)."),
    ),
]
IdColumn = Annotated[str, typer.Option("--id-column", help="Column of customer ids in --customers.")]
Attribute = Annotated[
    list[str] | None,
    typer.Option(
        "--attribute",
        "-a",
        help="Customer attribute: name=value or name:type=value. Repeatable. Without --bundle, a date is a "
        "day of UTC.",
    ),
]
ContextOption = Annotated[
    list[str] | None,
    typer.Option("--context", "-x", help="Context attribute: name=value or name:type=value. Repeatable."),
]
CustomerJson = Annotated[
    str, typer.Option("--customer-json", help="Customer attributes: a JSON object, a file, or - for stdin.")
]
ContextJson = Annotated[
    str, typer.Option("--context-json", help="Context attributes: a JSON object, a file, or - for stdin.")
]
Now = Annotated[
    str,
    typer.Option(
        "--now",
        help=(
            "Time of the decision, such as 2026-06-01T12:00:00Z; with --bundle also a date, which begins "
            "in the workspace's time zone. A dry run."
        ),
    ),
]
Seed = Annotated[int | None, typer.Option("--seed", min=0, help="Seed of the decision to repeat. A dry run.")]
Address = Annotated[
    str, typer.Option("--address", help="Server to ask.", show_default="$NEXTBEST_ADDRESS or 127.0.0.1:50051")
]
BundleFile = Annotated[
    Path | None,
    typer.Option("--bundle", "-b", help="Decide here on a bundle file or workspace, without a server."),
]
Timeout = Annotated[float, typer.Option("--timeout", min=0.001, help="Seconds to wait for the answer.")]
Rows = Annotated[int, typer.Option("--rows", min=1, help="Maximum number of rows of each table.")]
ContributionsOption = Annotated[
    str,
    typer.Option(
        "--contributions", help=("Contributions of attributes to propensities: none, fast or exact.")
    ),
]
