"""From the rows of a results file to what plots draw."""

import re

import numpy as np
import pandas as pd

LOSSES = {
    "test": "objective_incumbent_test_loss",
    "validation": "objective_value",
    "regret": "objective_regret",
}
X_AXES = {
    "trials": "trials",
    "cost": "cost (full trainings)",
    "seconds": "seconds (training and thinking)",
}


def problems_in(df: pd.DataFrame) -> list[str]:
    """Return the names of the problems in the results, as options of a plot.

    Without dots: benchopt names a PDF after its options and cuts at the last dot.
    """
    return [without_dots(name) for name in df["dataset_name"].unique()]


def without_dots(name: str) -> str:
    return name.replace(".", "·")


def objectives_in(df: pd.DataFrame) -> list[str]:
    return df["objective_name"].unique().tolist()


def losses_in(df: pd.DataFrame) -> list[str]:
    """Return which of test, validation and regret the results hold at all."""
    held = [name for name, column in LOSSES.items() if np.isfinite(df[column]).any()]
    return held or ["validation"]


def rows_of(df: pd.DataFrame, dataset: str, objective: str) -> pd.DataFrame:
    """Return the rows of one problem and objective, solvers with short names."""
    names = {name: without_dots(name) for name in df["dataset_name"].unique()}
    chosen = df["dataset_name"].map(names) == dataset
    rows = df[chosen & (df["objective_name"] == objective)]
    labels = short_names(df["solver_name"].unique())
    return rows.assign(strategy=rows["solver_name"].map(labels))


def short_names(names: list[str]) -> dict[str, str]:
    """Drop the parameters of solvers where the name alone says which is meant."""
    bare = {name: name.split("[")[0] for name in names}
    shared = [b for b in set(bare.values()) if list(bare.values()).count(b) > 1]
    return {
        # values that are left at None say nothing
        name: re.sub(r"\[\w+=None\]$", "", name) if b in shared else b
        for name, b in bare.items()
    }


def loss_column(rows: pd.DataFrame, loss: str) -> tuple[str, str]:
    """Return column and label of a loss: the validation loss where it is missing."""
    if not np.isfinite(rows[LOSSES[loss]]).any():
        return LOSSES["validation"], f"validation loss (no {loss} known here)"
    return LOSSES[loss], "regret" if loss == "regret" else f"{loss} loss"


def with_metric(label: str, rows: pd.DataFrame) -> str:
    metrics = rows["objective_metric"].unique()
    return f"{label} of the incumbent" + (f" ({metrics[0]})" if len(metrics) else "")


def step_curves(
    rows: pd.DataFrame, column: str, x_axis: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return a strategy's curves: x, ndarray (k,), and y, (repetitions, k).

    Every search is a step function of trials, cost or seconds; after its end it keeps
    its last value. x begins where every search has its first finite value. Seconds
    are different in every search: 30 points in time.
    """
    searches = []
    for _, search in rows.sort_values("objective_trial").groupby("idx_rep"):
        if x_axis == "seconds":
            seconds = search[["objective_fit_seconds", "objective_suggest_seconds"]]
            x = seconds.fillna(0).sum(axis=1).cumsum().to_numpy()
        else:
            name = {"trials": "objective_trial", "cost": "objective_cost"}[x_axis]
            x = search[name].to_numpy(dtype=float)
        y = search[column].to_numpy(dtype=float)
        finite = np.isfinite(y)
        if finite.any():
            searches.append((x[finite], y[finite]))
    if not searches:
        return np.empty(0), np.empty((0, 0))
    start = max(x[0] for x, _ in searches)
    end = max(x[-1] for x, _ in searches)
    if x_axis == "seconds":
        x = np.geomspace(max(start, 1e-9), max(end, 1e-9), 30)
        x[0], x[-1] = start, end
    else:
        x = np.unique(np.concatenate([x for x, _ in searches]))
        x = x[x >= start]
    at = [np.searchsorted(xs, x, side="right") - 1 for xs, _ in searches]
    return x, np.array([ys[i] for (_, ys), i in zip(searches, at, strict=True)])


def final_losses(rows: pd.DataFrame, column: str) -> np.ndarray:
    """Return the incumbent's loss at the end of every search that found one."""
    last = rows.sort_values("objective_trial").groupby("idx_rep")[column].last()
    return last[np.isfinite(last)].to_numpy(dtype=float)


def n_repetitions(rows: pd.DataFrame) -> str:
    n = rows["idx_rep"].nunique()
    return f"{n} repetition{'s' * (n != 1)}"
