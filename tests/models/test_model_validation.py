"""A model is tried in a child process, and nothing that it does there reaches this one."""

import contextlib
import math
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import attacks
import numpy as np
import pytest
from onnx import TensorProto, helper
from skl2onnx import to_onnx
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

from nextbest.models import boundary, validation
from nextbest.models.confinement import Limits
from nextbest.models.job import Job, Plan, decode_job, encode_job
from nextbest.models.report import Outcome
from nextbest.models.validation import validate

GIB = 1024**3
SAMPLED = (
    "cycle",
    "huge feature id",
    "loop without end",
    "ConstantOfShape bomb",
    "a million nodes",
    "random bytes",
)


def rehearse(data: bytes, **more) -> Outcome:
    return validate(Job(data, Plan.REHEARSAL, **{"output": "y", **more}))


def codes(outcome: Outcome) -> list[str]:
    return [refusal.code for refusal in outcome.refusals]


@pytest.fixture(scope="module")
def trained():
    rows = np.random.default_rng(1).normal(size=(500, 4)).astype(np.float32)
    target = (rows[:, 0] + rows[:, 1] ** 2 > 0.8).astype(int)
    model = GradientBoostingClassifier(n_estimators=20, max_depth=3, random_state=0).fit(rows, target)
    onnx = to_onnx(model, rows[:1], options={"zipmap": False}).SerializeToString()
    return onnx, rows, model.predict_proba(rows)[:, 1]


def of_trained(trained, **more) -> Outcome:
    onnx, rows, expected = trained
    given = {
        "output": "probabilities",
        "column": 1,
        "golden": {"X": rows[:200]},
        "expected": expected[:200],
        "background": {"X": rows},
        **more,
    }
    return rehearse(onnx, **given)


def test_a_good_model_is_accepted_and_reported(trained):
    stages = []
    onnx, rows, expected = trained
    job = Job(
        onnx, Plan.REHEARSAL, output="probabilities", column=1, golden={"X": rows[:200]},
        expected=expected[:200], background={"X": rows}, budget_us=10_000.0,
    )  # fmt: skip
    outcome = validate(job, progress=lambda stage, done, total: stages.append((stage, done, total)))
    assert outcome.refusals == []
    report = outcome.report
    assert report.facts.operators == {"Identity": 1, "TreeEnsembleClassifier": 1}
    assert report.facts.tree_count == 20
    assert report.facts.signature.inputs[0].name == "X"
    assert report.golden.rows == 200
    assert report.golden.difference < 1e-6
    assert report.boundary.tested == report.boundary.thresholds == report.boundary.rows // 6
    assert report.boundary.unanswered == 0
    assert report.spread.rows == 500
    assert 0.0 <= report.spread.low < report.spread.mean < report.spread.high <= 1.0
    assert report.latency.runs >= 100
    assert 0 < report.latency.batch_row_us < report.latency.single_us <= report.latency.single_us_p99
    assert report.engine.name == "native"
    assert report.confinement.files
    assert report.peak_bytes < GIB // 2
    assert np.allclose(outcome.scores, expected, atol=1e-6)
    assert [stage for stage, _, _ in stages] == [
        "structure", "opening", "independence", "faults", "golden", "boundary", "background", "engine",
        "latency", "done",
    ]  # fmt: skip


def test_an_inspection_scores_nothing(trained):
    outcome = validate(Job(trained[0], Plan.INSPECTION))
    assert outcome.report.facts.signature.outputs[1].name == "probabilities"
    assert outcome.report.latency is None


def test_scores_alone(trained):
    onnx, rows, expected = trained
    outcome = validate(Job(onnx, Plan.SCORING, output="probabilities", column=1, background={"X": rows}))
    assert np.allclose(outcome.scores, expected, atol=1e-6)


@pytest.mark.parametrize("name", SAMPLED)
def test_attack_is_refused_by_the_child(name):
    attack = attacks.STRUCTURE[name]
    began = time.monotonic()
    outcome = rehearse(attack.build())
    assert codes(outcome) == [attack.code]
    assert outcome.report is None
    assert time.monotonic() - began < 10.0


@pytest.mark.parametrize("kind", ["initializer", "sparse initializer", "attribute of trees"])
def test_another_file_is_not_read(kind, tmp_path):
    """It is a pipe without a writer: a process that opened it would wait until it is killed."""
    canary = tmp_path / "secret"
    os.mkfifo(canary)
    began = time.monotonic()
    outcome = validate(Job(attacks.EXTERNAL[kind](str(canary)), Plan.REHEARSAL), Limits(wall_s=8.0))
    assert codes(outcome) == ["NB653"]
    assert time.monotonic() - began < 8.0


def test_a_child_opens_nothing_even_if_a_check_were_forgotten(tmp_path):
    """The same without any check: the error of the sealed process when it has to open a file."""
    canary = tmp_path / "secret"
    canary.write_text("the canary's text")
    code = f"""
from nextbest.models.confinement import Limits, confine, seal
import onnxruntime, socket
confine(Limits()); print(seal())
for attempt in (
    lambda: onnxruntime.InferenceSession({attacks.external_initializer(str(canary))!r}),
    lambda: onnxruntime.InferenceSession({str(canary)!r}),
    lambda: open({str(canary)!r}),
    lambda: socket.socket(),
):
    try:
        print("opened", attempt())
    except Exception as error:
        print("refused")
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["True"] + ["refused"] * 4
    assert "the canary's text" not in ran.stdout + ran.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "memory_bytes", "cpu_s"),
    [("memory by allowed operators", GIB // 2, 20), ("time by allowed operators", GIB, 2)],
)
def test_what_it_costs_stays_within_limits(name, memory_bytes, cpu_s):
    """In a separate process, whose children's use of memory can be measured."""
    code = f"""
import json, resource, sys, time
sys.path.insert(0, {str(Path(attacks.__file__).parent)!r})
import attacks
from nextbest.models.confinement import Limits
from nextbest.models.job import Job, Plan
from nextbest.models.validation import validate
began = time.monotonic()
job = Job(attacks.HUNGRY[{name!r}].build(), Plan.REHEARSAL, output="y")
outcome = validate(job, Limits({memory_bytes}, cpu_s={cpu_s}, wall_s=30.0))
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([[r.code for r in outcome.refusals], used.ru_maxrss * 1024, time.monotonic() - began]))
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    found, peak_bytes, seconds = eval(ran.stdout)  # noqa: S307 - our own process's list of numbers
    assert found == [attacks.HUNGRY[name].code]
    assert peak_bytes < memory_bytes
    assert seconds < 25.0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("behaviour", "code"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "NB662"),
        ("import os; os.abort()", "NB662"),
        ("import os; os._exit(0)", "NB662"),
        ("import os; os._exit(3)", "NB662"),
        ("import os; os.write(3, b'{\\\"outcome\\\": {}}\\n'); os._exit(0)", "NB662"),
        ("import os; os.write(3, b'{\\\"outcome\\\"' * 10_000); os._exit(0)", "NB662"),
        ("import os\nwhile True: os.write(3, bytes(1 << 20))", "NB662"),
        ("import time; time.sleep(1_000)", "NB661"),
        ("import os; os.close(3); os.close(1); import time; time.sleep(1_000)", "NB661"),
        ("while True: pass", "NB661"),
        ("hoard = [bytearray(1 << 26) for _ in range(1_000)]", "NB660"),
    ],
)
def test_whatever_the_child_does_is_a_refusal(behaviour, code, tmp_path, monkeypatch):
    """A compromised library is in the place from which ONNX Runtime is loaded."""
    (tmp_path / "onnxruntime.py").write_text(behaviour)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    job = Job(attacks.model([attacks.trees()]), Plan.REHEARSAL, output="y")
    # What sleeps is waited for; nothing else takes as long.
    wall_s = 1.0 if "sleep" in behaviour else 10.0
    outcome = validate(job, Limits(memory_bytes=GIB // 2, cpu_s=1, wall_s=wall_s))
    assert codes(outcome) == [code]
    assert outcome.report is None


@pytest.mark.slow
def test_a_child_that_leaves_another_behind_leaves_nothing(tmp_path, monkeypatch):
    (tmp_path / "onnxruntime.py").write_text(
        "import os, time\nif os.fork() == 0: time.sleep(1_000)\nos._exit(0)"
    )
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    wall_s = 1.03125
    assert codes(validate(Job(b"", Plan.REHEARSAL), Limits(wall_s=wall_s))) == ["NB661"]
    # A kill takes effect when the kernel next runs the process.
    deadline = time.monotonic() + 5.0
    while (left := processes_with(str(wall_s))) and time.monotonic() < deadline:
        os.sched_yield()
    assert left == []


def processes_with(text: str) -> list[bytes]:
    commands = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            commands.append((process / "cmdline").read_bytes())
    return [command for command in commands if text.encode() in command]


def test_golden_rows_that_differ_are_named(trained):
    expected = trained[2][:200].copy()
    expected[7] += 0.25
    expected[9] += 0.01
    outcome = of_trained(trained, expected=expected)
    assert codes(outcome) == ["NB664"]
    assert "golden row 8" in outcome.refusals[0].message
    assert "2 of 200 rows differ by more than 1e-05" in outcome.refusals[0].message
    assert codes(of_trained(trained, expected=expected, tolerance=0.3)) == []


def test_a_golden_row_without_a_score_differs(trained):
    expected = trained[2][:200].copy()
    expected[3] = math.nan
    assert codes(of_trained(trained, expected=expected)) == ["NB664"]


def test_scores_that_are_not_probabilities():
    data = attacks.model([attacks.trees(target_weights=[0.1, 1.5])])
    outcome = rehearse(data, background={"x": np.array([[0.0, 0.0], [1.0, 0.0]], np.float32)})
    assert codes(outcome) == ["NB665", "NB665"]
    assert "where `x[0]` is 0.50000006, at a threshold" in outcome.refusals[0].message
    assert "scores from 0.1 to 1.5" in outcome.refusals[1].message


def test_a_sum_of_shares_may_pass_1_by_a_rounding():
    data = attacks.model([attacks.trees(target_weights=[0.1, 1.000002])])
    assert codes(rehearse(data, background={"x": np.array([[0.0, 0.0], [1.0, 0.0]], np.float32)})) == []


def test_a_model_with_a_constant_score(trained):
    rows = np.repeat(trained[1][:1], 50, axis=0)
    outcome = of_trained(trained, background={"X": rows})
    assert codes(outcome) == ["NB666"]


def test_missing_values_need_a_score_where_trees_alone_read_them():
    rows = np.random.default_rng(1).normal(size=(50, 2)).astype(np.float32)
    linear = LogisticRegression().fit(rows, rows[:, 0] > 0)
    onnx = to_onnx(linear, rows[:1], options={"zipmap": False}).SerializeToString()
    rows[3, 1] = np.nan
    outcome = rehearse(onnx, output="probabilities", column=1, background={"X": rows})
    assert codes(outcome) == []
    assert outcome.report.spread.unanswered == 1
    assert outcome.report.boundary is None
    assert outcome.scores[3] is None


def test_a_row_of_nothing_but_missing_values():
    rows = np.full((10, 2), np.nan, np.float32)
    linear = LogisticRegression().fit([[0.0, 1.0], [1.0, 0.0]], [0, 1])
    onnx = to_onnx(linear, np.zeros((1, 2), np.float32), options={"zipmap": False}).SerializeToString()
    assert codes(rehearse(onnx, output="probabilities", column=1, background={"X": rows})) == ["NB665"]


def test_a_budget_that_is_broken_names_what_is_dear(trained):
    outcome = of_trained(trained, budget_us=0.01)
    assert codes(outcome) == ["NB667"]
    message = outcome.refusals[0].message
    whole = float(
        re.search(r"takes ([\d.]+) us a row as a native model, the budget is 0.01 us: ", message)[1]
    )
    parts = [float(part) for part in re.findall(r"` ([\d.]+) us \(", message)]
    assert parts
    assert sum(parts) <= whole + 0.05 * len(parts), "shares of the time of the engine that serves"
    assert "`TreeEnsembleClassifier`" in message
    assert "of the 20 trees" in message
    assert "nodes, depth 3 (" in message
    assert outcome.report.latency.single_us > 0.01


@pytest.mark.slow
def test_a_budget_needs_rows():
    encoder = helper.make_node(
        "LabelEncoder", ["x"], ["y"], domain=attacks.ML, keys_strings=["a"], values_floats=[0.5],
        default_float=0.1,
    )  # fmt: skip
    graph = helper.make_graph(
        [encoder],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.STRING, [None, 1])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 1])],
    )
    data = helper.make_model(graph, opset_imports=attacks.OPSETS, ir_version=8).SerializeToString()
    assert codes(rehearse(data, budget_us=5.0)) == ["NB663"]
    assert codes(rehearse(data)) == []
    rows = {"x": np.array([["a"], ["zoë"]], dtype=object)}
    outcome = rehearse(data, budget_us=1_000.0, background=rows)
    assert codes(outcome) == []
    assert outcome.scores == [0.5, pytest.approx(0.1)]


def test_an_output_without_a_score_for_each_row():
    reduce = helper.make_node("ReduceMean", ["x"], ["y"], axes=[0, 1], keepdims=1)
    rows = {"x": np.ones((3, 2), np.float32)}
    outcome = rehearse(attacks.model([reduce]), background=rows)
    assert codes(outcome) == ["NB671"]
    assert "the output `y` has the shape [1, 1] for" in outcome.refusals[0].message


def test_every_reason_is_reported_not_only_the_first(trained):
    outcome = of_trained(trained, expected=np.zeros(200), budget_us=0.01)
    assert codes(outcome) == ["NB664", "NB667"]


def test_a_thousand_thresholds_are_sampled_the_same_each_time():
    thresholds = np.linspace(0, 1, 2_001)
    ensemble = boundary.Ensemble(
        "t", "x", np.array([1]), np.array([1]), np.array([1.0]), np.zeros(2_001, np.int64), thresholds
    )
    base = {"x": np.zeros((3, 1), np.float32)}
    first, second = boundary.boundary_rows([ensemble], base), boundary.boundary_rows([ensemble], base)
    assert first.threshold_count == 2_001
    assert len(first.inputs) == boundary.THRESHOLDS_MAX
    assert first.reason == "500 are sampled"
    assert np.array_equal(first.rows["x"], second.rows["x"], equal_nan=True)
    one = first.rows["x"][6:12, 0]
    assert one[1] == np.nextafter(one[0], np.float32(-np.inf))
    assert one[2] == np.nextafter(one[0], np.float32(np.inf))
    assert np.isnan(one[3])
    assert (one[4], one[5]) == (np.inf, -np.inf)


def test_a_job_travels_whole():
    job = Job(
        b"\x00onnx", Plan.SCORING, any_operator=True, output="ö/ut", column=3, columns={"a/b": ["age"]},
        golden={"a/b": np.array([["é", ""]], dtype=object)}, expected=np.array([0.5]), budget_us=7.0,
    )  # fmt: skip
    back = decode_job(encode_job(job))
    assert (back.onnx, back.plan, back.any_operator, back.output, back.column) == (
        job.onnx, job.plan, True, "ö/ut", 3,
    )  # fmt: skip
    assert back.columns == job.columns
    assert back.golden["a/b"].tolist() == [["é", ""]]
    assert back.golden["a/b"].dtype == object
    assert back.background is None


def test_limits_leave_room_for_what_is_loaded(trained):
    assert codes(validate(Job(trained[0], Plan.INSPECTION), Limits(memory_bytes=GIB // 2))) == []
    assert validation.OUTCOME_BYTES_MAX > 10_000 * 25
