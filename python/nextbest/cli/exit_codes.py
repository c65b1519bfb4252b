"""The exit codes of `nextbest`. Scripts may rely on these: a number never changes its meaning."""

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes. A server that a second signal ends exits with 128 and the signal's number: 130 or 143."""

    OK = 0
    """Done."""
    FINDINGS = 1
    """Done, with findings: errors in a workspace (with --strict, warnings too), failed tests, refused rows or
    a refused model."""
    USAGE = 2
    """The command line is wrong, a file cannot be read, or an environment variable cannot be used."""
    CANNOT_CONNECT = 3
    """No server was reached."""
    REFUSED = 4
    """The server, or the bundle, refused: an invalid request, a damaged bundle, an unknown customer."""
    FAILED = 5
    """The server failed, or did not answer in time."""
    CANNOT_SERVE = 6
    """A server could not start: an address is taken, a library is missing."""
    CUT_OFF = 7
    """A server stopped, but some calls in flight did not finish within the drain's grace."""
    INTERNAL = 70
    """A fault of nextbest itself. Set NEXTBEST_DEBUG=1 for the traceback, and report it."""
    INTERRUPTED = 130
    """Ctrl-C."""
