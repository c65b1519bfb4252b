"""What a data plane is doing, as the message that the control port answers with."""

from typing import Protocol

from nextbest.v1 import control_pb2


class Reporting(Protocol):
    """The part of `nextbest._core.Server` that reports what it is doing."""

    def status(self) -> bytes:
        """Returns an encoded `StatusResponse`."""


def read(server: Reporting) -> control_pb2.StatusResponse:
    """Returns what a server is doing."""
    return control_pb2.StatusResponse.FromString(server.status())
