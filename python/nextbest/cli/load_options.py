"""The options of `nextbest load`, in the groups in which its help shows them."""

from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final

import typer

_question: Final[Any] = partial(typer.Option, rich_help_panel="Questions")
_pace: Final[Any] = partial(typer.Option, rich_help_panel="Pace: one of --rate, --ramp and --in-flight")
_server: Final[Any] = partial(typer.Option, rich_help_panel="Server")
_result: Final[Any] = partial(typer.Option, rich_help_panel="Results")

Channel = Annotated[str, _question("--channel", "-c", help="Channel, by its name in the workspace.")]
Placement = Annotated[
    list[str] | None, _question("--placement", "-p", help="Placement, or placement=count. Repeatable.")
]
Customers = Annotated[
    Path | None,
    _question("--customers", help="File of customers (Parquet, CSV, NDJSON), whose ids are used in turn."),
]
IdColumn = Annotated[str, _question("--id", "--id-column", help="Column of customer ids in it.")]
Separator = Annotated[
    str, _question("--separator", help=("Separator of a CSV file, such as ';'. Default: ','."))
]
Encoding = Annotated[
    str, _question("--encoding", help=("Encoding of a CSV file, such as latin-1. Default: utf-8."))
]
Attribute = Annotated[
    list[str] | None,
    _question("--attribute", "-a", help="Customer attribute: name=value or name:type=value. Repeatable."),
]
Context = Annotated[
    list[str] | None,
    _question("--context", "-x", help="Context attribute: name=value or name:type=value. Repeatable."),
]
Requests = Annotated[
    Path | None,
    _question(
        "--requests",
        help="Instead of the above: NDJSON, a question a line, such as"
        ' {"channel": "web", "placements": {"hero": 1}, "customer_id": "c-1"}',
    ),
]

Rate = Annotated[float | None, _pace("--rate", min=0.1, help="Requests per second.", show_default="1000")]
Ramp = Annotated[
    str, _pace("--ramp", metavar="FROM:TO:STEP", help="Rising rates, until the server falls behind.")
]
Beyond = Annotated[
    int,
    _pace(
        "--beyond", min=0, help=("With a ramp, this many steps more, to measure the server under overload.")
    ),
]
InFlight = Annotated[
    int | None, _pace("--in-flight", min=1, help="A closed loop: this many requests are always in flight.")
]
Duration = Annotated[
    float, _pace("--duration", min=0.1, help=("Seconds to measure; with a ramp, for each step."))
]
Warmup = Annotated[
    float, _pace("--warmup", min=0.0, help="Seconds at the same pace before the measurement, not counted.")
]
Timeout = Annotated[
    float | None,
    _pace(
        "--timeout",
        min=0.001,
        max=60.0,
        help=(
            "Deadline of each request in seconds, sent with it. Later answers are cancelled and count as "
            "DEADLINE_EXCEEDED. Without it, the run waits for all answers."
        ),
        show_default=False,
    ),
]

Address = Annotated[
    str,
    _server(
        "--address",
        help="Server to ask: host:port, or unix:/path of a socket.",
        show_default="$NEXTBEST_ADDRESS or 127.0.0.1:50051",
    ),
]
Connections = Annotated[
    int,
    _server(
        "--connections",
        min=1,
        help=("Number of connections, used in turn; at least one for each core of the server."),
    ),
]
ApiKey = Annotated[
    str,
    _server(
        "--api-key", help=("API key, sent as authorization: Bearer KEY."), show_default="$NEXTBEST_API_KEY"
    ),
]
TlsCa = Annotated[
    Path | None,
    _server(
        "--tls-ca",
        help="TLS: certificates of trusted authorities, PEM. The other three options need it.",
        show_default="$NEXTBEST_CLIENT_CA, _CERTIFICATE, _KEY and _SERVER_NAME",
    ),
]
TlsCert = Annotated[Path | None, _server("--tls-cert", help="This client's certificate, PEM.")]
TlsKey = Annotated[Path | None, _server("--tls-key", help="Its private key, PEM.")]
TlsName = Annotated[
    str, _server("--tls-name", help="Name in the server's certificate, if not that of the address.")
]

Png = Annotated[
    Path | None,
    _result("--png", help="Draw latencies: of a ramp against the rate, otherwise by percentile."),
]
Hgrm = Annotated[
    Path | None, _result("--hgrm", help="Write all percentiles as HdrHistogram's tools do, in milliseconds.")
]
