"""What propensities cost: native models beside ONNX Runtime and the libraries that train models.

    make bench-scoring

One thread, medians of CPU time; rows are cycled through 60,000 different ones, never one repeated. Scores
are verified equal before anything is timed. ONNX Runtime runs on one thread through the crate `ort`, as the
server runs what cannot be lowered; the other libraries are called from Python. *Factored* is what a decision
asks: one customer and 100 actions, of whose 50 columns 10 are the action's. The last line is JSON.
"""

import argparse
import contextlib
import io
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

import numpy as np
from rich.console import Console
from rich.table import Table

import machine
import scoring_models
import scoring_peers
from nextbest._core import NativeModel
from nextbest.models import locate_runtime
from nextbest.models.latency import is_slower
from nextbest.models.report import Latency

ROOT: Final = Path(__file__).parents[1]
KERNELS: Final = {"avx512": "AVX-512", "avx2": "AVX2", "portable": "portable"}
PASSES: Final = {"batch1": ("single", 1), "batch100": ("rows100", 100), "factored": ("factored100", 100)}
"""Of the Rust bench: what the last line calls each, and how many rows it scores."""
HEADLINE: Final = {"lightgbm_100": "100", "lightgbm_500": "500"}
VERIFIED_ROWS: Final = 2_000
QUICK: Final = frozenset({"lightgbm_100", "logistic", "mlp", "xgboost_categories"})


def main() -> None:
    """Runs everything, in some four minutes."""
    arguments = _arguments()
    console = Console(highlight=False, width=118)
    with tempfile.TemporaryDirectory(prefix="nextbest-bench-") as name:
        folder = Path(name)
        with console.status("training models"):
            rows, accepted = scoring_models.draw()
            names = QUICK if arguments.quick else frozenset(scoring_models.CASES)
            cases = list(scoring_models.train(rows, accepted, names - scoring_models.CATEGORICAL))
            scoring_models.write(cases, rows, folder)
        with console.status("native models and ONNX Runtime"):
            ours = _ours(folder)
            ours |= _categorical(rows, accepted, names & scoring_models.CATEGORICAL, folder / "categories")
        with console.status("contributions"):
            single = [case.name for case in cases if len(case.onnx) == 1 and case.name != "mlp"]
            contributions = _attributions(single, folder)
        peers: dict[str, Any] = {}
        for case in cases:
            if len(case.onnx) == 1:
                with console.status(f"peers of {case.name}"):
                    peers[case.name] = scoring_peers.measure(
                        case, rows, _scores(case.name, rows, folder), folder
                    )
    with console.status("the corpus"):
        corpus = _corpus()
    about = machine.describe()
    _print(ours, peers, about, console)
    _print_contributions(contributions, console)
    print(json.dumps(_figures(ours, peers, contributions, corpus, about)))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Times scoring beside its peers.")
    parser.add_argument("--quick", action="store_true", help="100 trees, a linear model and a net")
    return parser.parse_args()


def _ours(folder: Path) -> dict[str, Any]:
    return _cargo("nextbest-onnx", "scoring", locate_runtime(), str(folder))


def _categorical(rows: Any, accepted: Any, names: frozenset[str], folder: Path) -> dict[str, Any]:
    """Times the models with categorical splits, whose rows are others."""
    if not names:
        return {}
    folder.mkdir()
    rows, accepted = scoring_models.draw_categories(rows, accepted)
    scoring_models.write(list(scoring_models.train(rows, accepted, names)), rows, folder)
    return _ours(folder)


def _attributions(names: list[str], folder: Path) -> dict[str, Any]:
    """Times contributions, of trees and linear models: nets have none."""
    chosen = folder / "attribution"
    chosen.mkdir()
    (chosen / "rows.f32").symlink_to(folder / "rows.f32")
    for name in names:
        (chosen / f"{name}.native").symlink_to(folder / f"{name}.native")
    (chosen / "models").write_text("".join(f"{name} {scoring_models.COLUMNS}\n" for name in names))
    return _cargo("nextbest-engine", "attribution", str(chosen))


def _cargo(package: str, name: str, *arguments: str) -> dict[str, Any]:
    command = ["cargo", "bench", "--quiet", "-p", package, "--bench", name, "--", *arguments]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    lines = done.stdout.splitlines()
    if done.returncode or not lines:
        raise SystemExit(f"the bench failed with exit code {done.returncode}: {' '.join(command)}")
    figures: dict[str, Any] = json.loads(lines[-1])
    return figures


def _scores(name: str, rows: scoring_models.Table, folder: Path) -> Any:
    model = NativeModel((folder / f"{name}.native").read_bytes())
    some = rows[:VERIFIED_ROWS]
    return np.frombuffer(model.score(len(some), some.astype("<f4").tobytes(), [], [], column=1), "<f4")


def _corpus() -> tuple[int, int]:
    """Returns how many models of the tests' corpus are bit-equal to ONNX Runtime, and how many there are."""
    sys.path.insert(0, str(ROOT / "tests" / "models"))
    import corpus  # noqa: PLC0415 - of the tests

    from nextbest.models.native import NotLowered  # noqa: PLC0415

    equal = 0
    for name in corpus.CORPUS:
        with contextlib.suppress(NotLowered), contextlib.redirect_stderr(io.StringIO()):
            model = corpus.lowered(name)
            equal += corpus.compare(corpus.build(name), model).differing_bits == 0
    return equal, len(corpus.CORPUS)


def _unit(figures: dict[str, Any], run: str) -> int:
    """Returns trees times rows of a run; rows alone for what has no trees."""
    return max(figures["trees"], 1) * PASSES[run][1]


def _print(ours: dict[str, Any], peers: dict[str, Any], about: dict[str, Any], console: Console) -> None:
    console.print(f"\n{about['cpu']}, {about['cores']} cores, Linux {about['kernel']}")
    for run, title in {
        "batch1": "One row",
        "batch100": "100 independent rows",
        "factored": "One customer, 100 actions, factored",
    }.items():
        table = Table(
            title=f"{title}: CPU time, and how many times that is the best of ours", title_justify="left"
        )
        table.add_column("model")
        for column in (*KERNELS.values(), "ns a tree and row", "ONNX Runtime", "others"):
            table.add_column(column, justify="right")
        for name, figures in ours.items():
            found = figures.get(run)
            if found is None:
                continue
            times = [found.get(f"{kernel}_us") for kernel in KERNELS]
            best = min(time for time in times if time is not None)
            per_unit = f"{best / _unit(figures, run) * 1e3:.2f}"
            others = [
                f"{peer} {us[run]:,.1f} µs x {us[run] / best:,.0f}"
                for peer, us in peers.get(name, {}).items()
                if run in us
            ]
            reference = f"{found['onnxruntime_us']:,.1f} µs x {found['onnxruntime_us'] / best:,.1f}"
            cells = [f"{time:,.2f} µs" if time is not None else "-" for time in times]
            table.add_row(name, *cells, per_unit, reference, "\n".join(others))
        console.print(table)
    console.print(
        "lightgbm, xgboost: trees of depth 6; leafwise: LightGBM's 31 leaves of any depth; mlp: 50-64-32-1;"
        " many_20: 100 models of 20 trees, a row through each; categories: columns of 12, 60 and 60."
        " Without trees, ns a row."
    )


def _print_contributions(contributions: dict[str, Any], console: Console) -> None:
    table = Table(title="Contributions of one row, the model's run included", title_justify="left")
    table.add_column("model")
    for column in ("fast", "exact", "tables"):
        table.add_column(column, justify="right")
    for name, found in contributions.items():
        cells = [f"{found[f'{method}_us']:,.1f} µs" for method in ("fast", "exact")]
        table.add_row(name, *cells, f"{found['table_bytes'] / 1e6:,.1f} MB")
    console.print(table)


def _figures(
    ours: dict[str, Any],
    peers: dict[str, Any],
    contributions: dict[str, Any],
    corpus: tuple[int, int],
    about: dict[str, Any],
) -> dict[str, Any]:
    cases: dict[str, Any] = {}
    for name, figures in ours.items():
        for run, (word, _) in PASSES.items():
            if name in HEADLINE:
                cases[f"{word}_{HEADLINE[name]}"] = _case(figures, run)
            elif run == "batch1" and name in {"logistic", "mlp"}:
                cases[name] = _case(figures, run)
            elif run in figures:
                cases[f"{name}_{word}"] = _case(figures, run)
    equal, models = corpus
    return {
        "bench": "scoring",
        "cases": cases,
        "shap_exact_us": contributions["lightgbm_100"]["exact_us"],
        "bit_equal_models": equal,
        "models": models,
        "native_slower_models": sum(map(_is_slower, ours.values())),
        "slower_in_independent_rows": sorted(name for name in ours if _takes_longer(ours[name])),
        "contributions": contributions,
        "peers": peers,
        "machine": about,
    }


def _is_slower(figures: dict[str, Any]) -> bool:
    """Whether a push would leave a model to ONNX Runtime: by one row, and by a decision with 100 actions."""
    if "factored" not in figures:
        return False
    single, decision = (_best_and_graph(figures[run]) for run in ("batch1", "factored"))
    found = Latency(single[0], single[0], decision[0] / 100, 0, single[1], decision[1] / 100)
    return is_slower(found)


def _takes_longer(figures: dict[str, Any]) -> bool:
    """Whether a hundred rows of different customers, which no decision asks for, take longer natively."""
    if "batch100" not in figures:
        return False
    ours, graph = _best_and_graph(figures["batch100"])
    return ours > graph


def _best_and_graph(figures: dict[str, Any]) -> tuple[float, float]:
    best = min(us for name, us in figures.items() if name.removesuffix("_us") in KERNELS)
    return best, figures["onnxruntime_us"]


def _case(figures: dict[str, Any], run: str) -> dict[str, float | None]:
    found, unit = figures[run], _unit(figures, run)

    def per_unit(kernel: str) -> float | None:
        us = found.get(f"{kernel}_us")
        return None if us is None else round(us / unit * 1e3, 3)

    def ratio(kernel: str) -> float | None:
        us = found.get(f"{kernel}_us")
        return None if us is None else round(found["onnxruntime_us"] / us, 1)

    return {
        **{f"{kernel}_ns_per_tree_row": per_unit(kernel) for kernel in KERNELS},
        **{f"ratio_ort_{kernel}": ratio(kernel) for kernel in KERNELS},
        "onnxruntime_us": found["onnxruntime_us"],
    }


if __name__ == "__main__":
    main()
