"""The requests of `nextbest load`: encoded, from a file of questions or from options."""
# ruff: noqa: PLC0415 - a command loads what it needs when it runs, so that `--help` answers at once

from pathlib import Path
from typing import TYPE_CHECKING, Any

from nextbest.casting import CastError, Schema
from nextbest.casting.json_text import decode_json
from nextbest.cli.exit_codes import ExitCode
from nextbest.cli.output import CommandError
from nextbest.cli.questions import given_attributes, given_placements

if TYPE_CHECKING:
    from nextbest.casting.form import Form

REQUESTS_MAX = 100_000
"""Maximum number of different requests; they are sent in turn."""


def from_file(path: Path) -> list[bytes]:
    """Reads NDJSON of questions, the arguments of `Client.decide`.

    Raises:
        CommandError: The file cannot be read, is empty, or a question is not valid.
    """
    from nextbest.cli.bundles import read_bytes
    from nextbest.client.encoding import assemble
    from nextbest.client.errors import InvalidRequest
    from nextbest.client.question import Question

    encoded: list[bytes] = []
    for number, line in enumerate(read_bytes(path).splitlines()[:REQUESTS_MAX], 1):
        if not line.strip():
            continue
        try:
            encoded.append(assemble(Question(**decode_json(line))).SerializeToString())
        except (TypeError, ValueError, CastError, InvalidRequest) as error:
            raise CommandError(
                f"line {number} of `{path}` is not a question: {error}",
                'write {"channel": "web", "placements": {"hero": 1}, "customer_id": "c-1"}',
                ExitCode.USAGE,
                "--requests",
            ) from None
    if not encoded:
        raise CommandError(
            f"`{path}` does not hold a question", "write one JSON object a line", ExitCode.USAGE, "--requests"
        )
    return encoded


def from_options(
    channel: str,
    placement: list[str] | None,
    attribute: list[str] | None,
    context: list[str] | None,
    customer_ids: list[str],
) -> list[bytes]:
    """Asks the same question for each customer.

    Raises:
        CommandError: The channel or the placements are missing, or an attribute is not valid.
    """
    from nextbest.client.encoding import assemble
    from nextbest.client.question import Question

    if not channel or not placement:
        raise CommandError(
            ("there is no question to send"),
            "give --channel and --placement, or --requests FILE",
            ExitCode.USAGE,
        )
    question: dict[str, Any] = {
        "channel": channel,
        "placements": given_placements(placement),
        "customer": given_attributes("", attribute, Schema(), ("", "--attribute")),
        "context": given_attributes("", context, Schema(), ("", "--context")),
    }
    return [assemble(Question(**question, customer_id=id_)).SerializeToString() for id_ in customer_ids]


def customer_ids(customers: Path | None, id_column: str, form: "Form") -> list[str]:
    """Reads customer ids from a table; returns none if there is no table."""
    if customers is None:
        return [""]
    from nextbest.cli.rows import CustomerTable

    table = CustomerTable(customers, id_column, Schema(), form)
    batches = list(table.batches())
    refusal = next((refusal for batch in batches for refusal in batch.refusals), None)
    if refusal is not None:
        message = f"row {refusal.row} of `{customers}`: {refusal.message}"
        raise CommandError(message, "correct the file", ExitCode.USAGE, "--customers")
    ids = [customer_id for batch in batches for _, customer_id, _ in batch.customers]
    return ids[:REQUESTS_MAX] or [""]
