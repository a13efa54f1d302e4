"""Tables to learn from: features, target and task, from wherever they come."""

import warnings
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn import datasets
from sklearn.preprocessing import OrdinalEncoder

from benchmark_utils.components import Unavailable, fail

BUNDLED = {
    "diabetes": ("regression", datasets.load_diabetes),
    "breast_cancer": ("classification", datasets.load_breast_cancer),
    "digits": ("classification", datasets.load_digits),
    "wine": ("classification", datasets.load_wine),
}


@dataclass(frozen=True, eq=False)
class Table:
    """Features, ndarray (n, p) of floats (NaN where missing), and targets, (n,).

    The task is regression or classification; classes are numbered from 0.
    """

    name: str
    task: str
    X: np.ndarray
    y: np.ndarray

    @property
    def n_classes(self) -> int:
        return int(self.y.max()) + 1 if self.task == "classification" else 0


def make_table(
    name: str, features: pd.DataFrame, target: pd.Series, task: str | None = None
) -> Table:
    """Turn a data frame into a table, or fail with one clear line.

    Columns of text or categories become numbers in the order of their sorted values.
    Rows without a target are left out. Without a task, a target of numbers with more
    than 20 different values is a regression's.
    """
    if features.shape[1] == 0:
        fail(f"{name}: the table has no column besides its target")
    known = target.notna().to_numpy()
    features, target = features[known], target[known]
    if len(target) == 0 or target.nunique() < 2:
        what = "constant" if len(target) else "missing in every row"
        fail(f"{name}: the target {target.name!r} is {what}: nothing to learn")
    if task is None:
        numbers = pd.api.types.is_numeric_dtype(target)
        task = "regression" if numbers and target.nunique() > 20 else "classification"
    numeric = features.select_dtypes("number").columns
    X = np.empty(features.shape)
    for j, column in enumerate(features):
        values = features[[column]]
        if column not in numeric:
            values = OrdinalEncoder().fit_transform(values.astype(object))
        X[:, j] = np.asarray(values, dtype=float).ravel()
    if task == "classification":
        y = np.unique(target.to_numpy(), return_inverse=True)[1]
    else:
        y = target.to_numpy(dtype=float)
    return Table(name, task, X, y)


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
def csv_table(path: Path) -> Table:
    """Return the table in a CSV file; its target is the column named `target`."""
    frame = pd.read_csv(path)
    require_columns(str(path), frame, ["target"])
    return make_table(str(path), frame.drop(columns="target"), frame["target"])


@lru_cache
def openml_table(data_id: int) -> Table:
    """Return a table of OpenML by its id; fetched once, then from disk."""
    name = f"OpenML table {data_id}"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # one for every retry
            bunch = datasets.fetch_openml(data_id=data_id, as_frame=True)
    except OSError as error:  # no network, or an id that OpenML does not know
        raise Unavailable(
            f"{name} could not be fetched ({error}): check the id and the network, or "
            f"put a copy of its cache under {datasets.get_data_home()}/openml"
        ) from error
    if bunch.target is None:
        fail(f"{name}: it has no target column")
    if isinstance(bunch.target, pd.DataFrame):
        fail(f"{name}: it has several targets ({', '.join(bunch.target)}), not one")
    return make_table(name, bunch.data, bunch.target)
