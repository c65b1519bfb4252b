"""Two servers are restarted, one after the other, while both clients ask without a pause: no call fails."""

import asyncio
import threading
import time

import pytest

import nextbest
from nextbest.client.aio import AsyncClient
from nextbest.client.operator import Operator

QUESTION = {"channel": "web", "placements": ["hero"], "customer": {"age": 40}}
OPTIONS = {"connections": 2, "timeout_s": 10.0}
# Twice what clients take to find a server again (`nextbest.client.channels.RECONNECT_MS_MAX`).
GRACE_S = "2"
THREADS = 4


class Askers:
    """Threads with the blocking client and a task with that of asyncio, which ask until they are stopped."""

    def __init__(self, addresses):
        self.answered = [0] * (THREADS + 1)
        self.failures = []
        self._addresses = addresses
        self._stopped = threading.Event()
        self._client = nextbest.Client(addresses, **OPTIONS)
        jobs = [threading.Thread(target=self._block, args=(index,)) for index in range(THREADS)]
        self._threads = [*jobs, threading.Thread(target=lambda: asyncio.run(self._await()))]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stopped.set()
        for thread in self._threads:
            thread.join()
        self._client.close()

    def _block(self, index):
        while not self._stopped.is_set():
            try:
                self._client.decide(**QUESTION)
                self.answered[index] += 1
            except nextbest.errors.NextbestError as error:
                self.failures.append(error)

    async def _await(self):
        async with AsyncClient(self._addresses, **OPTIONS) as client:
            while not self._stopped.is_set():
                try:
                    await client.decide(**QUESTION)
                    self.answered[THREADS] += 1
                except nextbest.errors.NextbestError as error:
                    self.failures.append(error)


def restart(start, serving, bundle):
    code, events, err = serving.stop()
    assert (code, err, events[-1]["event"], events[-1]["drained"]) == (0, "", "stopped", True)
    return start(bundle, "--address", serving.decisions, "--drain-grace", GRACE_S)


def decisions_of(serving):
    with Operator(serving.control) as operator:
        return operator.status().decisions


def until_decided_by(serving):
    """Returns once a server has decided something; a test that waits in vain ends by its time limit."""
    while not decisions_of(serving):
        time.sleep(0.01)


@pytest.mark.slow
@pytest.mark.parametrize("restarts", [1, pytest.param(10, marks=pytest.mark.long)])
def test_no_call_fails(restarts, start_serving, starter):
    servers = [start_serving(starter, "--drain-grace", GRACE_S) for _ in "ab"]
    with Askers([serving.decisions for serving in servers]) as askers:
        for serving in servers:
            until_decided_by(serving)
        for _ in range(restarts):
            # Without a pause between the two: what clients need, the grace gives them.
            servers = [restart(start_serving, serving, starter) for serving in servers]
            for serving in servers:
                until_decided_by(serving)
    assert askers.failures == []
    assert min(askers.answered) > 100, askers.answered
