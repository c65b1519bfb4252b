"""Two servers are restarted in turn, behind nginx and HAProxy and with grpc-go alone: no call is lost.

The servers have their default settings, and the clients no retries. nginx and HAProxy are set up as
docs/proxies.md shows; in `make test-long` also with their own defaults alone.
"""

import logging
import time
from contextlib import ExitStack
from functools import partial

import balancers
import pytest
from caller import calling

from nextbest.control import Operator

CONNECTIONS = 4
# With its own defaults, nginx makes a connection for every call, and sends nothing to a server for 10 s after
# it has failed.
PLAIN_NGINX = """
upstream nextbest {{ server {a}; server {b}; }}
server {{ listen {front} http2; location / {{ grpc_pass grpc://nextbest; }} }}
"""
PLAIN_HAPROXY = """
defaults
    mode http
    timeout connect 5s
    timeout client 50s
    timeout server 50s
listen nextbest
    bind {front} proto h2
    server a {a} proto h2
    server b {b} proto h2
"""


class Fleet:
    """Two servers, their addresses, and what stands in front of them."""

    def __init__(self, start, bundle, stack, folder):
        self._bundle, self._stack, self._folder = bundle, stack, folder
        # An empty variable counts as unset.
        self._start = partial(start, NEXTBEST_DRAIN_GRACE_S="")
        self.servers = [self._start(bundle) for _ in "ab"]

    def restart(self, index):
        """Stops a server and starts it again at its addresses."""
        before = self.servers[index]
        code, events, err = before.stop()
        assert (code, err, events[-1]) == (0, "", {"event": "stopped", "drained": True})
        addresses = ("--address", before.decisions, "--health-address", str(before.listening["health"]))
        self.servers[index] = self._start(self._bundle, *addresses)

    def await_calls(self, index):
        """Returns once a server has decided something since its start."""
        with Operator(self.servers[index].control) as operator:
            while not operator.status().decisions:
                time.sleep(0.1)

    def fronts(self, name):
        """Starts what is to stand in front; returns where it is called."""
        return getattr(self, f"_{name}")()

    def _grpc_go(self):
        return [serving.decisions for serving in self.servers]

    def _nginx(self):
        return self._behind(balancers.nginx, balancers.printed("nginx"), {"listen 8051": "listen {front}"})

    def _haproxy(self):
        configuration, moves = balancers.printed("haproxy"), {"bind :8051": "bind {front}"}
        for serving, address in zip(self.servers, ("10.0.0.11", "10.0.0.12"), strict=True):
            host, port = str(serving.listening["health"]).split(":")
            moves[f"addr {address} port 50053"] = f"addr {host} port {port}"
        return self._behind(balancers.haproxy, configuration, moves)

    def _plain_nginx(self):
        return self._behind(balancers.nginx, PLAIN_NGINX)

    def _plain_haproxy(self):
        return self._behind(balancers.haproxy, PLAIN_HAPROXY)

    def _behind(self, proxy, configuration, moves=None):
        front, (a, b) = f"127.0.0.1:{balancers.free_port()}", self._grpc_go()
        if moves is None:
            configuration = configuration.format(front=front, a=a, b=b)
        else:
            moves = {before: after.format(front=front) for before, after in moves.items()}
            moves |= {"10.0.0.11:50051": a, "10.0.0.12:50051": b}
            configuration = balancers.moved(configuration, moves)
        return [self._stack.enter_context(proxy(self._folder / proxy.__name__, configuration, front))]


@pytest.fixture
def fleet(start_serving, starter, tmp_path):
    with ExitStack() as stack:
        yield Fleet(start_serving, starter, stack, tmp_path)


@pytest.mark.slow
def test_a_restart_loses_no_call(fleet, call_program, question):
    call = partial(calling, call_program, question)
    fronts = {name: fleet.fronts(name) for name in ("grpc_go", "nginx", "haproxy")}
    with ExitStack() as stack:
        clients = {
            name: stack.enter_context(call(servers, connections=CONNECTIONS, rate=50))
            for name, servers in fronts.items()
        }
        for index in (0, 1):
            fleet.await_calls(index)
        for index in (0, 1):
            fleet.restart(index)
            fleet.await_calls(index)
    assert {name: ended.lost() for name, ended in clients.items()} == {name: {} for name in clients}
    assert all(ended.calls > 500 for ended in clients.values()), clients


@pytest.mark.long
@pytest.mark.parametrize("front", ["grpc_go", "nginx", "haproxy", "plain_nginx", "plain_haproxy"])
def test_restarts_lose_no_call(front, fleet, call_program, question):
    servers = fleet.fronts(front)
    with calling(call_program, question, servers, connections=CONNECTIONS, rate=300) as ended:
        began = time.monotonic()
        while time.monotonic() < began + 25.0:
            for index in (0, 1):
                fleet.restart(index)
                if front == "plain_nginx":
                    fleet.await_calls(index)
    logging.getLogger(__name__).info("%s: %s", front, ended)
    assert ended.lost() == {}
    assert ended.calls >= 25_000
