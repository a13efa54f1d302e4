"""Tables to learn from: features, target and task, from wherever they come."""

import warnings
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn import datasets
from sklearn.preprocessing import OrdinalEncoder

from benchmark_utils.errors import Unavailable, fail

BUNDLED = {
    "diabetes": ("regression", datasets.load_diabetes),
    "breast_cancer": ("classification", datasets.load_breast_cancer),
    "digits": ("classification", datasets.load_digits),
    "wine": ("classification", datasets.load_wine),
}


FEWEST_ROWS = 10  # every part of a split has two rows at least


@dataclass(frozen=True, eq=False)
class Table:
    """Features, ndarray (n, p) of floats (NaN where missing), and targets, (n,).

    The task is regression, classification or direction; classes are numbered from 0;
    directions are vectors of length 1, (n, 3).
    """

    task: str
    X: np.ndarray
    y: np.ndarray

    @property
    def n_classes(self) -> int:
        return int(self.y.max()) + 1 if self.task == "classification" else 0


def make_table(
    name: str, features: pd.DataFrame, target: pd.Series, task: str = "auto"
) -> Table:
    """Turn a data frame into a table, or fail with one clear line.

    Columns of text or categories become numbers in the order of their sorted values.
    Rows without a target are left out. The task "auto" is regression for numbers,
    unless they are at most 20 different whole ones; else classification.
    """
    if features.shape[1] == 0:
        fail(f"{name}: the table has no column besides its target")
    known = target.notna().to_numpy()
    features, target = features[known], target[known]
    if len(target) == 0 or target.nunique() < 2:
        what = "constant" if len(target) else "missing in every row"
        fail(f"{name}: the target {target.name!r} is {what}: nothing to learn")
    if len(target) < FEWEST_ROWS:
        fail(f"{name}: {len(target)} rows with a target, at least {FEWEST_ROWS} needed")
    numbers = pd.api.types.is_numeric_dtype(target) and target.dtype != bool
    if task == "auto":
        few = numbers and target.nunique() <= 20 and (target % 1 == 0).all()
        task = "regression" if numbers and not few else "classification"
    if task == "regression" and not numbers:
        fail(f"{name}: regression needs numbers, not {target.iloc[0]!r} as target")
    if task == "classification" and target.nunique() > len(target) / 2:
        fail(
            f"{name}: the target has {target.nunique()} classes in {len(target)} rows, "
            f"such as {target.iloc[0]!r}: are they numbers written as text?"
        )
    X = np.column_stack([_numbers(features[[column]]) for column in features])
    y = target.to_numpy()
    y = np.unique(y, return_inverse=True)[1] if task == "classification" else y * 1.0
    if np.isinf(X).any() or np.isinf(y).any():
        fail(f"{name}: the table has infinite values: remove or replace them")
    return Table(task, X, y)


def _numbers(column: pd.DataFrame) -> np.ndarray:
    if not pd.api.types.is_numeric_dtype(column.iloc[:, 0]):
        column = OrdinalEncoder().fit_transform(column.astype(object))
    return np.asarray(column, dtype=float).ravel()


def require_columns(name: str, frame: pd.DataFrame, wanted: list[str]) -> None:
    """Fail, naming the columns that a file lacks and those it has."""
    missing = [column for column in wanted if column not in frame]
    if missing:
        fail(
            f"{name}: missing columns {', '.join(missing)}; "
            f"the file has {', '.join(map(str, frame.columns))}"
        )


@lru_cache
def bundled_table(name: str) -> Table:
    """Return one of the tables that scikit-learn carries."""
    task, load = BUNDLED[name]
    bunch = load(as_frame=True)
    return make_table(name, bunch.data, bunch.target, task)


@lru_cache
def csv_table(path: Path, task: str = "auto") -> Table:
    """Return the table in a CSV file; its target is the column named `target`."""
    frame = read_csv(path)
    require_columns(str(path), frame, ["target"])
    return make_table(str(path), frame.drop(columns="target"), frame["target"], task)


def read_csv(path: Path) -> pd.DataFrame:
    """Return a person's CSV file, or fail with one clear line."""
    try:
        return pd.read_csv(path, skipinitialspace=True)
    except (ValueError, OSError) as error:  # pandas' own errors are ValueErrors
        reason = str(error).strip().splitlines()[0]
        fail(f"{path}: not a CSV file in UTF-8 ({reason})")


@lru_cache
def openml_table(data_id: int, task: str = "auto") -> Table:
    """Return a table of OpenML by its id; fetched once, then from disk.

    OpenML says what is a category: a target of numbers is a regression's.
    """
    name = f"OpenML table {data_id}"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # one for every retry
            # The default parser fails on categories 0 and 1 (scikit-learn 1.9 with
            # pandas 3), and then deletes the copy on disk.
            bunch = datasets.fetch_openml(
                data_id=data_id, as_frame=True, parser="liac-arff"
            )
    except OSError as error:  # no network, or an id that OpenML does not know
        raise Unavailable(
            f"{name} could not be fetched ({error}): check the id and the network, or "
            f"put a copy of its cache under {datasets.get_data_home()}/openml"
        ) from error
    if bunch.target is None:
        fail(f"{name}: it has no target column")
    if isinstance(bunch.target, pd.DataFrame):
        fail(f"{name}: it has several targets ({', '.join(bunch.target)}), not one")
    if task == "auto" and pd.api.types.is_numeric_dtype(bunch.target):
        task = "regression"
    return make_table(name, bunch.data, bunch.target, task)
