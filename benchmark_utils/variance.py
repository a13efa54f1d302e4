"""Where variance comes from, and how optimistic the validation loss is."""

import numpy as np
import pandas as pd
from scipy import stats

from benchmark_utils.tuning_curves import (
    check_confidence,
    numbers_of_trials,
    pools_of,
    t_over_splits,
)


def sources_of_variance(losses: dict, confidence: float = 0.95) -> pd.DataFrame:
    """Return the standard deviation that each source gives a search's result.

    losses : for each source ("search", "data", "training", "all"), the results of
    repetitions in which only that source changed (Bouthillier et al. 2021,
    arXiv:2103.03098). Columns ``source, sd, low, high, n``: the interval is Student's
    t of the jackknifed log variance, which unlike chi-squared does not need normal
    losses. It needs 3 repetitions that are not all the same.
    """
    check_confidence(confidence)
    rows = []
    for source, values in losses.items():
        values = np.asarray(values, dtype=float)
        if values.ndim != 1 or len(values) < 2 or not np.isfinite(values).all():
            raise ValueError(f"{source}: needs the finite results of 2 searches")
        low, high = log_variance_interval(values, confidence)
        sd = np.std(values, ddof=1)
        rows.append((source, sd, np.sqrt(low), np.sqrt(high), len(values)))
    return pd.DataFrame(rows, columns=["source", "sd", "low", "high", "n"])


def log_variance_interval(values: np.ndarray, confidence: float):
    """Return the limits of the variance (Miller 1968: jackknife of its logarithm)."""
    n, variance = len(values), np.var(values, ddof=1)
    if n < 3:
        return np.nan, np.nan
    squares = (values - values.mean()) ** 2
    without = (squares.sum() - squares * n / (n - 1)) / (n - 2)
    if without.min() <= 0:
        return (0.0, 0.0) if variance == 0 else (0.0, np.inf)
    pseudo = n * np.log(variance) - (n - 1) * np.log(without)
    half = stats.t.ppf((1 + confidence) / 2, n - 1) * np.std(pseudo, ddof=1)
    centre = pseudo.mean()
    return np.exp(centre - half / np.sqrt(n)), np.exp(centre + half / np.sqrt(n))


def optimism(
    valid_losses, test_losses, n=None, confidence: float = 0.95
) -> pd.DataFrame:
    """Return by how much more the test loss exceeds the validation loss after n trials.

    The gap between the two for the best of n by validation loss, less that of a single
    random trial (n = 1), where nothing was selected. One pool of random trials for each
    split; columns ``n, mean, standard_error, low, high``, Student's t over splits.
    """
    check_confidence(confidence)
    gaps = []
    for valid, test in zip(valid_losses, test_losses, strict=True):
        valid, test = np.asarray(valid, dtype=float), np.asarray(test, dtype=float)
        ok = np.isfinite(valid)  # a failed trial has no gap
        gaps.append(np.where(ok, test - np.where(ok, valid, 0), np.nan))
    pools = pools_of(valid_losses, gaps)
    n = numbers_of_trials(n, min(len(pool.loss) for pool in pools))
    curves = np.array([[p.mean(k) - p.mean(1) for p in pools] for k in n.tolist()]).T
    mean, error, half = t_over_splits(curves, confidence)
    low, high = mean - half, mean + half
    return pd.DataFrame(
        {"n": n, "mean": mean, "standard_error": error, "low": low, "high": high}
    )
