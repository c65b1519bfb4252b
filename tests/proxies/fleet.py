"""Two servers with their default settings, and the proxy in front of them."""

import time
from functools import partial

import balancers

from nextbest.client.operator import Operator

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
    """Two servers, their addresses, and the proxy in front of them."""

    def __init__(self, start, bundle, stack, folder):
        self._bundle, self._stack, self._folder = bundle, stack, folder
        # An empty variable counts as unset.
        self._start = partial(start, NEXTBEST_DRAIN_GRACE_S="")
        self.servers = [self._start(bundle) for _ in "ab"]

    def restart(self, index):
        """Stops a server and starts it again at its addresses."""
        before = self.servers[index]
        code, events, err = before.stop()
        assert (code, err) == (0, "")
        assert events[-1]["event"] == "stopped"
        assert events[-1]["drained"]
        addresses = ("--address", before.decisions, "--health-address", str(before.listening["health"]))
        self.servers[index] = self._start(self._bundle, *addresses)

    def await_calls(self, index, more=1):
        """Returns once a server has made this number of further decisions."""
        with Operator(self.servers[index].control) as operator:
            enough = operator.status().decisions + more
            while operator.status().decisions < enough:
                time.sleep(0.1)

    def fronts(self, name):
        """Starts the proxy; returns its address."""
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
        port, (a, b) = balancers.free_port(), self._grpc_go()
        front = f"127.0.0.1:{port}"
        if moves is None:
            configuration = configuration.format(front=front, a=a, b=b)
        else:
            moves = {before: after.format(front=front) for before, after in moves.items()}
            moves |= {"10.0.0.11:50051": a, "10.0.0.12:50051": b}
            configuration = balancers.moved(configuration, moves)
        return [self._stack.enter_context(proxy(self._folder / str(port), configuration, front))]
