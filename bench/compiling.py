"""What compiling costs: 10,000 actions of ten conditions each, from YAML files to a sealed bundle.

    make bench-compiling

Every condition has a different text, the worst case: repeated texts are compiled once. The last line is JSON.
"""

import json
import random
import resource
import tempfile
import time
from pathlib import Path

import machine
from nextbest import bundle, workspace

ACTIONS, CONDITIONS, GROUPS = 10_000, 10, 100
NUMBERS = tuple(f"number_{place}" for place in range(40))
WORDS = tuple(f"word_{place}" for place in range(20))
STAGES = ("eligibility", "applicability", "suitability")


def main() -> None:
    """Writes the workspace, compiles it, and prints what it took."""
    with tempfile.TemporaryDirectory(prefix="nextbest-bench-") as name:
        folder = Path(name)
        write(folder)
        started, cpu_started = time.perf_counter(), time.process_time()
        compilation = workspace.compile(folder)
        if compilation.bundle is None:
            raise SystemExit(f"the workspace does not compile: {compilation.diagnostics[:3]}")
        sealed = bundle.seal(compilation.bundle)
        seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu_started
    if len(compilation.bundle.actions) != ACTIONS or len(compilation.bundle.clauses) < ACTIONS * CONDITIONS:
        raise SystemExit("the bundle does not hold what was written")
    figures = {
        "bench": "compiling",
        "actions": ACTIONS,
        "clauses": len(compilation.bundle.clauses),
        "compile_s": round(seconds, 2),
        "compile_cpu_s": round(cpu_seconds, 2),
        "bundle_mb": round(len(sealed.data) / 1e6, 1),
        "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "machine": machine.describe(),
    }
    print(
        f"{ACTIONS:,} actions, {figures['clauses']:,} clauses: {seconds:.1f} s, {figures['memory_mb']:,} MB"
    )
    print(json.dumps(figures))


def write(folder: Path) -> None:
    """Writes JSON, which is YAML, so that writing takes no time worth mentioning."""
    rng = random.Random(1)
    numbers = {name: {"type": "double"} for name in NUMBERS}
    words = {name: {"type": "string"} for name in WORDS}
    dump(folder / "workspace.yaml", {"name": "large"})
    dump(folder / "schema.yaml", {"customer": numbers | words})
    dump(folder / "channels.yaml", {"channels": {"web": {"placements": {"hero": {}}}}})
    for group in range(GROUPS):
        actions = {f"action-{group}-{place}": action(rng) for place in range(ACTIONS // GROUPS)}
        content = {"issue": "sales", "group": f"group-{group}", "actions": actions}
        dump(folder / "actions" / f"group-{group}.yaml", content)


def dump(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1))


def action(rng: random.Random) -> dict[str, object]:
    policies: dict[str, list[dict[str, str]]] = {stage: [] for stage in STAGES}
    for name in rng.sample(NUMBERS, CONDITIONS):
        policies[rng.choice(STAGES)].append({"when": condition(rng, name), "reason": "random"})
    return {"value": 1.0, "propensity": 0.1, "treatments": [{"channel": "web"}], **policies}


def condition(rng: random.Random, number: str) -> str:
    sign, limit = rng.choice(("<", ">=")), round(rng.uniform(-1e6, 1e6), 3)
    test = f"customer.{number} {sign} {limit}"
    if rng.random() < 0.3:
        word = f'customer.{rng.choice(WORDS)} in ["{rng.randrange(10**6)}", "{rng.randrange(10**6)}"]'
        return f"{test} || {word}"
    return test


if __name__ == "__main__":
    main()
