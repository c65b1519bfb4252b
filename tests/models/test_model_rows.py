"""Tables of rows -> inputs as a server fills them; histograms of them."""

import itertools

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextbest.casting.form import Form
from nextbest.models import Element, ModelError
from nextbest.models.reference import BINS, chance_of, histogram_of, index_of, stability_index
from nextbest.models.rows import (
    InputColumn,
    InputTable,
    Table,
    drop_unanswerable,
    fill_inputs,
    names_of,
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
        ({"customer.age": ["old"], "customer.vip": [1]}, "column `customer.age`: `old` is not a", "12.5"),
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


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_a_column_in_which_all_are_missing_is_missing(tmp_path, suffix):
    frame = pl.DataFrame(
        {
            "customer.age": pl.Series([None, None], dtype=pl.Float64),
            "customer.vip": [1, 0],
            "expected": [0.5, 1.0],
        }
    )
    read = table(written(tmp_path, frame, suffix), [NUMBERS], expected=True)
    assert np.isnan(fill_inputs(read, [NUMBERS])["n"][:, 0]).all()


def test_what_programs_write_for_missing_numbers_is_missing(tmp_path):
    (tmp_path / "rows.csv").write_text("customer.age,customer.vip\nNA,true\nNaN,false\nNULL,\n3,1\n")
    filled = fill_inputs(table(tmp_path / "rows.csv", [NUMBERS]), [NUMBERS])["n"]
    assert np.array_equal(filled, [[np.nan, 1], [np.nan, 0], [np.nan, 0.5], [3, 1]], equal_nan=True)


def test_text_of_any_kind_is_text(tmp_path):
    jobs = pl.Series("customer.job", ["007", None], dtype=pl.Categorical)
    assert fill_inputs(table(written(tmp_path, jobs.to_frame()), [JOB]), [JOB])["j"].tolist() == [
        ["007"],
        ["unknown"],
    ]
    numbers = pl.DataFrame({"customer.job": [7]})
    with pytest.raises(ModelError, match="the number `7` is not text"):
        table(written(tmp_path, numbers), [JOB])


@pytest.mark.parametrize("expected", ["", "NaN", "high", "1,5"])
def test_a_golden_row_without_its_score_is_refused(tmp_path, expected):
    lines = f"customer.age;customer.vip;expected\n1;1;0.5\n1;1;{expected}\n"
    (tmp_path / "rows.csv").write_text(lines)
    with pytest.raises(ModelError, match=r"row 2 of the golden rows.*`?expected`?") as caught:
        read_table(tmp_path / "rows.csv", [NUMBERS], "golden rows", Form(";"), with_expected=True)
    assert caught.value.code == "NB663"


def test_an_input_of_one_column_gives_its_name_and_an_attribute_its_own():
    assert names_of("customer.age", "Age", 0, 1) == ("customer.age", "Age[0]", "Age", "age")
    assert names_of("customer.age", "Age", 0, 2) == ("customer.age", "Age[0]", "age")
    assert names_of("customer.age", "age", 0, 1) == ("customer.age", "age[0]", "age")
    assert names_of("", "Age", 0, 1) == ("Age[0]", "Age")


def test_columns_of_a_table_of_customers_are_taken(tmp_path):
    columns = [names_of(f"customer.{name}", "X", index, 2) for index, name in enumerate(["age", "income"])]
    inputs = [InputTable("X", Element.FLOAT32, tuple(InputColumn(names) for names in columns))]
    path = written(tmp_path, pl.DataFrame({"income": [2.5], "age": [40]}))
    assert fill_inputs(table(path, inputs), inputs)["X"].tolist() == [[40.0, 2.5]]


def test_a_column_that_two_attributes_could_take_is_refused(tmp_path):
    inputs = [
        InputTable(name, Element.STRING, (InputColumn(names_of(f"{name}.segment", name, 0, 1)),))
        for name in ("customer", "context")
    ]
    with pytest.raises(ModelError, match=r"could be `customer\.segment` or `context\.segment`") as caught:
        table(written(tmp_path, pl.DataFrame({"segment": ["a"]})), inputs)
    assert caught.value.code == "NB663"
    both = pl.DataFrame({"customer.segment": ["a"], "segment": ["b"]})
    assert fill_inputs(table(written(tmp_path, both), inputs), inputs)["context"].tolist() == [["b"]]


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


def test_edges_are_between_values():
    found = histogram_of(np.repeat([0.125, 0.25, 0.5], 100))
    assert found.edges == pytest.approx([0.1875, 0.375, 0.500001], abs=1e-9)
    assert found.counts == [100, 100, 100, 0]
    rounded_otherwise = np.repeat([0.125, 0.25, 0.5], 100) + 1e-7
    assert stability_index(found, rounded_otherwise) == 0.0
    neighbours = np.array([1.0, np.nextafter(1.0, 2.0)])
    assert histogram_of(neighbours).counts == [1, 1]
    assert histogram_of(np.array([7.0])).edges == [pytest.approx(7.0, rel=1e-5)]


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=60))
def test_edges_are_ascending_finite_and_bins_count_each_value_once(values):
    found = histogram_of(np.array(values))
    assert all(low < high for low, high in itertools.pairwise(found.edges))
    assert np.isfinite(found.edges).all()
    assert sum(found.counts) == len(values)
    assert stability_index(found, np.array(values)) == 0.0


def test_histograms_of_truth_values(tmp_path):
    frame = pl.DataFrame({"flag": [True, False, None, True]})
    found = histogram_of(Table("rows", frame).arrays()["flag"])
    assert (found.rows, found.missing, found.counts) == (4, 1, [1, 2, 0])


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


def test_the_index_by_hand():
    # Shares 0.5 and 0.5 against 0.6 and 0.4: 0.1 ln 1.2 - 0.1 ln 0.8.
    assert index_of([50, 50], [60, 40]) == pytest.approx(0.1 * np.log(1.5), rel=1e-12)
    # An empty bin counts as one ten-thousandth.
    expected = (1e-4 - 0.5) * np.log(1e-4 / 0.5) + (1.0 - 0.5) * np.log(2.0)
    assert index_of([50, 50], [0, 100]) == pytest.approx(expected, rel=1e-12)
    assert index_of([0, 0], [0, 0]) == 0.0


COUNTS = st.lists(st.tuples(*[st.integers(0, 10_000)] * 2), min_size=1, max_size=20)


@given(COUNTS, st.integers(1, 50))
def test_the_index_is_symmetric_never_negative_and_of_shares(counts, times):
    expected, found = map(list, zip(*counts, strict=True))
    assert index_of(expected, found) >= 0.0
    assert index_of(expected, found) == pytest.approx(index_of(found, expected), abs=1e-12)
    assert index_of(expected, [count * times for count in expected]) == pytest.approx(0.0, abs=1e-12)


def test_what_chance_gives():
    source = np.random.default_rng(0)
    found = [index_of(source.multinomial(2_000, [0.1] * 10), source.multinomial(500, [0.1] * 10))
             for _ in range(400)]  # fmt: skip
    assert np.mean(found) == pytest.approx(chance_of(10, 2_000, 500), rel=0.1)
    assert chance_of(10, 0, 500) == np.inf
