"""Draws of data: splits of a table, each cut into parts."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from benchmark_utils.tables import Table

# Dealt out like cards: 60 % train, 20 % validation, 20 % test of every five rows.
TRAIN, VALID, TEST = 0, 1, 2
DEAL = np.array([TRAIN, VALID, TRAIN, TEST, TRAIN])
SIZES, PARTITIONS, SUBSETS = 0, 1, 2  # streams of random numbers


def batches(n_rows: int, size: int, spread: float, seed: int) -> Iterator[np.ndarray]:
    """Yield the row numbers of split 0, 1, …, without end.

    Splits are consecutive pieces of a random permutation, so they are disjoint while
    the table lasts; then comes another permutation. Sizes are drawn from a Gaussian
    with mean ``size`` and standard deviation ``spread``, as in the Copenhagen study.
    """
    sizes = np.random.default_rng([seed, SIZES])
    partitions = np.random.default_rng([seed, PARTITIONS])
    rows = partitions.permutation(n_rows)
    while True:
        wanted = round(sizes.normal(size, spread))
        wanted = min(max(wanted, 2 * len(DEAL)), n_rows)
        if wanted > len(rows):
            rows = partitions.permutation(n_rows)
        yield rows[:wanted]
        rows = rows[wanted:]


def split_rows(
    n_rows: int, size: int, spread: float, seed: int, index: int
) -> np.ndarray:
    """Return the row numbers of one split, counted from 0, disjoint as in `batches`."""
    for number, rows in enumerate(batches(n_rows, size, spread, seed)):
        if number == index:
            return rows
    raise AssertionError("batches never end")


def random_subset(
    n_rows: int, size: int, spread: float, seed: int, index: int
) -> np.ndarray:
    """Return the row numbers of one split that was drawn for itself.

    Its size is uniform between ``size`` - ``spread`` and ``size`` + ``spread``. Splits
    overlap: two of n rows of N have n² / N in common on average.
    """
    rng = np.random.default_rng([seed, SUBSETS, index])
    wanted = rng.integers(round(size - spread), round(size + spread), endpoint=True)
    return rng.permutation(n_rows)[: max(wanted, 2 * len(DEAL))]


@dataclass(frozen=True, eq=False)
class Parts:
    """A split cut into train, validation and test: features and targets."""

    task: str
    n_classes: int
    X_train: np.ndarray
    y_train: np.ndarray
    X_valid: np.ndarray
    y_valid: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray


def cut(table: Table, rows: np.ndarray, n_folds: int = 1) -> list[Parts]:
    """Cut a split into parts: one with a validation part, or n_folds.

    Rows are dealt out in turn, 3 : 1 : 1 to train, validation and test; those of
    classification class by class, so that every part has every class that has rows
    enough. With folds, train and validation rows together are dealt to n_folds
    parts, each of which is the validation part once; the test part is the same.
    """
    deal = np.roll(DEAL, rows[0])  # a random start, or rare classes fare alike always
    if table.task == "classification":
        rows = rows[np.argsort(table.y[rows], kind="stable")]
    part = np.resize(deal, len(rows))
    test, rest = rows[part == TEST], rows[part != TEST]
    if n_folds == 1:
        pairs = [(rows[part == TRAIN], rows[part == VALID])]
    else:
        fold = np.arange(len(rest)) % n_folds
        pairs = [(rest[fold != k], rest[fold == k]) for k in range(n_folds)]
    X, y = table.X, table.y
    return [
        Parts(
            table.task, table.n_classes,
            X[train], y[train], X[valid], y[valid], X[test], y[test],
        )
        for train, valid in pairs
    ]  # fmt: skip
