"""bench/results beside bench/budgets.toml: a ratio beyond its tolerance, or one that was not measured, fails.

    make bench-gate

Budgets are ratios of two figures of one run: absolute times differ between machines, and on one machine from
hour to hour.
"""

import sys
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import results

BUDGETS = Path(__file__).with_name("budgets.toml")


@dataclass(frozen=True)
class Budget:
    """A ratio, where it is found, and how far it may go."""

    name: str
    bench: str
    figure: str
    reason: str
    tolerance: float
    at_least: float | None = None
    at_most: float | None = None

    @property
    def limit(self) -> float:
        """Returns the worst figure that passes."""
        if self.at_least is not None:
            return self.at_least * (1 - self.tolerance)
        if self.at_most is not None:
            return self.at_most * (1 + self.tolerance)
        raise ValueError(f"{self.name} has neither `at_least` nor `at_most`")

    def passes(self, found: float) -> bool:
        """Compares a figure with the limit."""
        return found >= self.limit if self.at_least is not None else found <= self.limit


def read(text: str) -> list[Budget]:
    """Returns the budgets of a file in TOML."""
    return [Budget(**entry) for entry in tomllib.loads(text)["budget"]]


def compare(
    budgets: list[Budget], read_result: Callable[[str], dict[str, Any]]
) -> tuple[list[str], list[str]]:
    """Returns a line for each budget, and what fails."""
    lines, failures = [], []
    for budget in budgets:
        sign = ">=" if budget.at_least is not None else "<="
        try:
            result = read_result(budget.bench)
            found = results.figure(result, budget.figure)
        except LookupError as error:
            failures.append(f"{budget.name}: {error}")
            continue
        measured = f"{result['date']} {result['commit']}"
        passes = budget.passes(found)
        verdict = "ok" if passes else "FAILS"
        lines.append(f"{verdict:<6}{found:>9.2f} {sign} {budget.limit:>8.2f}  {measured}  {budget.name}")
        if not passes:
            failures.append(f"{budget.name}: {found:.2f}, must be {sign} {budget.limit:.2f}: {budget.reason}")
    return lines, failures


def main() -> None:
    lines, failures = compare(read(BUDGETS.read_text()), results.read)
    print(*lines, sep="\n")
    if failures:
        sys.exit("\n" + "\n".join(failures))


if __name__ == "__main__":
    main()
