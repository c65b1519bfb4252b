"""The connection of commands to a server, with the certificates and keys of the environment.

What loads gRPC is loaded when a connection is made, so that `--help` answers at once.
"""
# ruff: noqa: PLC0415

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nextbest import Client
    from nextbest.client.credentials import Tls
    from nextbest.client.operator import Operator


def client(address: str, timeout_s: float) -> "Client":
    """Opens a connection for decisions; without an address, to that of the settings."""
    from nextbest import Client, settings

    found = settings.read()
    return Client(address or found.address, timeout_s=timeout_s, tls=tls(), api_key=found.api_key)


def operator(address: str) -> "Operator":
    """Opens a connection to a control port; without an address, to that of the settings."""
    from nextbest import settings
    from nextbest.client.operator import Operator

    found = settings.read()
    return Operator(address or found.control_address, tls=tls(), api_key=found.api_key)


def tls() -> "Tls | None":
    """Returns the trusted authorities and the client's identity; None if the settings name no authorities."""
    from nextbest import settings
    from nextbest.client.credentials import Tls

    found = settings.read()
    if found.client_ca is None:
        return None
    return Tls(found.client_ca, found.client_certificate, found.client_key, found.client_server_name)
