"""Two servers are restarted in turn, behind nginx and HAProxy and with grpc-go alone: no call is lost.

The servers have their default settings, and the clients no retries. nginx and HAProxy are set up as
docs/operator/proxies.md shows; in `make test-long` also with their own defaults alone.
"""

import logging
import time
from contextlib import ExitStack
from functools import partial

import pytest
from caller import calling

CONNECTIONS = 4


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
