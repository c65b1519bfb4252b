"""What a list of servers becomes, whose names are looked up with a resolver of the test."""

import socket

import pytest

from nextbest.client import errors
from nextbest.client.addresses import resolve

NAMES = {
    "one": ["192.0.2.1"],
    "two": ["192.0.2.2", "192.0.2.22"],
    "both": ["2001:db8::3", "192.0.2.3"],
    "six": ["2001:db8::6"],
}


@pytest.fixture(autouse=True)
def names(monkeypatch):
    def look_up(host, port, **_):
        if host not in NAMES and not any(character in host for character in ":."):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [
            (socket.AF_INET6 if ":" in ip else socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port))
            for ip in NAMES.get(host, [host])
        ]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)


@pytest.mark.parametrize(
    "address", ["one:50051", "dns:///decisions:50051", "unix:/run/decide", "[::1]:50051"]
)
@pytest.mark.parametrize("form", [lambda address: address, lambda address: [address]], ids=["text", "list"])
def test_one_address_is_for_grpc_to_resolve(form, address):
    target = resolve(form(address))
    # HTTP/2 does not accept a socket's path as an authority.
    authority = "localhost" if address.startswith("unix:") else None
    assert (target.name, target.text, target.authority) == (address, address, authority)


@pytest.mark.parametrize(
    ("addresses", "name"),
    [
        (["192.0.2.1:1", "192.0.2.2:65535"], "ipv4:192.0.2.1:1,192.0.2.2:65535"),
        (["[2001:db8::1]:1", "[2001:db8::2]:2"], "ipv6:[2001:db8::1]:1,[2001:db8::2]:2"),
        (["one:1", "two:2"], "ipv4:192.0.2.1:1,192.0.2.2:2,192.0.2.22:2"),
        (["one:1", "one:2", "192.0.2.1:2"], "ipv4:192.0.2.1:1,192.0.2.1:2"),
        (["both:1", "one:1"], "ipv4:192.0.2.3:1,192.0.2.1:1"),
        (("both:1", "six:1"), "ipv6:[2001:db8::3]:1,[2001:db8::6]:1"),
    ],
)
def test_a_list_becomes_one_name(addresses, name):
    target = resolve(addresses)
    assert target.name == name
    assert target.text == ", ".join(addresses)
    # The name of all of them together is nothing that a server would take for its own.
    assert target.authority == addresses[0]


@pytest.mark.parametrize(
    ("addresses", "message"),
    [
        ([], "no server is named"),
        (["one:1", "two"], "`two` is not `host:port`"),
        (["one:1", ":2"], "`:2` is not `host:port`"),
        (["one:1", "two:0"], "`two:0` is not `host:port`"),
        (["one:1", "two:65536"], "`two:65536` is not `host:port`"),
        (
            ["one:1", "dns:///two:2"],
            "`dns:///two:2` is not `host:port`, .* one `dns:///` name without a list",
        ),
        (["one:1", "six:1"], "some have IPv4 addresses alone"),
    ],
)
def test_lists_that_cannot_be_used(addresses, message):
    with pytest.raises(errors.InvalidRequest, match=message) as caught:
        resolve(addresses)
    assert caught.value.field == "address"


def test_an_unknown_name():
    with pytest.raises(errors.Unavailable, match="`unknown` has no address: Name or service not known"):
        resolve(["one:1", "unknown:1"])
