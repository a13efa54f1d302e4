import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark_utils.splits import batches, cut, random_subset, split_rows
from benchmark_utils.tables import make_table

SIZES = st.tuples(st.integers(60, 500), st.integers(20, 60), st.integers(0, 2**31))


@settings(max_examples=50)
@given(SIZES, st.floats(0, 5))
def test_splits_are_disjoint_while_the_table_lasts(sizes, spread):
    n_rows, size, seed = sizes
    splits = [split_rows(n_rows, size, spread, seed, i) for i in range(30)]
    for rows in splits:
        assert len(set(rows)) == len(rows) <= n_rows
        assert rows.min() >= 0
        assert rows.max() < n_rows
    if spread == 0:
        fit = n_rows // size
        together = np.concatenate(splits[:fit])
        assert len(set(together)) == fit * size
        assert set(splits[fit]) & set(together) or n_rows - fit * size >= size


@pytest.mark.parametrize("n_rows", [10**6, 3000])
def test_the_number_of_rows_is_gaussian_however_small_the_table(n_rows):
    draws = itertools.islice(batches(n_rows, 2000, 200, seed=1), 400)
    sizes = [len(rows) for rows in draws]
    assert np.mean(sizes) == pytest.approx(2000, abs=40)
    assert np.std(sizes) == pytest.approx(200, rel=0.15)


def test_when_the_table_is_used_up_it_is_partitioned_anew():
    first, second, third = itertools.islice(batches(100, 100, 0, seed=1), 3)
    assert sorted(first) == sorted(second) == sorted(third)
    assert len({tuple(first), tuple(second), tuple(third)}) == 3
    assert [split_rows(100, 100, 0, 1, i).tolist() for i in range(3)] == [
        rows.tolist() for rows in (first, second, third)
    ]


def test_rare_classes_come_to_every_part_in_turn():
    frame = pd.DataFrame({"row": np.arange(40.0)})
    y = pd.Series([0] * 38 + [1] * 2, name="y")
    table = make_table("rare", frame, y, "classification")
    parts = [cut(table, split_rows(40, 40, 0, 0, i))[0] for i in range(60)]
    assert all(1 in part.y_train for part in parts)
    for y in ("y_valid", "y_test"):
        assert 0 < sum(1 in getattr(part, y) for part in parts) < 60


def some_table(n=200, n_classes=0, seed=0):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"row": np.arange(n, dtype=float)})
    if n_classes:
        y = (
            np.arange(n) % n_classes
            if seed is None
            else rng.integers(n_classes, size=n)
        )
        return make_table("t", frame, pd.Series(y, name="y"), "classification")
    return make_table("t", frame, pd.Series(rng.random(n), name="y"), "regression")


@given(st.integers(2, 8), st.integers(1, 5), st.integers(0, 1000))
def test_parts_are_disjoint_and_have_every_class(n_classes, n_folds, seed):
    table = some_table(n_classes=n_classes, seed=seed)
    rows = split_rows(200, 150, 0, seed, 0)
    folds = cut(table, rows, n_folds)
    assert len(folds) == n_folds
    validated = []
    for parts in folds:
        numbers = [X[:, 0] for X in (parts.X_train, parts.X_valid, parts.X_test)]
        together = np.concatenate(numbers)
        assert sorted(together) == sorted(rows)
        assert len(parts.X_test) == 30
        for y in (parts.y_train, parts.y_valid, parts.y_test):
            counts = np.bincount(table.y[rows], minlength=n_classes)
            assert set(np.flatnonzero(counts >= 10)) <= set(y)
        validated.append(numbers[1])
    if n_folds > 1:
        rest = set(rows) - set(folds[0].X_test[:, 0])
        assert sorted(np.concatenate(validated)) == sorted(rest)
    else:
        assert [len(n) for n in numbers] == [90, 30, 30]


def test_classes_keep_their_shares():
    table = some_table(n=1000, n_classes=4)
    [parts] = cut(table, np.arange(1000))
    whole = np.bincount(table.y) / 1000
    for y in (parts.y_train, parts.y_valid, parts.y_test):
        assert np.bincount(y) / len(y) == pytest.approx(whole, abs=0.01)


@given(st.integers(60, 5000), st.integers(0, 2**31))
def test_random_subsets_have_an_eighth_to_five_twenty_fourths_of_the_rows(n, seed):
    draws = [random_subset(n, n // 6, n / 24, seed, i) for i in range(20)]
    for rows in draws:
        assert len(set(rows)) == len(rows)
        assert 0 <= rows.min() <= rows.max() < n
        assert max(n // 6 - n / 24 - 1, 10) <= len(rows) <= max(5 * n / 24 + 1, 10)
    assert len({tuple(rows) for rows in draws}) == 20
    again = random_subset(n, n // 6, n / 24, seed, 7)
    assert again.tolist() == draws[7].tolist()


def test_random_subsets_are_uniform_in_size_and_in_rows():
    draws = [random_subset(600, 100, 25, 1, i) for i in range(3000)]
    sizes = np.bincount([len(rows) for rows in draws])
    assert np.flatnonzero(sizes).tolist() == list(range(75, 126))
    assert sizes[75:].max() < 2 * 3000 / 51  # 7.7 standard deviations
    drawn = np.bincount(np.concatenate(draws), minlength=600)
    assert drawn == pytest.approx(3000 / 6, abs=6 * np.sqrt(3000 * 5 / 36))
    common = [len(set(draws[i]) & set(draws[i + 1])) for i in range(0, 3000, 2)]
    assert np.mean(common) == pytest.approx(100**2 / 600, abs=0.8)
