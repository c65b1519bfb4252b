"""What is not a regular file is refused wherever a command reads a file: nothing waits for ever."""

import os
from pathlib import Path

import pytest

CASES = Path(__file__).parents[1] / "diagnostics" / "cases"
MODEL = next(CASES.glob("NB618-aliases/models/registry/*/versions/*/model.onnx"))

COMMANDS = [
    "decide -c web -a age=3 -b {}",
    "explain -c web -a age=3 -b {}",
    "decide -c web -i c-1 -b {shop} --customers {}",
    "explain -c web -i c-1 -b {shop} --customers {}",
    "decide -c web -b {shop} --customer-json {}",
    "decide -c web -b {shop} --context-json {}",
    "customers load {}",
    "customers load customers.csv -b {}",
    "customers upsert c-1 --customer-json {}",
    "bundle show {}",
    "activate {}",
    "serve {}",
    "load --requests {}",
    "load -c web -p hero --customers {}",
    "model health m --outcomes {}",
    "model push {} --name m",
    "model push {model} --name m --inputs {}",
    "model push {model} --name m --card {}",
    "model push {model} --name m --golden {}",
    "model push {model} --name m --background {}",
]


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_pipes_and_devices_are_refused(nextbest, shop, kind, command):
    # The suffix decides the kind of table.
    odd = shop / "odd.ndjson" if "customers" in command else shop / "odd.csv"
    if kind == "pipe":
        os.mkfifo(odd)
    else:
        odd.symlink_to("/dev/zero")
    ran = nextbest(*command.format(odd, shop=shop, model=MODEL).split())
    assert ran.code in {2, 4}, ran.err
    assert "not a regular file" in ran.err
