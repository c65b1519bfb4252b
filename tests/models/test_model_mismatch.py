"""Golden rows that are not reproduced: usual causes are tried, and only what fits all rows is reported."""

import math

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from nextbest.models.job import Job
from nextbest.models.mismatch import Cause, explain_mismatch
from nextbest.models.scoring import Scorer
from nextbest.models.signature import add_labels, open_session, signature_of

ROWS = np.random.default_rng(2).normal(size=(60, 4)).astype(np.float32)
WEIGHTS = np.array([0.3, -1.0, 2.0, 0.7], np.float32)
NAMES = ["customer.age", "customer.balance", "customer.calls", "customer.days"]
PROBABILITIES = 1 / (1 + np.exp(-(ROWS @ WEIGHTS).astype(np.float64)))


def net(last: str = "Sigmoid", labels: tuple[bytes, ...] = ()):
    """The probabilities of two classes, `p`, and one alone, `q`; `last` makes them of the margin."""
    parts = [
        helper.make_node("MatMul", ["x", "w"], ["m"]),
        helper.make_node(last, ["m"], ["one"]),
        helper.make_node("Sub", ["unit", "one"], ["other"]),
        helper.make_node("Concat", ["other", "one"], ["p"], axis=1),
        helper.make_node("Mul", ["one", "one"], ["q"]),
    ]
    outputs = [helper.make_tensor_value_info("p", TensorProto.FLOAT, [None, 2])]
    outputs.append(helper.make_tensor_value_info("q", TensorProto.FLOAT, [None, 1]))
    stored = [
        numpy_helper.from_array(WEIGHTS.reshape(4, 1), "w"),
        numpy_helper.from_array(np.float32([1]), "unit"),
    ]
    if labels:
        parts.append(helper.make_node("ArgMax", ["p"], ["best"], axis=1, keepdims=0))
        parts.append(helper.make_node("Gather", ["names", "best"], ["label"]))
        outputs.append(helper.make_tensor_value_info("label", TensorProto.STRING, [None]))
        stored.append(helper.make_tensor("names", TensorProto.STRING, [2], list(labels)))
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 4])]
    graph = helper.make_graph(parts, "net", inputs, outputs, stored)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def explain(expected, *, rows=ROWS, model=None, **more) -> Cause:
    model = model or net()
    data = model.SerializeToString()
    session = open_session(data)
    given = {"output": "p", "column": 1, "columns": {"x": NAMES}, **more}
    job = Job(data, "rehearsal", golden={"x": rows}, expected=np.asarray(expected, np.float64), **given)
    scores = Scorer(session, job.output, job.column).score(job.golden)
    return explain_mismatch(session, add_labels(signature_of(session), model.graph), job, scores)


def with_gaps(number):
    rows = ROWS.copy()
    rows[::5, 2] = number
    return rows


def reordered(order):
    return 1 / (1 + np.exp(-(ROWS[:, order] @ WEIGHTS).astype(np.float64)))


CASES = {
    "other class": (
        explain,
        (1 - PROBABILITIES,),
        {},
        "column 0 of `p` agrees with all rows",
        "did you mean `positive_class: 0`?",
    ),
    "other class by its label": (
        explain,
        (1 - PROBABILITIES,),
        {"model": net(labels=(b"no", b"yes"))},
        "column 0 of `p` (the class `no`) agrees with all rows",
        "did you mean `positive_class: no`?",
    ),
    "other output": (
        explain,
        (PROBABILITIES**2,),
        {},
        "column 0 of `q` agrees with all rows",
        "did you mean `output: q`",
    ),
    "1 - score": (
        explain,
        (1 - PROBABILITIES**2,),
        {"output": "q", "column": 0},
        "1 - score agrees with all rows",
        "1 - expected",
    ),
    "margin": (
        explain,
        (ROWS @ WEIGHTS,),
        {},
        "the logistic of `expected` agrees with all rows",
        "predict_proba",
    ),
    "margin of the first class": (
        explain,
        (-(ROWS @ WEIGHTS),),
        {"column": 0},
        "the logistic of `expected` agrees with all rows",
        "predict_proba(rows)[:, 0]",
    ),
    "model of margins": (
        explain,
        (PROBABILITIES,),
        {"model": net("Identity")},
        "the logistic of the score agrees with all rows",
        "export the probabilities",
    ),
    "percent": (explain, (PROBABILITIES * 100,), {}, "expected / 100 agrees with all rows", "in percent"),
    "predicted class": (
        explain,
        (PROBABILITIES > 0.5,),
        {},
        "`expected` is 0 or 1 in all rows: the class that the model predicts",
        "predict_proba",
    ),
    "outcome": (
        explain,
        (np.arange(60) % 3 == 0,),
        {},
        "`expected` is 0 or 1 in all rows: a class or an outcome",
        "predict_proba",
    ),
    "other order of rows": (
        explain,
        (np.sort(PROBABILITIES),),
        {},
        "sorted, the scores agree with `expected`",
        "from one frame",
    ),
    "a row later": (
        explain,
        (np.concatenate([[0.5], PROBABILITIES[:-1]]),),
        {},
        "it is 1 row later",
        "from one frame",
    ),
    "two columns": (
        explain,
        (reordered([0, 2, 1, 3]),),
        {},
        "all rows agree if `customer.balance` and `customer.calls` change places",
        "bind `x` in the order of training: [customer.age, customer.calls, customer.balance, customer.days]",
    ),
    "order of names": (
        explain,
        (reordered([3, 0, 2, 1]),),
        {"columns": {"x": ["d", "c", "b", "a"][::-1]}},
        "",
        "`x` is [a, b, c, d]",
    ),
    "by name": (
        explain,
        (reordered([1, 2, 3, 0]),),
        {"columns": {"x": ["z", "a", "b", "c"]}},
        "all rows agree if columns are in the order of their names",
        "[a, b, c, z]",
    ),
    "missing as zero": (
        lambda expected: explain(expected, rows=with_gaps(np.nan)),
        (1 / (1 + np.exp(-(with_gaps(0.0) @ WEIGHTS).astype(np.float64))),),
        {},
        "all rows agree if missing values are 0",
        "missing: 0}",
    ),
    "missing as something else": (
        lambda expected: explain(expected, rows=with_gaps(np.nan)),
        (1 / (1 + np.exp(-(with_gaps(4.5) @ WEIGHTS).astype(np.float64))),),
        {},
        "the rows that differ all lack a value",
        "missing: ...}",
    ),
    "rounding": (explain, (PROBABILITIES + 2e-4,), {}, "", "--tolerance 0.00021"),
    "nothing known": (
        explain,
        (PROBABILITIES**3,),
        {},
        "",
        "`x` is [customer.age, customer.balance, customer.calls, customer.days]",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_cause(case):
    compare, arguments, more, fact, remedy = CASES[case]
    cause = compare(*arguments, **more)
    assert fact in cause.fact
    assert bool(fact) == bool(cause.fact)
    assert remedy in cause.remedy


def test_what_fits_most_rows_is_reported_with_its_share():
    expected = 1 - PROBABILITIES
    expected[:3] = 0.4321
    cause = explain(expected)
    assert cause.fact == "column 0 of `p` agrees with 95.0% of the rows"
    assert cause.remedy.startswith("look at the others; did you mean")
    expected[:20] = 0.4321
    assert explain(expected).fact == ""


def test_a_few_rows_decide_nothing_that_all_rows_do_not():
    """The rows in between those that are tried do not agree."""
    rows = np.tile(ROWS, (20, 1))
    expected = np.tile(1 - PROBABILITIES, 20)
    expected[1::6] = 0.4321
    cause = explain(expected, rows=rows)
    assert "all rows" not in cause.fact
    assert math.isclose(np.mean(np.isclose(expected, 0.4321)), 1 / 6, abs_tol=0.01)
