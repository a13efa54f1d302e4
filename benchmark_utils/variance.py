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
    arXiv:2103.03098). Columns ``source, sd, low, high, n``: see `variance_interval`.
    """
    check_confidence(confidence)
    rows = []
    for source, values in losses.items():
        values = np.asarray(values, dtype=float)
        if values.ndim != 1 or len(values) < 2 or not np.isfinite(values).all():
            raise ValueError(f"{source}: needs the finite results of 2 searches")
        low, high = variance_interval(values, confidence)
        sd = np.std(values, ddof=1)
        rows.append((source, sd, np.sqrt(low), np.sqrt(high), len(values)))
    return pd.DataFrame(rows, columns=["source", "sd", "low", "high", "n"])


def variance_interval(values: np.ndarray, confidence: float) -> tuple[float, float]:
    """Return the limits of a variance whose losses need not be normal; NaN below 3.

    Bonett 2006 (doi:10.1016/j.csda.2005.10.011): the kurtosis is taken
    around a trimmed mean (the median of up to 5 values). Nominal 95 % covers 95 % of
    10 to 50 normal losses, 92 to 95 % of Gumbel's, 88 % of exponential ones.
    """
    n, variance = len(values), np.var(values, ddof=1)
    if n < 3:
        return np.nan, np.nan
    if variance == 0:
        return 0.0, 0.0
    centre = np.median(values)
    if n > 5:
        centre = stats.trim_mean(values, 1 / (2 * np.sqrt(n - 4)))
    squares = np.sum((values - values.mean()) ** 2)
    kurtosis = n * np.sum((values - centre) ** 4) / squares**2
    z = stats.norm.ppf((1 + confidence) / 2)
    half = z * np.sqrt(max(kurtosis - (n - 3) / n, 0) / (n - 1))
    # The correction of small samples makes the interval equal-tailed; at a confidence
    # so high that it does not exist nothing is known.
    c = n / (n - z) if n > z else np.inf
    return variance * c * np.exp(-half * c), variance * c * np.exp(half * c)


def split_share(
    valid_losses, test_losses=None, n: int | None = None, confidence: float = 0.95
) -> pd.DataFrame:
    """Return the standard deviation that the split gives a random search of n trials.

    From one pool of random trials for each split, at no cost: the variance of the
    pools' curves over splits, less what their own standard errors (`pool_curve`) say
    is luck of the trials. n up to half of the smallest pool, which is its default. The
    columns of `sources_of_variance`. The interval is that of the pools' curves, less
    the luck: all may be zero, as an unbiased difference of variances can be negative.
    """
    check_confidence(confidence)
    pools = pools_of(valid_losses, test_losses)
    smallest = min(len(pool.loss) for pool in pools)
    n = max(smallest // 2, 1) if n is None else int(numbers_of_trials(n, smallest)[0])
    if len(pools) < 3 or 2 * n > smallest:
        raise ValueError(
            f"the share of the split at n={n} needs 3 pools of {2 * n} trials: there "
            f"are {len(pools)}, the smallest of {smallest}"
        )
    means, _, errors = np.array([pool.at(n) for pool in pools]).T
    limits = [np.var(means, ddof=1), *variance_interval(means, confidence)]
    sds = np.sqrt(np.maximum(np.array(limits) - np.mean(errors**2), 0))
    columns = ["source", "sd", "low", "high", "n"]
    return pd.DataFrame([("split", *sds, len(pools))], columns=columns)


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
