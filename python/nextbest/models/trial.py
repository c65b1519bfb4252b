"""A separate process in which one model is validated.

`python -m nextbest.models.trial LIMITS` confines itself, reads a job from standard input, runs its stages,
and writes JSON lines to standard output: each stage as it begins, and the outcome at the end. It is started
by `validation`, which believes of the outcome only what has its form.
"""
# ruff: noqa: PLC0415 - what reads a stranger's bytes is loaded once the process is confined

import json
import os
import resource
import sys
from dataclasses import replace
from typing import Any

from nextbest.models.confinement import Limits, confine, seal
from nextbest.registry.records import decode, encode


def main(arguments: list[str]) -> None:
    """Runs one trial."""
    # Libraries print to standard output when they please; the lines go to a copy of it.
    lines = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    # Opened while that is allowed. `ru_maxrss` would count the process that this one was forked from.
    status = os.open("/proc/self/status", os.O_RDONLY)
    has_no_network, gains_nothing = confine(decode(Limits, json.loads(arguments[0])))
    try:
        _try_out(lines, status, has_no_network=has_no_network, gains_nothing=gains_nothing)
    except MemoryError:
        from nextbest.models.refusal import MEMORY

        # Little is left to say it with: no dataclasses, no list of what was found before.
        lines.write(json.dumps({"exhausted": MEMORY}) + "\n")
    lines.flush()


def _try_out(lines: Any, status: int, *, has_no_network: bool, gains_nothing: bool) -> None:
    from nextbest.models import stages
    from nextbest.models.job import decode_job
    from nextbest.models.report import Confinement, Outcome
    from nextbest.models.warm_up import warm_up

    job = decode_job(sys.stdin.buffer.read())
    warm_up()
    confinement = Confinement(seal(), has_no_network, gains_nothing)
    trial = stages.Trial(job)

    def report(stage: str, done: int, total: int) -> None:
        lines.write(json.dumps({"stage": stage, "done": done, "total": total}) + "\n")
        lines.flush()

    stages.run(trial, report)
    found = trial.report
    if found is not None:
        used = resource.getrusage(resource.RUSAGE_SELF)
        found = replace(
            found,
            confinement=confinement,
            peak_bytes=_peak_bytes(status),
            cpu_s=round(used.ru_utime + used.ru_stime, 3),
        )
    lines.write(
        json.dumps({"outcome": encode(Outcome(found, trial.refusals, trial.scores, trial.warnings))}) + "\n"
    )


def _peak_bytes(status: int) -> int:
    text = os.pread(status, 1 << 16, 0).decode()
    return next(int(line.split()[1]) * 1024 for line in text.splitlines() if line.startswith("VmHWM:"))


if __name__ == "__main__":
    main(sys.argv[1:])
