"""The cost of eligibility: which of many actions may this customer see, compared with other systems.

    make bench-eligibility

200 features of five types, in two shapes of policies: conjunctions of eight tests, nothing missing; and 5 to
20 clauses, some of them of two tests, 5 % of the features missing. A test holds with a probability of about
0.75. Two thirds of the clauses are eligibility, a sixth each applicability and suitability. Every system's
matches are verified equal before it is timed; times are CPU time of one thread, medians over different
customers. The last line is JSON, and `bench/eligibility.png` is drawn again.
"""

import argparse
import json
import math
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

import chart
import engine
import machine
from chart import Series
from engine import KERNELS, Engine
from measurement import Figure, measure, reference, require_equal
from peers import FORMS, RULE_ENGINES, Form
from vectorised import Bools
from workloads import Workload, conjunctions, disjunctions

SEED: Final = 1
SIZES: Final = (100, 300, 1_000, 3_000, 10_000, 30_000, 100_000)
QUICK_SIZES: Final = (100, 300)
CASES: Final = {10_000: "10000_or_missing", 100_000: "100000"}
"""Sizes of the second shape with a separate column."""
SYSTEMS: Final = tuple(dict.fromkeys(form.system for form in FORMS))
EXPECTED_US_MAX: Final = 125_000.0
"""A form that would take longer, going by the size before, is left out."""
PICTURE: Final = Path(__file__).with_suffix(".png")
KERNEL_NAMES: Final = {"avx512": "AVX-512", "avx2": "AVX2", "portable": "portable"}


@dataclass(frozen=True, slots=True)
class Case:
    """One workload's figures; `ours` is None where only peers were asked for."""

    actions: int
    clauses: int
    tests: int
    ours: Engine | None
    peers: list[Figure]

    def best(self, wanted: Callable[[Figure], bool]) -> Figure | None:
        """Returns the fastest of some peers' forms."""
        return min(filter(wanted, self.peers), key=lambda figure: figure.us, default=None)

    def system(self, name: str) -> Figure | None:
        """Returns a system's best form."""
        return self.best(lambda figure: figure.system == name)


def main() -> None:
    """Runs everything, in some five minutes; takes up to 4 GB."""
    arguments = _arguments()
    console = Console(highlight=False, width=110)
    cases: dict[str, Case] = {}
    cases["1000x8"] = _run(conjunctions(1_000, 8, SEED), arguments, console, [])
    curve: list[Case] = []
    for actions in QUICK_SIZES if arguments.quick else SIZES:
        curve.append(_run(disjunctions(actions, SEED), arguments, console, curve))
        if actions in CASES:
            cases[CASES[actions]] = curve[-1]
    about = machine.describe()
    if arguments.quick or arguments.peers_only:
        with tempfile.TemporaryDirectory(prefix="nextbest-bench-") as folder:
            chart.draw(_series(curve), str(about["cpu"]), Path(folder) / PICTURE.name)
    else:
        chart.draw(_series(curve), str(about["cpu"]), PICTURE)
    _print(cases, about, console)
    print(json.dumps(_figures(cases, about)))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Times eligibility beside its peers.")
    parser.add_argument("--quick", action="store_true", help="small sizes only; leaves the picture as it is")
    parser.add_argument(
        "--peers-only", action="store_true", help="without the engine; leaves the picture as it is"
    )
    return parser.parse_args()


def _run(workload: Workload, options: argparse.Namespace, console: Console, before: Sequence[Case]) -> Case:
    """Verifies and times everything on one workload."""
    policies = workload.policies
    expected = reference(workload)
    ours = None if options.peers_only else _engine(workload, expected)
    figures = [
        measure(form, workload, expected)
        for form in FORMS
        if policies.actions <= form.actions_max
        and _expected_us(form, policies.actions, before) < EXPECTED_US_MAX
    ]
    case = Case(policies.actions, len(policies.first), policies.test_count, ours, figures)
    console.print(f"\n{case.actions:,} actions, {case.clauses:,} clauses, {case.tests:,} tests:")
    if ours:
        kernels = ", ".join(f"{KERNEL_NAMES[name]} {us:,.1f} µs" for name, us in ours.kernels.items())
        console.print(f"  nextbest: {kernels}; interpreter {ours.interpreter_us:,.0f} µs")
    for figure in figures:
        console.print(
            f"  {figure.system}, {figure.form}: {figure.us:,.0f} µs, verified and timed on"
            f" {figure.customers} customers"
        )
    return case


def _engine(workload: Workload, expected: Sequence[Bools]) -> Engine:
    with tempfile.TemporaryDirectory(prefix="nextbest-bench-") as folder:
        ours = engine.run(workload, Path(folder))
    for place, (found, mask) in enumerate(zip(ours.found, expected, strict=True)):
        require_equal("nextbest", place, found, mask)
    return ours


def _expected_us(form: Form, actions: int, before: Sequence[Case]) -> float:
    """Extrapolates from the size before; infinite where the form was left out there."""
    if not before:
        return 0.0
    found = before[-1].best(lambda figure: (figure.system, figure.form) == (form.system, form.name))
    return found.us * actions / before[-1].actions if found else math.inf


def _series(curve: Sequence[Case]) -> list[Series]:
    lines = [
        Series(
            f"nextbest, {KERNEL_NAMES[kernel]}",
            [(c.actions, c.ours.kernels[kernel]) for c in curve if c.ours and kernel in c.ours.kernels],
        )
        for kernel in KERNELS
    ]
    for system in SYSTEMS:
        found = [(case.actions, case.system(system)) for case in curve]
        lines.append(Series(system, [(actions, figure.us) for actions, figure in found if figure]))
    return [line for line in lines if line.points]


def _print(cases: dict[str, Case], about: dict[str, Any], console: Console) -> None:
    console.print(f"\n{about['cpu']}, {about['cores']} cores, Linux {about['kernel']}")
    table = Table(title="CPU time for one customer, and how many times that is ours", title_justify="left")
    table.add_column("")
    for case in cases.values():
        table.add_column(f"{case.actions:,} actions,\n{case.tests:,} tests", justify="right")
    for kernel in KERNELS:
        cells = [_cell(case, case.ours.kernels.get(kernel) if case.ours else None) for case in cases.values()]
        table.add_row(f"nextbest, {KERNEL_NAMES[kernel]}", *cells)
    cells = [_cell(case, case.ours.interpreter_us if case.ours else None) for case in cases.values()]
    table.add_row("nextbest, interpreter", *cells, end_section=True)
    for system in SYSTEMS:
        found = [(case, case.system(system)) for case in cases.values()]
        cells = [_cell(case, figure.us if figure else None) for case, figure in found]
        table.add_row(system, *cells)
    console.print(table)
    console.print(
        "A dash: the machine lacks the instructions, or a peer would take more than"
        f" {EXPECTED_US_MAX / 1e3:.0f} ms. Peers in their best form; numpy takes customers that are encoded"
        " already, and zen-engine takes them as JSON text."
    )


def _cell(case: Case, us: float | None) -> str:
    if us is None:
        return "-"
    time = f"{us:,.0f} µs" if us >= 100 else f"{us:,.1f} µs"
    return f"{time}  x {us / case.ours.best_us:5,.1f}" if case.ours else time


def _figures(cases: dict[str, Case], about: dict[str, Any]) -> dict[str, Any]:
    """Arranges the figures as the last line has them; null where there is none."""
    large = cases.get("10000_or_missing")
    ours = large.ours if large else None
    return {
        "bench": "eligibility",
        "cases": {name: _case_figures(case) for name, case in cases.items()},
        "explain_one_us": ours and ours.explain_one_us,
        "explain_all_us": ours and ours.explain_all_us,
        "load_10000_s": ours and ours.load_s,
        "load_10000_mb": ours and ours.memory_mb,
        "machine": about,
    }


def _case_figures(case: Case) -> dict[str, Any]:
    ours, best = case.ours, case.best(lambda figure: figure.system in RULE_ENGINES)
    numpy, python = case.system("numpy"), case.system("generated Python")

    def ratio(figure: Figure | None) -> float | None:
        return round(figure.us / ours.best_us, 1) if figure and ours else None

    return {
        **{f"{kernel}_us": ours.kernels.get(kernel) if ours else None for kernel in KERNELS},
        "ratio_best_rule_engine": ratio(best),
        "ratio_numpy": ratio(numpy),
        "best_rule_engine": best and best.system,
        "best_rule_engine_us": best and round(best.us, 1),
        "numpy_us": numpy and round(numpy.us, 1),
        "generated_python_us": python and round(python.us, 1),
        "interpreter_us": ours and ours.interpreter_us,
        "actions": case.actions,
        "clauses": case.clauses,
        "tests": case.tests,
        "peers": [
            {"system": f.system, "form": f.form, "us": round(f.us, 1), "customers": f.customers}
            for f in case.peers
        ],
    }


if __name__ == "__main__":
    main()
