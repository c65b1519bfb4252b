"""A workload -> what the Rust engine takes for it, and the actions that it finds.

The bench target `eligibility` times the engine in a separate process, from features as typed values to the
bitsets of every stage. It compares its kernels and its interpreter with one another before it times any; what
they found comes back as a file, to be compared with the peers' reference here.
"""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

import bundles
from vectorised import Bools
from workloads import Workload

KERNELS: Final = ("avx512", "avx2", "portable")
ROOT = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Engine:
    """What the engine found, for each customer, and took.

    Attributes:
        kernels: Microseconds a customer; without those that the machine has no instructions for.
    """

    found: list[Bools]
    kernels: dict[str, float]
    interpreter_us: float
    explain_one_us: float
    explain_all_us: float
    load_s: float
    memory_mb: float

    @property
    def best_us(self) -> float:
        return min(self.kernels.values())


def run(workload: Workload, folder: Path) -> Engine:
    """Writes the bundle and the requests, and has the engine read them."""
    bundle, requests, sets = (folder / name for name in ("bundle", "requests", "sets"))
    bundle.write_bytes(bundles.sealed(workload))
    requests.write_bytes(bundles.requests(workload))
    command = ["cargo", "bench", "--quiet", "-p", "nextbest-engine", "--bench", "eligibility", "--"]
    done = subprocess.run(
        [*command, str(bundle), str(requests), str(sets)],
        cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    lines = done.stdout.splitlines()
    if done.returncode or not lines:
        raise SystemExit(f"the engine's bench failed with exit code {done.returncode}: {' '.join(command)}")
    return _read(json.loads(lines[-1]), sets.read_bytes(), workload)


def _read(figures: dict[str, Any], sets: bytes, workload: Workload) -> Engine:
    actions, customers = workload.policies.actions, len(workload.customers)
    size = -(-actions // 8)
    if figures["actions"] != actions or len(sets) != size * customers:
        raise SystemExit(f"the engine's bench answered {len(sets):,} bytes for {customers} customers")
    rows = np.frombuffer(sets, dtype=np.uint8).reshape(customers, size)
    return Engine(
        found=list(np.unpackbits(rows, axis=1, count=actions, bitorder="little").astype(bool)),
        kernels={name: figures["kernels"][name]["us"] for name in KERNELS if figures["kernels"].get(name)},
        interpreter_us=figures["interpreter_us"],
        explain_one_us=figures["explain_one_us"],
        explain_all_us=figures["explain_all_us"],
        load_s=figures["load_s"],
        memory_mb=figures["memory_mb"],
    )
