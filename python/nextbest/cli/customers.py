"""`nextbest customers`: the stored customers of a server, loaded from files or one at a time."""
# ruff: noqa: PLC0415 - a command loads what it needs when it runs, so that `--help` answers at once

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nextbest.casting import Schema
from nextbest.cli.connections import client
from nextbest.cli.csv_form import Encoding, Separator, form
from nextbest.cli.exit_codes import ExitCode
from nextbest.cli.help_text import add_command
from nextbest.cli.output import CommandError, Json, is_for_machines, plain, say, show, write_json
from nextbest.cli.progress import advancing
from nextbest.cli.question_options import Address, Attribute, CustomerJson
from nextbest.cli.questions import given_attributes

if TYPE_CHECKING:
    from nextbest.cli.rows import Batch, CustomerTable, Refusal
    from nextbest.client.valid_customers import Upsert

CustomerArgument = Annotated[str, typer.Argument(help="The customer's id.")]
Timeout = Annotated[float, typer.Option("--timeout", min=0.001, help="Seconds to wait for each answer.")]


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    group = typer.Typer(
        name="customers", help="Load, show, change and delete customers.", no_args_is_help=True
    )
    add_command(
        group,
        load,
        "nextbest customers load customers.parquet",
        "nextbest customers load crm.csv --id client_no --bundle bank.bundle",
        "nextbest customers load excel.csv --bundle ./bank --separator ';' --encoding windows-1252",
    )
    add_command(
        group,
        upsert,
        "nextbest customers upsert c-1042 -a age=42 -a segment=mass",
        "nextbest customers upsert c-1042 -a since:timestamp=2020-01-01 -a balance=",
        "nextbest customers upsert c-1042 --customer-json '{\"age\": 42}'",
    )
    add_command(group, get, "nextbest customers get c-1042")
    add_command(group, delete, "nextbest customers delete c-1042")
    app.add_typer(group, rich_help_panel="Questions")


def load(  # noqa: PLR0913 - one parameter an option
    file: Annotated[Path, typer.Argument(help="Parquet, CSV, TSV or NDJSON, one customer a row.")],
    *,
    id_column: Annotated[
        str, typer.Option("--id", "--id-column", help="Column of customer ids.")
    ] = "customer_id",
    bundle: Annotated[
        Path | None,
        typer.Option(
            "--bundle",
            "-b",
            help=(
                "Bundle file or workspace: cast columns to its schema, and leave out columns that it "
                "does not have."
            ),
        ),
    ] = None,
    separator: Separator = "",
    encoding: Encoding = "",
    refusals_max: Annotated[
        int, typer.Option("--refusals-max", min=0, help="Stop after this many rows were refused.")
    ] = 20,
    address: Address = "",
    timeout: Timeout = 10.0,
    json: Json = False,  # noqa: ARG001 - chooses by its callback
) -> None:
    """Load customers from a file; columns become attributes of the same names.

    With --bundle, every value is cast to the type that the schema declares, including text of CSV and NDJSON.
    Whole numbers may be written 3.0; truth values true and false, yes and no, 1 and 0; times 2026-01-31 or
    2026-01-31T09:00:00Z: a date begins in the workspace's time zone, and a time that names no zone is of UTC;
    lengths of time 720h, 30d or P30D; lists in JSON, ["a", "b"]. Dates such as 03/04/1990, decimal commas,
    and numbers for attributes that are declared as text are refused, because their meaning is ambiguous.

    Without --bundle, the types come from the file for Parquet and NDJSON. A column of CSV becomes numbers,
    truth values or times if all of its values are, and text if not; the server refuses values that do not fit
    its schema.

    Ids are text and keep their zeros: 00123 and 123 are two customers. A whole number is taken as its digits.

    An empty value of CSV is missing, and so are NA, NaN and null where the type is not text; a quoted empty
    value is an empty text. Attributes are merged into what is stored: a missing value removes one, and one
    that a line of NDJSON does not name stays as it is. Rows that cannot be cast, or that the server refuses,
    are reported with their number and column, and the rest is stored; the exit code is 1 if there were any.
    """
    from nextbest.cli.rows import CustomerTable

    schema = _schema(bundle)
    table = CustomerTable(file, id_column, schema, form(separator, encoding))
    started = time.monotonic()
    with client(address, timeout) as connection, advancing("loading", table.row_count) as advance:
        loading = _Loading(connection.customers.upsert, table, refusals_max)
        loading.run(advance)
    _report(loading, table, schema, time.monotonic() - started)
    if loading.refusals:
        raise typer.Exit(ExitCode.FINDINGS)


def upsert(  # noqa: PLR0913 - one parameter an option
    customer_id: CustomerArgument,
    *,
    attribute: Attribute = None,
    customer_json: CustomerJson = "",
    address: Address = "",
    timeout: Timeout = 5.0,
    json: Json = False,  # noqa: ARG001 - chooses by its callback
) -> None:
    """Set attributes of one customer; an empty value removes an attribute."""
    from nextbest.cli.attributes import names
    from nextbest.cli.refused_options import name_option
    from nextbest.client.errors import InvalidRequest

    attributes = given_attributes(customer_json, attribute, Schema(), ("--customer-json", "--attribute"))
    pairs = set(names(attribute or ()))
    try:
        with client(address, timeout) as connection:
            connection.customers.upsert([(customer_id, attributes)])
    except InvalidRequest as error:
        raise name_option(
            error,
            {"customer": attributes},
            lambda _, name: "--attribute" if name in pairs else "--customer-json",
        ) from None
    if is_for_machines():
        write_json({"customer_id": customer_id, "upserted": 1})
    else:
        say(f"stored {len(attributes)} attributes of {customer_id}")


def get(
    customer_id: CustomerArgument,
    *,
    address: Address = "",
    timeout: Timeout = 5.0,
    json: Json = False,  # noqa: ARG001 - chooses by its callback
) -> None:
    """Show the stored attributes of a customer."""
    with client(address, timeout) as connection:
        customer = connection.customers.get(customer_id)
    if customer is None:
        raise CommandError(
            f"the customer `{customer_id}` is not stored",
            "load customers with `nextbest customers load`",
            ExitCode.REFUSED,
        )
    if is_for_machines():
        write_json(customer)
        return
    from nextbest.cli.customer_tables import render_customer

    show(render_customer(customer))


def delete(
    customer_id: CustomerArgument,
    *,
    address: Address = "",
    timeout: Timeout = 5.0,
    json: Json = False,  # noqa: ARG001 - chooses by its callback
) -> None:
    """Delete a customer. Repeating it is harmless."""
    with client(address, timeout) as connection:
        deleted = connection.customers.delete(customer_id)
    if is_for_machines():
        write_json({"customer_id": customer_id, "deleted": deleted})
    else:
        say(f"deleted {customer_id}" if deleted else f"{customer_id} was not stored")


@dataclass(slots=True)
class _Loading:
    """A load in progress."""

    upsert: "Upsert"
    table: "CustomerTable"
    refusals_max: int
    stored: int = 0
    refusals: "list[Refusal]" = field(default_factory=list)

    @property
    def gave_up(self) -> bool:
        return len(self.refusals) > self.refusals_max

    def run(self, advance: Callable[[int], None]) -> None:
        for batch in self.table.batches():
            self._store(batch)
            advance(batch.row_count)
            if self.gave_up:
                return

    def _store(self, batch: "Batch") -> None:
        from nextbest.cli.rows import Refusal
        from nextbest.client.valid_customers import UnknownAttributeError, upsert_valid

        self.refusals += batch.refusals
        if self.gave_up:
            return
        customers = [(customer_id, attributes) for _, customer_id, attributes in batch.customers]
        try:
            stored, refused = upsert_valid(self.upsert, customers, self.refusals_max - len(self.refusals))
        except UnknownAttributeError as error:
            raise _unknown_column(error.attribute, error.message) from None
        self.stored += stored
        rows = [row for row, _, _ in batch.customers]
        self.refusals += [Refusal(rows[one.index], one.attribute, one.message) for one in refused]


def _unknown_column(column: str, message: str) -> CommandError:
    return CommandError(
        f"the column `{column}` is not an attribute: {message}",
        "declare it in schema.yaml, or give --bundle to leave out columns that the schema does not have",
        ExitCode.REFUSED,
        column,
    )


def _schema(bundle: Path | None) -> Schema | None:
    if bundle is None:
        return None
    from nextbest.bundle import read
    from nextbest.bundle.schema import schema_of
    from nextbest.cli.bundles import load as load_bundle
    from nextbest.v1 import bundle_pb2

    return schema_of(read(load_bundle(bundle).data), bundle_pb2.ROOT_CUSTOMER)


def _report(loading: _Loading, table: "CustomerTable", schema: Schema | None, duration_s: float) -> None:
    refusals = sorted(loading.refusals, key=lambda refusal: refusal.row)
    if is_for_machines():
        write_json(
            {
                "rows": table.row_count,
                "stored": loading.stored,
                "refused": plain(refusals),
                "gave_up": loading.gave_up,
                "attributes": table.attributes,
                "left_out": table.left_out,
                "repeated_ids": table.repeated_count,
                "duration_s": round(duration_s, 3),
            }
        )
        return
    if refusals:
        from nextbest.cli.customer_tables import render_refusals

        show(render_refusals(refusals))
    _show_notes(table, schema, refusals)
    rate = loading.stored / max(duration_s, 1e-6)
    count = f"{loading.stored:,} of {table.row_count:,} customers"
    say(f"stored {count} in {duration_s:.1f} s ({rate:,.0f} a second)")
    if loading.gave_up:
        say(f"stopped after {len(loading.refusals)} refused rows: correct them, or raise --refusals-max")


def _show_notes(table: "CustomerTable", schema: Schema | None, refusals: "list[Refusal]") -> None:
    """Notes on the file that its author may not expect."""
    from nextbest.cli.rows import suggestions

    if table.left_out:
        listed = suggestions(table.left_out, schema or Schema(), table.attributes)
        say(f"left out, because the schema does not have them: {listed}")
    if table.repeated_count:
        repeated = f"{table.repeated_count:,} rows have the id of an earlier row"
        say(f"{repeated}: their values were merged into the same customers")
    if table.dates_of_utc:
        names = ", ".join(table.dates_of_utc)
        say(f"dates of {names} were taken as days of UTC; give --bundle for the workspace's time zone")
    if schema is None and any(refusal.message.endswith(" was sent") for refusal in refusals):
        say("give --bundle, so that columns are cast to the types of its schema")
