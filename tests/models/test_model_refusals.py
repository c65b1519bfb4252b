"""Refusals state facts: what ONNX Runtime reports without its source, and the remedy of each cause."""

import re

import attacks
import numpy as np
import pytest
from onnx import ModelProto, helper

from nextbest.models import ModelError
from nextbest.models.foreign_operators import explain_operators
from nextbest.models.job import Job, Plan
from nextbest.models.runtime_text import read_text
from nextbest.models.score_range import refuse_scores
from nextbest.models.sizes import check_sizes
from nextbest.models.stages import explain_crash

BUILD = "[ONNXRuntimeError] : 1 : FAIL : "
RUNNING = f"{BUILD}Non-zero status code returned while running "
SOURCE = "/onnxruntime_src/onnxruntime/core/"
TEXTS = {
    "a category": (
        RUNNING + "OneHotEncoder node. Name:'encode' Status Message: Unknown Category and zeros = 0.",
        "`OneHotEncoder` (`encode`)",
        "Unknown Category and zeros = 0",
    ),
    "a file and a function": (
        RUNNING + "MatMul node. Name:'' Status Message: matmul_helper.h:59 Compute MatMul dimension mismatch",
        "`MatMul`",
        "MatMul dimension mismatch",
    ),
    "a signature and a condition": (
        RUNNING + f"Reshape node. Name:'' Status Message: {SOURCE}providers/cpu/tensor/reshape_helper.h:55 "
        "onnxruntime::ReshapeHelper::ReshapeHelper(const onnxruntime::TensorShape&, onnxruntime::Sizes&, "
        "bool) input_shape_size == requested_shape_size was false. The input tensor cannot be reshaped.\n",
        "`Reshape`",
        "The input tensor cannot be reshaped",
    ),
    "a signature with templates": (
        RUNNING + f"Concat node. Name:'' Status Message: {SOURCE}framework/bfc_arena.cc:359 void* "
        "onnxruntime::BFCArena::AllocateRawInternal(size_t, bool, const std::function<void(int)>&) const "
        "[with T = float; std::string = std::basic_string<char>] Failed to allocate memory for 4194304000",
        "`Concat`",
        "Failed to allocate memory for 4194304000",
    ),
    "when it is opened": (
        BUILD + f"Exception during initialization: {SOURCE}providers/cpu/ml/linearclassifier.cc:53 "
        "onnxruntime::ml::LinearClassifier::LinearClassifier(const onnxruntime::OpKernelInfo&) false was "
        "false. LinearClassifier: classlabels_ints must be provided.",
        "",
        "LinearClassifier: classlabels_ints must be provided",
    ),
    "shapes": (
        BUILD + "Node (n1) Op (MatMul) [ShapeInferenceError] Incompatible dimensions",
        "`MatMul` (`n1`)",
        "Incompatible dimensions",
    ),
    "a text for a number": (
        RUNNING + "Cast node. Name:'' Status Message: stod", "`Cast`", "a text is not a number",
    ),
    "nothing": ("", "", "no reason is given"),
    "a name without end": (BUILD + "x" * 5_000, "", "x" * 1_000 + "..."),
}  # fmt: skip


@pytest.mark.parametrize("case", TEXTS)
def test_the_sentence_of_a_message(case):
    text, where, sentence = TEXTS[case]
    read = read_text(text)
    assert (read.where, read.sentence) == (where, sentence)
    assert not re.search(r"onnxruntime::|\.(cc|h):|onnxruntime_src|\n", read.sentence)


OPERATORS = {
    "fused by optimisation": ("com.microsoft", "FusedGemm", "ORT_ENABLE_BASIC"),
    "laid out by optimisation": ("com.microsoft.nchwc", "Conv", "ORT_ENABLE_BASIC"),
    "of ONNX Runtime": ("com.microsoft", "CDist", "leave `com.microsoft` out"),
    "texts": ("com.microsoft", "Tokenizer", "compute those columns before the model"),
    "custom": ("acme.ops", "Score", "`acme.ops` is not a domain of ONNX"),
    "PyTorch": ("org.pytorch.aten", "ATen", "dynamo=True"),
    "training": ("ai.onnx.preview.training", "Adam", "export for inference"),
    "loops": ("", "Loop", "as one flat graph"),
    "random": ("", "RandomNormal", "it draws random numbers"),
    "unknown": ("", "Frobnicate", "not an operator of ONNX"),
}


@pytest.mark.parametrize("case", OPERATORS)
@pytest.mark.parametrize("any_operator", [False, True])
def test_an_operator_that_no_flag_takes(case, any_operator):
    domain, operator, remedy = OPERATORS[case]
    node = helper.make_node(operator, ["x"], ["y"], domain=domain)
    message, found = explain_operators([node], any_operator=any_operator)
    assert message == f"uses `{f'{domain}.' if domain else ''}{operator}`, which is not allowed"
    assert remedy in found
    assert "--allow-any-op" not in found


def test_the_flag_is_named_where_it_helps():
    node = helper.make_node("Einsum", ["x", "x"], ["y"])
    assert "--allow-any-op" in explain_operators([node], any_operator=False)[1]
    assert "--allow-any-op" not in explain_operators([node], any_operator=True)[1]


def test_operators_of_several_kinds_have_a_remedy_each():
    nodes = [
        helper.make_node("FusedGemm", ["x"], ["a"], domain="com.microsoft"),
        helper.make_node("Einsum", ["a"], ["b"]),
        helper.make_node("FusedGemm", ["b"], ["y"], domain="com.microsoft"),
    ]
    message, remedy = explain_operators(nodes, any_operator=False)
    assert message == "uses `Einsum` and `com.microsoft.FusedGemm`, which are not allowed"
    assert remedy.startswith("`com.microsoft.FusedGemm`: ONNX Runtime wrote it")
    assert "; `Einsum`: push it with" in remedy


@pytest.mark.parametrize(
    ("onnx", "words"),
    [
        (attacks.doubling(18), "`Concat` makes `t18`, 524,288 numbers a row, at most 262,144 are allowed"),
        (attacks.doubling(30), "`Concat` makes `t18`"),
    ],
)
def test_what_grows_too_large_with_each_row_is_refused_before_it_runs(onnx, words):
    with pytest.raises(ModelError) as caught:
        check_sizes(ModelProto.FromString(onnx))
    assert caught.value.code == "NB660"
    assert words in caught.value.message


@pytest.mark.parametrize(
    "onnx", [attacks.doubling(17), attacks.products()], ids=["at the limit", "without rows"]
)
def test_what_does_not_grow_with_rows_is_left_to_the_limits_of_the_process(onnx):
    check_sizes(ModelProto.FromString(onnx))


@pytest.mark.parametrize(
    "text", ["std::bad_alloc", f"{RUNNING}Concat node. Name:'' Status Message: std::bad_alloc"]
)
def test_a_failed_allocation_does_not_crash(text):
    refusal = explain_crash("engine", RuntimeError(text))
    assert (refusal.code, "`Concat`" in refusal.message) == ("NB660", "Concat" in text)
    crashed = explain_crash("engine", RuntimeError(f"{SOURCE}x.cc:1 void onnxruntime::X::Y(int) it broke"))
    assert (crashed.code, crashed.message) == ("NB662", "the stage `engine` failed: RuntimeError: it broke")


def scored(scores, rows, **columns):
    job = Job(b"", Plan.REHEARSAL, background={"x": np.asarray(rows, np.float32)}, columns=columns)
    return refuse_scores(np.asarray(scores, np.float64), job)


NOT_PROPENSITIES = {
    "margins": ([-1.2, 0.5], "from -1.2 to 0.5", "margins (log-odds)"),
    "percent": ([12.5, 80.0], "2 of 2 are outside of 0 to 1", "not percentages"),
    "classes": ([1.0, 2.0], "from 1 to 2", "bind the output of probabilities"),
    "huge": ([0.5, 1e9 + 0.5], "1 of 2 are outside of 0 to 1", "numbers from 0 to 1"),
}


@pytest.mark.parametrize("case", NOT_PROPENSITIES)
def test_scores_that_are_not_propensities_have_the_remedy_of_their_kind(case):
    scores, message, remedy = NOT_PROPENSITIES[case]
    refusal = scored(scores, [[1.0], [2.0]])
    assert refusal.code == "NB665"
    assert message in refusal.message
    assert remedy in refusal.help


def test_without_scores_the_column_that_is_missing_is_named():
    refusal = scored([np.nan, np.nan], [[1.0, np.nan], [2.0, np.nan]], x=["customer.age", "customer.balance"])
    assert refusal.message.endswith("background sample: `customer.balance` is missing in all of them")


def test_the_same_score_for_all_names_what_is_the_same():
    columns = ["customer.age", "customer.balance"]
    refusal = scored([0.3, 0.3], [[1.0, 5.0], [2.0, 5.0]], x=columns)
    assert refusal.code == "NB666"
    assert refusal.help.endswith("; `customer.balance` is the same in all rows")
    alike = scored([0.3, 0.3], [[1.0, 5.0], [1.0, 5.0]], x=columns)
    assert "the rows of this one are all alike" in alike.help


def test_scores_that_can_be_propensities_are_not_refused():
    assert scored([0.0, np.nan, 1.0 + 5e-6], [[1.0], [2.0], [3.0]]) is None
