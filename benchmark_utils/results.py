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


def rows_of(
    df: pd.DataFrame, dataset: str, objective: str, afterwards: bool = False
) -> pd.DataFrame:
    """Return the rows of one problem and objective, solvers with short names.

    Trainings that were finished after the search only if they are asked for.
    """
    names = {name: without_dots(name) for name in df["dataset_name"].unique()}
    chosen = df["dataset_name"].map(names) == dataset
    rows = df[chosen & (df["objective_name"] == objective)]
    labels = short_names(df["solver_name"].unique())
    if not afterwards:
        rows = rows[~rows["objective_afterwards"].astype(bool)]
    return rows.assign(strategy=rows["solver_name"].map(labels))


def one_row_each(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the row to which every configuration of a search was trained furthest."""
    trial = ["solver_name", "idx_rep", "objective_trial_id"]
    rows = rows.sort_values("objective_trial", kind="stable")
    return rows.drop_duplicates(trial, keep="last").sort_index()


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


def seconds(rows: pd.DataFrame) -> pd.Series:
    """Return the seconds of each trial: training and thinking."""
    parts = rows[["objective_fit_seconds", "objective_suggest_seconds"]]
    return parts.fillna(0).sum(axis=1)


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
            x = seconds(search).cumsum().to_numpy()
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


def given_away(df: pd.DataFrame, dataset: str, objective: str) -> pd.DataFrame:
    """Return what stopping early lost, one row for each search that finished them.

    Of all configurations of a search, by the validation loss of their full trainings:
    ``stopped``, whether the best had been stopped; ``valid_loss`` and ``test_loss``,
    the incumbent's configuration's less the best's.
    """
    rows = rows_of(df, dataset, objective, afterwards=True)
    rows = rows.rename(columns=lambda name: name.removeprefix("objective_"))
    rows = rows.assign(afterwards=rows["afterwards"].astype(bool))
    lost = []
    for (strategy, repetition), search in rows.groupby(
        ["strategy", "idx_rep"], sort=False
    ):
        late = search["afterwards"]
        chosen = incumbent_row(search[~late])
        if chosen is None or not late.any():
            continue
        full = search[(search["fidelity"] == 1) & (search["status"] == "ok")]
        own = full[full["trial_id"] == chosen["trial_id"]]
        if own.empty:  # its training failed after the search
            continue
        [own], best = own.to_dict("records"), full.loc[full["valid_loss"].idxmin()]
        lost.append(
            {
                "strategy": strategy,
                "idx_rep": repetition,
                "n_stopped": int(late.sum()),
                "stopped": bool(best["afterwards"]),
                "valid_loss": own["valid_loss"] - best["valid_loss"],
                "test_loss": own["test_loss"] - best["test_loss"],
            }
        )
    columns = ["strategy", "idx_rep", "n_stopped", "stopped", "valid_loss", "test_loss"]
    return pd.DataFrame(lost, columns=columns)


def incumbents(rows: pd.DataFrame, column: str) -> pd.DataFrame:
    """Return the incumbent at the end of each of a strategy's searches.

    ``loss``, by a loss column; ``predict_seconds``; ``fit_seconds`` of all its rungs.
    """
    loss = rows[column]
    rows = rows.rename(columns=lambda name: name.removeprefix("objective_"))
    found = []
    for _, search in rows.assign(loss=loss).sort_values("trial").groupby("idx_rep"):
        chosen = incumbent_row(search)
        if chosen is None:
            continue
        rungs = search[search["trial_id"] == chosen["trial_id"]]
        found.append(
            {
                "loss": search["loss"].iloc[-1],
                "predict_seconds": chosen["predict_seconds"],
                "fit_seconds": rungs["fit_seconds"].sum(),
            }
        )
    return pd.DataFrame(found).dropna()


def incumbent_row(search: pd.DataFrame) -> pd.Series | None:
    """Return the row of a search's incumbent at its end, None where all failed.

    The columns go by their names without benchopt's prefix.
    """
    ok = search[search["status"] == "ok"]
    if ok.empty:
        return None
    highest = ok[ok["fidelity"] == ok["fidelity"].max()].sort_values("trial")
    return highest.loc[highest["valid_loss"].idxmin()]


def n_repetitions(rows: pd.DataFrame) -> str:
    n = rows["idx_rep"].nunique()
    return f"{n} repetition{'s' * (n != 1)}"
