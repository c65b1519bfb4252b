"""Budgets fail beyond their tolerance, and figures in pages are those of the last runs."""

import json
from pathlib import Path
from typing import Any

import pytest

import figures
import gate
import results

ROOT = Path(__file__).parents[2]
RESULT = {
    "bench": "serving",
    "date": "2026-01-02",
    "commit": "abc1234",
    "figures": {"ratio": 10.0, "rates": {"5000": {"p50_us": 1234.56}}, "peers": [{"us": 7}], "name": "x"},
}
BUDGET = '[[budget]]\nname = "n"\nbench = "serving"\nfigure = "{}"\ntolerance = {}\nreason = "r"\n{}\n'


def read_result(bench: str) -> dict[str, Any]:
    if bench != "serving":
        raise results.NotRecordedError(bench)
    return RESULT


@pytest.mark.parametrize(
    ("limit", "tolerance", "passes"),
    [
        ("at_least = 10.0", 0.0, True),
        ("at_least = 10.1", 0.0, False),
        ("at_least = 11.0", 0.1, True),
        ("at_least = 12.0", 0.1, False),
        ("at_most = 10.0", 0.0, True),
        ("at_most = 9.9", 0.0, False),
        ("at_most = 9.5", 0.1, True),
        ("at_most = 9.0", 0.1, False),
    ],
)
def test_budgets(limit: str, tolerance: float, passes: bool) -> None:
    lines, failures = gate.compare(gate.read(BUDGET.format("ratio", tolerance, limit)), read_result)
    assert lines[0].startswith("ok" if passes else "FAILS")
    assert [failure.partition(":")[0] for failure in failures] == ([] if passes else ["n"])


def test_a_figure_that_was_not_measured_fails() -> None:
    _, failures = gate.compare(gate.read(BUDGET.format("other", 0, "at_least = 1")), read_result)
    assert failures == ["n: bench/results/serving.json does not have `other`"]


def test_a_bench_that_was_never_run_fails(tmp_path: Path) -> None:
    with pytest.raises(results.NotRecordedError, match="run `make bench-serving`"):
        results.read("serving", tmp_path)


def test_results_are_read_as_they_were_written(tmp_path: Path) -> None:
    results.write("serving", RESULT, tmp_path)
    assert results.read("serving", tmp_path) == json.loads(json.dumps(RESULT))


def test_every_budget_has_a_limit_a_reason_and_a_bench() -> None:
    budgets = gate.read(gate.BUDGETS.read_text())
    assert len({budget.name for budget in budgets}) == len(budgets) > 5
    for budget in budgets:
        assert budget.limit > 0, budget.name
        assert (budget.at_least is None) != (budget.at_most is None), budget.name
        assert len(budget.reason) > 10, budget.name
        assert (ROOT / "bench" / f"{budget.bench}.py").exists(), budget.name


@pytest.mark.parametrize(
    ("page", "written"),
    [
        ("x 9<!-- serving ratio --> more", "x 10<!-- serving ratio --> more"),
        ("1.5<!-- serving rates.5000.p50_us -->", "1,234.6<!-- serving rates.5000.p50_us -->"),
        (
            "9.99<!-- serving rates.5000.p50_us /1000 --> ms",
            "1.23<!-- serving rates.5000.p50_us /1000 --> ms",
        ),
        ("1,000<!-- serving peers.0.us -->", "7<!-- serving peers.0.us -->"),
        ("3.5<!-- serving ratio *10 --> µs", "100.0<!-- serving ratio *10 --> µs"),
        ("9<!-- scoring never.recorded -->", "9<!-- scoring never.recorded -->"),
        ("9 <!-- a comment --> 10", "9 <!-- a comment --> 10"),
    ],
)
def test_figures_of_pages(page: str, written: str) -> None:
    assert figures.rewrite(page, read_result) == written


@pytest.mark.parametrize("path", ["other", "rates.5000", "name", "peers.1.us", "ratio.x"])
def test_a_page_cannot_show_what_was_not_measured(path: str) -> None:
    with pytest.raises(LookupError, match="serving"):
        figures.rewrite(f"1<!-- serving {path} -->", read_result)


@pytest.mark.parametrize("page", figures.pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_pages_show_the_figures_of_the_last_runs(page: Path) -> None:
    assert figures.rewrite(page.read_text(), results.read) == page.read_text(), "run `make figures`"
