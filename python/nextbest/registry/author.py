"""Who makes a change, and when: what records of the registry hold."""

import os
import pwd
from datetime import UTC, datetime


def user() -> str:
    """Returns the user name of this process; its number where it has none."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def now() -> str:
    """Returns this moment: RFC 3339, UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
