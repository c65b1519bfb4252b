"""A run in another thread: its progress, and how it ends."""

import threading

import pytest

from nextbest import _core
from nextbest.load import run as module
from nextbest.load.run import run


def test_it_is_followed(monkeypatch):
    monkeypatch.setattr(module, "PERIOD_S", 0.001)
    told = threading.Event()

    def load(settings, *, watch):
        assert told.wait(30.0)
        return {"ok": settings["rate_per_s"]}

    monkeypatch.setattr(_core, "load", load)
    heard = []

    def follow(progress):
        heard.append(progress)
        told.set()

    assert run({"rate_per_s": 5.0}, follow) == {"ok": 5.0}
    assert (heard[0].answered_per_s, heard[0].failed) == (0.0, 0)
    assert heard[0].elapsed_s > 0.0


def test_failures_reach_the_waiting_caller():
    with pytest.raises(ValueError, match="give either `rate_per_s` or `in_flight`"):
        run({"requests": [b""]}, lambda _: None)
    with pytest.raises(_core.ServerError, match="cannot connect to `unix:/nowhere`"):
        run({"requests": [b""], "rate_per_s": 1.0, "address": "unix:/nowhere"}, lambda _: None)


def test_an_interrupted_run_is_stopped(monkeypatch):
    monkeypatch.setattr(module, "PERIOD_S", 0.001)
    stopped = threading.Event()

    class Watch:
        ok = failed = 0

        def stop(self):
            stopped.set()

    monkeypatch.setattr(_core, "LoadWatch", Watch)
    monkeypatch.setattr(_core, "load", lambda settings, *, watch: {"stopped": stopped.wait(30.0)})

    def interrupt(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run({}, interrupt)
    assert stopped.is_set()
    assert "nextbest-load" not in {thread.name for thread in threading.enumerate()}
