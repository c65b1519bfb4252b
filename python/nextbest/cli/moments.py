"""The value of `--now` -> a moment, or a day, whose beginning depends on a time zone."""

import re
from datetime import date, datetime
from typing import Final

from nextbest.cli.attributes import parse
from nextbest.cli.exit_codes import ExitCode
from nextbest.cli.output import CommandError

_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_ZONED: Final = re.compile(r".*(?:[Zz]|:\d\d(?:\.\d+)? ?[+-]\d\d(?::?\d\d)?)", re.ASCII)


def parse_now(text: str) -> datetime | date:
    """Reads a time with its zone, or a date.

    Raises:
        CommandError: It is neither, or a time without a zone: files mean UTC by that, workspaces allow none,
            and people mean the time of a clock.
    """
    written = text.strip()
    moment = parse(written, "timestamp", "--now")
    assert isinstance(moment, datetime)  # noqa: S101 - the type asked for
    if _DAY.fullmatch(written):
        return date.fromisoformat(written)
    if not _ZONED.fullmatch(written):
        message = f"`{text}` has no time zone"
        raise CommandError(message, f"write {written}Z for UTC, or {written}+02:00", ExitCode.USAGE, "--now")
    return moment
