"""Options of a command line -> the question that they ask, typed by a bundle's schema if there is one."""
# ruff: noqa: PLC0415 - a command loads what it needs when it runs, so that `--help` answers at once

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nextbest.casting import Schema
from nextbest.cli.exit_codes import ExitCode
from nextbest.cli.output import CommandError, is_for_machines, write_note

if TYPE_CHECKING:
    from nextbest.bundle.offline import OfflineBundle
    from nextbest.casting.form import Form
    from nextbest.cli.decision_tables import View
    from nextbest.client.answers import Decision
    from nextbest.client.client import Client


@dataclass(frozen=True, slots=True)
class CustomerOptions:
    """The customer of a command line: an id, and the file in which it is looked up."""

    customer_id: str
    customers: Path | None
    id_column: str
    form: "Form"

    def attributes(self, schema: Schema | None, *, are_given: bool) -> dict[str, Any]:
        """Returns the attributes that the file has for the customer; none if there is no file.

        Args:
            schema: Of the bundle; None if a server is asked.
            are_given: Whether the command line has attributes of the customer.

        Raises:
            CommandError: The options do not go together, or the customer is not in the file.
        """
        if self.customers is None:
            if schema is not None and self.customer_id and not are_given:
                message = f"a bundle has no stored customers: `{self.customer_id}` is unknown"
                remedy = "give --customers FILE to look up the id, or attributes with --attribute name=value"
                raise CommandError(message, remedy, ExitCode.USAGE, "--customer-id")
            return {}
        if schema is None:
            message = "a server has its own customers, and does not read a file"
            remedy = "load it with `nextbest customers load`, or decide here with --bundle"
            raise CommandError(message, remedy, ExitCode.USAGE, "--customers")
        if not self.customer_id:
            remedy = "give --customer-id"
            message = "needs the id of a customer"
            raise CommandError(message, remedy, ExitCode.USAGE, "--customers")
        from nextbest.cli.rows import find_customer, suggestions

        found = find_customer(self.customers, self.id_column, self.customer_id, schema, self.form)
        if found.left_out:
            listed = suggestions(found.left_out, schema, found.columns)
            write_note(f"`{self.customers}`: left out, because the schema does not have them: {listed}")
        return found.attributes


class RequestedQuestion:
    """The question of a command line, typed by the bundle's schema where there is a bundle."""

    def __init__(  # noqa: PLR0913, PLR0917 - one parameter per option
        self,
        bundle: Path | None,
        channel: str,
        placements: Sequence[str] | None,
        attributes: Sequence[str] | None,
        context: Sequence[str] | None,
        customer_json: str,
        context_json: str,
        customer: CustomerOptions,
    ) -> None:
        from nextbest.cli.attributes import names
        from nextbest.v1 import bundle_pb2

        self.offline: OfflineBundle | None = None if bundle is None else _open(bundle)
        customer_schema, context_schema = (
            (self.offline.schema(root) if self.offline else Schema())
            for root in (bundle_pb2.ROOT_CUSTOMER, bundle_pb2.ROOT_CONTEXT)
        )
        self._typed = {
            "customer": (set(names(attributes or ())), customer_json),
            "context": (set(names(context or ())), context_json),
        }
        self._channel = channel
        self._placements = given_placements(placements or ())
        if not self._placements and self.offline:
            self._placements = dict.fromkeys(self.offline.placements(channel), 0)
        given = given_attributes(
            customer_json, attributes, customer_schema, ("--customer-json", "--attribute")
        )
        self._customer_id = customer.customer_id
        known = customer.attributes(customer_schema if self.offline else None, are_given=bool(given))
        self._customer = known | given
        self._context = given_attributes(
            context_json, context, context_schema, ("--context-json", "--context")
        )

    def question(self, now: str, seed: int | None) -> dict[str, Any]:
        """Returns the arguments of `decide` and `explain` alike."""
        return {
            "channel": self._channel,
            "placements": self._placements,
            "customer_id": self._customer_id,
            "customer": self._customer,
            "context": self._context,
            "now": self._moment(now) if now else None,
            "seed": seed,
        }

    @contextmanager
    def naming_options(self, question: Mapping[str, Any]) -> Iterator[None]:
        """Names options, instead of fields of the protocol, in errors of the server or the bundle."""
        from nextbest.cli.refused_options import name_option
        from nextbest.client.errors import InvalidRequest

        try:
            yield
        except InvalidRequest as error:
            raise name_option(error, question, self._option_of) from None

    def view(self, decision: "Decision", judge: "Client | OfflineBundle | None") -> "View | None":
        """Returns the details of the bundle to show with the answer; None for programs.

        Args:
            decision: The answer.
            judge: Ranks all actions, so that placed ones can be compared with others; None if the answer has
                the ranks.
        """
        if is_for_machines():
            return None
        from nextbest.cli.decision_tables import View, ranked_scores
        from nextbest.client.errors import NextbestError
        from nextbest.wording import zone_named

        rivals = {}
        if judge is not None and any(placement.actions for placement in decision.placements):
            question = self.question("", decision.seed) | {"now": decision.now}
            # Tables do without them: a server may be overloaded, or have too many actions for one answer.
            with suppress(NextbestError):
                rivals = ranked_scores(judge.explain(**question))
        if self.offline is None:
            return View(rivals=rivals)
        message = self.offline.message
        labels = {action.name: action.label for action in message.actions if action.label}
        return View(labels, zone_named(message.time_zone), rivals)

    def _option_of(self, root: str, name: str) -> str:
        pairs, source = self._typed[root]
        option = "attribute" if root == "customer" else root
        # The field of an error shows half characters escaped.
        if name in {typed.encode(errors="backslashreplace").decode() for typed in pairs}:
            return f"--{option}"
        return f"--{root}-json" if source else "--customers"

    def _moment(self, text: str) -> datetime:
        from nextbest.casting.moment import first_moment
        from nextbest.cli.moments import parse_now

        moment = parse_now(text)
        if isinstance(moment, datetime):
            return moment
        if self.offline is None:
            message = f"`{text}` is a date, and only a bundle has the time zone in which it begins"
            remedy = f"give a time with its zone, {text}T00:00:00Z, or decide here with --bundle"
            raise CommandError(message, remedy, ExitCode.USAGE, "--now")
        zone = self.offline.message.time_zone
        try:
            return first_moment(moment, zone)
        except ValueError:
            message = f"`{text}` begins before the year 1 of UTC in {zone}"
            raise CommandError(message, "give a later day", ExitCode.USAGE, "--now") from None


def given_attributes(
    source: str, pairs: Sequence[str] | None, schema: Schema, options: tuple[str, str]
) -> dict[str, Any]:
    """Reads attributes from a JSON source and from pairs, the pairs taking precedence.

    Args:
        source: JSON object, file or `-`; empty for none.
        pairs: `name=value`.
        schema: Of the bundle; empty where there is none.
        options: The names of the two options, for errors.

    Raises:
        CommandError: One of them is not valid.
    """
    from nextbest.cli import attributes

    whole = attributes.from_json(source, schema, options[0]) if source else {}
    return whole | attributes.from_pairs(pairs or (), schema, options[1])


def given_placements(texts: Sequence[str]) -> dict[str, int]:
    """Parses placements: `hero`, or `hero=2`.

    Raises:
        CommandError: A placement is not valid.
    """
    placements: dict[str, int] = {}
    for text in texts:
        name, equals, count = text.partition("=")
        if not name or (equals and not count.isdecimal()):
            raise CommandError(
                f"`{text}` is not a placement", "write --placement hero or --placement hero=2", ExitCode.USAGE
            )
        if name in placements:
            message = f"the placement `{name}` is given twice"
            raise CommandError(message, "give each placement once", ExitCode.USAGE, "--placement")
        placements[name] = int(count) if equals else 0
    return placements


def _open(path: Path) -> "OfflineBundle":
    from nextbest.bundle.offline import OfflineBundle
    from nextbest.cli.bundles import load

    return OfflineBundle(load(path).data)
