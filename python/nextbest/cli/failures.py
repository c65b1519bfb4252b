"""Exceptions of every part of nextbest -> a command's message, remedy and exit code."""

import errno
import sys

from nextbest.bundle import BundleError
from nextbest.casting import CastError
from nextbest.cli.exit_codes import ExitCode
from nextbest.cli.output import CommandError
from nextbest.cli.refused_options import typing_remedy
from nextbest.client import errors
from nextbest.models import ModelError
from nextbest.serve.access import AccessError
from nextbest.settings import SettingError

_OUTPUT_ERRORS = (errno.EBADF, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.ENOSPC)
"""For a file without a name: standard output."""


def explain(error: Exception) -> CommandError | None:
    """Explains an expected failure; None for a fault of nextbest itself."""
    match error:
        case errors.NextbestError():
            return _call(error)
        case BundleError() | ModelError() | AccessError() | CastError():
            is_usage = isinstance(error, AccessError | CastError)
            code = ExitCode.USAGE if is_usage else ExitCode.REFUSED
            return CommandError(error.message, error.help, code)
        case SettingError():
            message, _, remedy = str(error).partition(": ")
            return CommandError(message, remedy, ExitCode.USAGE)
        case OSError() if error.filename is not None or error.errno in _OUTPUT_ERRORS:
            return _system(error)
        case ImportError() if "_core" in str(error):
            message = "this copy of nextbest is incomplete: its compiled part is missing"
            return CommandError(message, "run `make demo`, or install a wheel", ExitCode.CANNOT_SERVE)
        case _:
            return _of_servers(error)


def _system(error: OSError) -> CommandError:
    reason = error.strerror or type(error).__name__
    if error.filename is not None:
        return CommandError(f"`{error.filename}`: {reason}", "check the path", ExitCode.USAGE)
    remedy = "the command has finished its work; write its output elsewhere"
    return CommandError(f"standard output cannot be written: {reason}", remedy, ExitCode.USAGE)


def _call(error: errors.NextbestError) -> CommandError:
    match error:
        case errors.InvalidRequest():
            return CommandError(error.message, typing_remedy(error.message), ExitCode.REFUSED, error.field)
        case errors.Unavailable():
            return CommandError(error.message, _connecting(error.message), ExitCode.CANNOT_CONNECT)
        case errors.DeadlineExceeded():
            return CommandError(
                error.message, "the server is busy or hangs: check it with `nextbest status`", ExitCode.FAILED
            )
        case errors.Overloaded():
            # What is full stays full; only overload passes.
            remedy = "" if "NEXTBEST_" in error.message else "try again later, or at a lower rate"
            return CommandError(error.message, remedy, ExitCode.FAILED)
        case errors.NotFound() | errors.Refused():
            is_unknown = error.status == "UNAUTHENTICATED"
            remedy = "set NEXTBEST_API_KEY, or NEXTBEST_CLIENT_CERTIFICATE and NEXTBEST_CLIENT_KEY"
            return CommandError(error.message, remedy if is_unknown else "", ExitCode.REFUSED)
        case _:
            remedy = "read the server's log; client and server may have different versions"
            return CommandError(error.message, remedy, ExitCode.FAILED)


def _connecting(message: str) -> str:
    if any(word in message for word in ("certificate", "TLS", "TSI_")):
        return (
            "for TLS set NEXTBEST_CLIENT_CA, and for a server that asks for certificates "
            "NEXTBEST_CLIENT_CERTIFICATE and NEXTBEST_CLIENT_KEY; see docs/operator/access.md"
        )
    return "start one with `nextbest serve BUNDLE`, or name its address"


def _of_servers(error: Exception) -> CommandError | None:
    # By what is loaded: what raised one of theirs is, and for any other error they cost too much to load.
    core = sys.modules.get("nextbest._core")
    state = sys.modules.get("nextbest.serve.state")
    service = sys.modules.get("nextbest.serve.control_port")
    if core is not None and isinstance(error, core.BundleError):
        remedy = "compile it again"
        if error.code == "index-too-large":
            remedy = "raise NEXTBEST_INDEX_BYTES_MAX, or split the workspace"
        return CommandError(f"the bundle does not pass verification: {error}", remedy, ExitCode.REFUSED)
    if state is not None and isinstance(error, state.StateError):
        taken = isinstance(error, state.StateTakenError)
        return CommandError(error.message, error.help, ExitCode.CANNOT_SERVE if taken else ExitCode.USAGE)
    if isinstance(error, OSError):
        return _of_data_plane(str(error))
    if service is not None and isinstance(error, service.ListenError):
        taken = isinstance(error, service.TakenError)
        code = ExitCode.CANNOT_SERVE if taken else ExitCode.USAGE
        return CommandError(str(error), "read about --control-address in `nextbest serve --help`", code)
    return None


_BAD_SETTINGS = {
    "TLS cannot be used": "correct the file: --tls-certificate, --tls-key, --tls-client-ca",
    "decisions cannot be traced": "correct the variables of OpenTelemetry, or unset them",
    "cannot listen on": "correct --address or --health-address: host:port of this machine, or unix:/path",
}
"""The beginning of a data plane's error that a setting causes, and its remedy."""


def _of_data_plane(message: str) -> CommandError:
    remedy = next((remedy for begin, remedy in _BAD_SETTINGS.items() if message.startswith(begin)), None)
    if remedy is None or "in use" in message:
        taken = (
            "stop the process that uses the address, or choose another one with --address or --health-address"
        )
        return CommandError(message, taken if remedy else "", ExitCode.CANNOT_SERVE)
    return CommandError(message, remedy, ExitCode.USAGE)
