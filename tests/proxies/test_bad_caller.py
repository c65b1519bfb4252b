"""One caller sends requests with a header that HTTP forbids: the calls of others are answered."""

import socket
from contextlib import ExitStack
from functools import partial

import pytest
from caller import calling

FRONTS = ("nginx", "plain_nginx", "haproxy", "plain_haproxy")
HEADERS, RST_STREAM = 1, 3
BAD_REQUESTS = 3
# Answered by each server after the last of them.
CALLS_AFTER = 500
READ_S_MAX = 20.0


def field(name: bytes, value: bytes) -> bytes:
    """A literal header field, neither indexed nor compressed."""
    return bytes([0, len(name)]) + name + bytes([len(value)]) + value


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def request() -> bytes:
    """A whole connection of one call, with a byte in a header's value that must not be there."""
    headers = {
        b":method": b"POST",
        b":scheme": b"http",
        b":path": b"/nextbest.v1.DecisionService/Decide",
        b":authority": b"nextbest",
        b"content-type": b"application/grpc",
        b"te": b"trailers",
        b"x-note": b"a\x01b",
    }
    block = b"".join(field(name, value) for name, value in headers.items())
    return (
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
        + frame(4, 0, 0, b"")
        + frame(1, 4, 1, block)
        + frame(0, 1, 1, bytes(5))
    )


def answer_to_bad_request(address: str) -> int | None:
    """Sends it; returns how the proxy has ended the call: the type of a frame, or None when it has closed."""
    host, port = address.split(":")
    with socket.create_connection((host, int(port)), timeout=READ_S_MAX) as peer:
        peer.sendall(request())
        with peer.makefile("rb") as answers:
            while head := answers.read(9):
                answers.read(int.from_bytes(head[:3], "big"))
                if head[3] in (HEADERS, RST_STREAM):
                    return head[3]
    return None


@pytest.mark.slow
def test_the_calls_of_others_are_answered(fleet, call_program, question):
    with ExitStack() as stack:
        proxies = {front: fleet.fronts(front) for front in FRONTS}
        call = partial(calling, call_program, question)
        clients = {
            front: stack.enter_context(call(servers, connections=4, rate=50))
            for front, servers in proxies.items()
        }
        for index in (0, 1):
            fleet.await_calls(index)
        for (proxy,) in proxies.values():
            for _ in range(BAD_REQUESTS):
                assert answer_to_bad_request(proxy) == HEADERS
        for index in (0, 1):
            fleet.await_calls(index, CALLS_AFTER)
    assert {front: ended.lost() for front, ended in clients.items()} == {front: {} for front in FRONTS}
