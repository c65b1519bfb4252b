"""Tables of rows -> inputs as a server fills them; histograms of them."""

import numpy as np
import polars as pl
import pytest

from nextbest.models import Element, ModelError
from nextbest.models.reference import BINS, histogram_of, stability_index
from nextbest.models.rows import (
    InputColumn,
    InputTable,
    drop_unanswerable,
    fill_inputs,
    read_table,
    sample,
)


def column(name, *others, missing=None):
    return InputColumn((name, *others), missing)


NUMBERS = InputTable(
    "n", Element.FLOAT32, (column("customer.age", "n[0]"), column("customer.vip", missing=0.5))
)
JOB = InputTable("j", Element.STRING, (column("customer.job", missing="unknown"),))
INPUTS = [NUMBERS, JOB]


def table(path, inputs=INPUTS, *, expected=False):
    return read_table(path, inputs, "golden rows", with_expected=expected)


def written(tmp_path, frame, suffix=".parquet"):
    path = tmp_path / f"rows{suffix}"
    frame.write_parquet(path) if suffix == ".parquet" else frame.write_csv(path)
    return path


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_inputs_are_filled_as_a_server_fills_them(tmp_path, suffix):
    frame = pl.DataFrame(
        {
            "customer.job": ["007", None, "b"],
            "customer.age": [30, None, 50],
            "customer.vip": [True, None, False],
            "something.else": [1, 2, 3],
            "expected": [0.5, 0.25, 1.0],
        }
    )
    path = written(tmp_path, frame.with_columns(pl.col("customer.vip").cast(pl.Int8)), suffix)
    read = table(path, expected=True)
    assert read.frame.columns == ["customer.age", "customer.vip", "customer.job", "expected"]
    filled = fill_inputs(read, INPUTS)
    assert filled["n"].dtype == np.float32
    assert np.array_equal(filled["n"], [[30, 1], [np.nan, 0.5], [50, 0]], equal_nan=True)
    assert filled["j"].tolist() == [["007"], ["unknown"], ["b"]]


def test_a_bool_is_0_or_1_among_numbers(tmp_path):
    path = written(tmp_path, pl.DataFrame({"customer.age": [True], "customer.vip": [False]}))
    assert fill_inputs(table(path, [NUMBERS]), [NUMBERS])["n"].tolist() == [[1.0, 0.0]]


def test_a_column_may_be_named_by_its_place(tmp_path):
    path = written(tmp_path, pl.DataFrame({"n[0]": [1.0], "customer.vip": [2.0]}))
    assert table(path, [NUMBERS]).frame.columns == ["customer.age", "customer.vip"]


@pytest.mark.parametrize(
    ("columns", "message", "remedy"),
    [
        ({"customer.agee": [1], "customer.vip": [1]}, "have no column `customer.age`", "did you mean"),
        ({"customer.age": ["old"], "customer.vip": [1]}, "`customer.age` of the golden rows", "give numbers"),
        ({"customer.age": [1], "customer.vip": [1]}, "have no column `expected`", "the training framework"),
        ({"customer.age": [], "customer.vip": [], "expected": []}, "the table is empty", "at least one row"),
    ],
)  # fmt: skip
def test_tables_that_do_not_fit(tmp_path, columns, message, remedy):
    path = written(tmp_path, pl.DataFrame(columns))
    with pytest.raises(ModelError) as caught:
        table(path, [NUMBERS], expected=True)
    assert caught.value.code == "NB663"
    assert message in caught.value.message
    assert remedy in caught.value.help


def test_files_that_cannot_be_read(tmp_path):
    (tmp_path / "rows.parquet").write_bytes(b"no table")
    for name in ("rows.parquet", "rows.xlsx", "gone.csv"):
        with pytest.raises(ModelError) as caught:
            table(tmp_path / name)
        assert caught.value.code == "NB663"


def test_rows_that_lack_text_have_no_score(tmp_path):
    bare = InputTable("j", Element.STRING, (column("customer.job"),))
    read = table(written(tmp_path, pl.DataFrame({"customer.job": ["a", None, "b"]})), [bare])
    with pytest.raises(ModelError, match=r"row 2 of the golden rows lacks `customer\.job`"):
        fill_inputs(read, [bare])
    assert fill_inputs(drop_unanswerable(read, [bare]), [bare])["j"].tolist() == [["a"], ["b"]]
    nothing = table(written(tmp_path, pl.DataFrame({"customer.job": [None, None]})), [bare])
    with pytest.raises(ModelError, match="every row"):
        drop_unanswerable(nothing, [bare])


def test_a_sample_is_spread_evenly_and_always_the_same(tmp_path):
    frame = pl.DataFrame({"customer.age": list(range(1_000)), "customer.vip": [0] * 1_000})
    read = table(written(tmp_path, frame), [NUMBERS])
    chosen = sample(read, 10).frame["customer.age"].to_list()
    assert chosen == sample(read, 10).frame["customer.age"].to_list()
    assert (chosen[0], chosen[-1], len(chosen)) == (0, 999, 10)
    assert sample(read, 5_000) is read


def test_histograms_of_numbers():
    values = np.concatenate([np.arange(1_000.0), [np.nan] * 10, [np.inf, -np.inf]])
    found = histogram_of(values)
    assert (found.rows, found.missing) == (1_012, 10)
    assert len(found.counts) == BINS
    assert sum(found.counts) == 1_002
    assert max(found.counts) - min(found.counts) <= 2
    assert len(histogram_of(np.array([0.0, 0.0, 1.0])).counts) <= 3
    assert histogram_of(np.full(5, np.nan)).counts == [0]


def test_histograms_of_text():
    found = histogram_of(np.array(["a", "b", "a", None], dtype=object))
    assert (found.missing, found.categories, found.others) == (1, {"a": 2, "b": 1}, 0)
    many = histogram_of(np.array([str(number) for number in range(500)], dtype=object))
    assert (len(many.categories), many.others) == (100, 400)


def test_the_stability_index():
    values = np.random.default_rng(0).normal(size=20_000)
    reference = histogram_of(values)
    assert stability_index(reference, values) == pytest.approx(0.0, abs=1e-9)
    assert stability_index(reference, np.random.default_rng(1).normal(size=20_000)) < 0.01
    assert stability_index(reference, values + 1.0) > 0.25
