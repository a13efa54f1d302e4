"""The mean result of a search against its budget, from rows of a results file.

Of random search every subset of the trials is a search (see `tuning_curves`); of any
other strategy the repetitions are the replicates. Searches with different budgets are
read together: where a search of n trials is the first n of a longer one the longest
make the curve; elsewhere every budget is a point, and nothing is between them.
"""

import re

import numpy as np
import pandas as pd

from benchmark_utils import results
from benchmark_utils.tuning_curves import pool_curve, splits_curve, t_over_splits

CONFIDENCE = 0.95
COLUMNS = ["x", "mean", "spread", "low", "high"]
INTERVAL, SPREAD = "95 % interval of the mean", "spread of a search"
RIBBONS = [INTERVAL, SPREAD]
REPORTED = {  # the loss of each trial that belongs to the incumbent's
    results.LOSSES["test"]: "objective_test_loss",
    results.LOSSES["validation"]: "objective_valid_loss",
}
# of the columns of a results file, which are many
KEPT = [
    *["dataset_name", "objective_name", "solver_name", "idx_rep"],
    *results.LOSSES.values(),
    *REPORTED.values(),
    *["objective_trial", "objective_cost", "objective_fidelity"],
    *["objective_fit_seconds", "objective_suggest_seconds", "objective_metric"],
    *["objective_split", "objective_search_seed", "objective_training_seed"],
    *["objective_extensible", "objective_afterwards"],
]


def without(name: str, parameter: str) -> str:
    """Return an objective's name without one of its parameters."""
    name = re.sub(rf"(?<=[\[,]){parameter}=[^,\]]*,?", "", name)
    return name.replace(",]", "]").removesuffix("[]")


def value_in(name: str, parameter: str) -> str:
    """Return a parameter's value in an objective's name, "" if it is not there."""
    found = re.search(rf"[\[,]{parameter}=([^,\]]*)", name)
    return found[1] if found else ""


def objectives_of_any_budget(df: pd.DataFrame) -> list[str]:
    names = [without(name, "n_trials") for name in df["objective_name"].unique()]
    return list(dict.fromkeys(names))


def rows_of_any_budget(df: pd.DataFrame, dataset: str, objective: str) -> pd.DataFrame:
    """Return `results.rows_of` for all budgets of an objective; column ``budget``."""
    names = df["objective_name"].unique()
    bare = {name: without(name, "n_trials") for name in names}
    budget = {name: int(value_in(name, "n_trials") or 0) for name in names}
    kept = df.columns.intersection(KEPT)
    df = df.loc[df["objective_name"].map(bare) == objective, kept]
    budgets = df["objective_name"].map(budget)
    any_budget = df.assign(budget=budgets, objective_name=objective)
    return results.rows_of(any_budget, dataset, objective)


def longest(own: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of a strategy's searches with the largest budget."""
    return own[own["budget"] == own["budget"].max()] if "budget" in own else own


def is_extensible(own: pd.DataFrame) -> bool:
    return bool(own["objective_extensible"].all())


def is_random_search(rows: pd.DataFrame) -> pd.Series:
    """Return which rows are of random search, without anything stopped early."""
    bare = rows["solver_name"].str.split("[").str[0]
    partial = rows["objective_fidelity"] < 1
    return (bare == "random") & ~partial.groupby(rows["strategy"]).transform("any")


def pools_of_random_search(rows: pd.DataFrame, column: str) -> dict[int, tuple]:
    """Return the validation and reported losses of random search in each repetition.

    Of the largest budget; without repetitions in which every trial failed. Reported is
    the loss that ``column`` has of the incumbent. Empty for regret, which is recorded
    of the incumbent only.
    """
    own = rows[is_random_search(rows)]
    if own.empty or column not in REPORTED:
        return {}
    pools = {}
    for repetition, trials in longest(own).groupby("idx_rep"):
        names = "objective_valid_loss", REPORTED[column]
        valid, reported = (trials[name].to_numpy(dtype=float) for name in names)
        if np.isfinite(valid).any():
            pools[repetition] = (valid, reported)
    return pools


def draws_anew(own: pd.DataFrame) -> bool:
    """Whether each repetition draws its own configurations (`vary` = all, search)."""
    seeds = own.groupby("idx_rep")["objective_search_seed"].first()
    return seeds.is_unique


def has_pools(own: pd.DataFrame, column: str) -> bool:
    """Whether all subsets of these trials are independent searches.

    Not where repetitions share their configurations: what scatters is then the data
    or the training alone, and is seen in the repetitions.
    """
    own = longest(own)
    return draws_anew(own) and bool(pools_of_random_search(own, column))


def mean_curve(own: pd.DataFrame, column: str, x_axis: str = "trials") -> pd.DataFrame:
    """Return the mean result of one strategy's search, by n trials, cost or seconds.

    Columns ``x, mean, spread, low, high``: spread is the standard deviation of one
    search's result; low and high are the 95 % interval of the mean. NaN where there
    are too few trials or repetitions for them. A row for each n, or for each budget
    where the strategy is not extensible. Searches in which all failed are left out.
    """
    if has_pools(own, column):
        return _from_pools(longest(own), column, x_axis)
    if is_extensible(own):
        return _over_repetitions(longest(own), column, x_axis)
    budgets = [own for _, own in own.groupby("budget")]
    # By the end of the longest all have ended.
    ends = [_over_repetitions(own, column, x_axis).tail(1) for own in budgets]
    return pd.concat(ends, ignore_index=True)


def _from_pools(own: pd.DataFrame, column: str, x_axis: str) -> pd.DataFrame:
    pools = pools_of_random_search(own, column)
    valid, reported = zip(*pools.values(), strict=True)
    n = np.arange(1, min(map(len, valid)) + 1)
    if len(n) > 200:
        n = np.unique(np.geomspace(1, len(n), 200).round().astype(int))
    if own["objective_split"].nunique() == 1:  # draws on one split are one pool
        pool = np.concatenate(valid), np.concatenate(reported)
        curve = pool_curve(*pool, n=n, confidence=CONFIDENCE)
    else:
        curve = splits_curve(valid, reported, n, CONFIDENCE)
    # A trial is a full training: its cost is 1.
    x = n * results.seconds(own).mean() if x_axis == "seconds" else n
    return curve.assign(x=x)[COLUMNS]


def _over_repetitions(own: pd.DataFrame, column: str, x_axis: str) -> pd.DataFrame:
    x, y = results.step_curves(own, column, x_axis)
    if len(x) == 0:
        return pd.DataFrame(columns=COLUMNS, dtype=float)
    mean, error, half = t_over_splits(y, CONFIDENCE)
    spread = error * np.sqrt(len(y))
    columns = [x, mean, spread, mean - half, mean + half]
    return pd.DataFrame(dict(zip(COLUMNS, columns, strict=True)))


def provenance(rows: pd.DataFrame, column: str, what: str) -> list[str]:
    """Return in two lines what is drawn, and from how many trials."""
    if rows.empty:
        return [what]
    most = rows.groupby(["strategy", "budget", "idx_rep"]).size().max()
    lines = [f"{what}; {results.n_repetitions(rows)} of ≤ {most} trials"]
    for strategy, own in rows.groupby("strategy", sort=False):
        if has_pools(own, column):
            lines.append(f"{strategy}: all subsets of its {len(longest(own))} trials")
    return lines
