"""A condition of a running server is logged once when it begins and once when it ends."""

import json
import socket

from nextbest.serve.conditions import CALM_S, Condition, ConditionWatch, Refusals
from nextbest.v1 import control_pb2


def status(refused=0, failed=0, connections=9):
    return control_pb2.StatusResponse(
        connections=connections,
        connections_refused=refused,
        transport={"accepts_failed": failed, "connections_max": 9},
    )


def test_a_condition_is_logged_when_it_begins_and_when_it_ends():
    reasons = iter(["", "no answer", "another reason", "", "", "no answer"])
    said = []
    watch = ConditionWatch([Condition(lambda: next(reasons), "failing", "well again")], said.append, 3600.0)
    for _ in range(6):
        watch.look()
    watch.stop()
    assert said == ["failing: no answer", "well again", "failing: no answer"]


def test_refusals_last_until_a_minute_has_passed_without_one():
    counts, now = status(refused=5), 0.0
    refusals = Refusals(lambda: counts, lambda: now)
    assert refusals() == ""
    counts = status(refused=6)
    assert refusals().startswith("9 are allowed (NEXTBEST_CONNECTIONS_MAX")
    counts = status(refused=7, connections=8)
    assert refusals().endswith("(NEXTBEST_PEER_CONNECTIONS_MAX)")
    now = CALM_S - 1.0
    assert refusals() != ""
    counts = status(refused=7, failed=1)
    assert "no files left to open" in refusals()
    now += CALM_S + 1.0
    assert refusals() == ""


def test_a_server_logs_its_limit_and_when_it_is_reached(start_serving, starter):
    serving = start_serving(starter, NEXTBEST_CONNECTIONS_MAX="2")
    assert serving.listening["connections_max"] == 2
    host, port = serving.decisions.rsplit(":", 1)
    held = [socket.create_connection((host, int(port))) for _ in range(4)]
    said = json.loads(serving.process.stdout.readline())
    for one in held:
        one.close()
    assert said["event"] == "warning"
    assert said["what"].startswith("connections are refused: 2 are allowed")
