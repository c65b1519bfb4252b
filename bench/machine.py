"""The machine a figure is measured on, what a process on it costs, and who else was using it meanwhile."""

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
# Fields of a CPU in /proc/stat that are not idle: user, nice, system, irq, softirq, steal.
_BUSY_FIELDS = (1, 2, 3, 6, 7, 8)


def describe() -> dict[str, str | int]:
    """Returns CPU model, cores and kernel."""
    model = next(
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith(("model name", "CPU implementer"))
    )
    return {"cpu": model, "cores": os.cpu_count() or 0, "kernel": platform.release()}


def cpu_us(pid: int) -> float:
    """Returns the CPU time that all threads of a process have used so far, in microseconds.

    From `schedstat`, which counts nanoseconds; `stat` counts ticks of 10 ms.
    """
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1_000.0


@dataclass(frozen=True, slots=True)
class Usage:
    """What the machine has done so far, in seconds of CPU."""

    busy_s: float
    idle_s: float
    own_s: float

    @classmethod
    def read(cls, pids: Sequence[int]) -> "Usage":
        """Reads it now; `pids` are the processes that belong to the measurement."""
        fields = Path("/proc/stat").read_text().splitlines()[0].split()
        busy = sum(int(fields[field]) for field in _BUSY_FIELDS) / _TICKS_PER_S
        idle = (int(fields[4]) + int(fields[5])) / _TICKS_PER_S
        return cls(busy, idle, sum(cpu_us(pid) for pid in pids) / 1e6)

    def foreign_share(self, later: "Usage") -> float:
        """Returns the share of all cores' time that others used between two readings: 0.0 to 1.0."""
        busy, own = later.busy_s - self.busy_s, later.own_s - self.own_s
        total = busy + later.idle_s - self.idle_s
        return min(max((busy - own) / total, 0.0), 1.0) if total else 0.0
