"""A confidence interval for the mean curve of a pool, up to a quarter of its size.

Student's t with 2N/n - 1 degrees of freedom (that many disjoint searches of n trials
fit into the pool twice over) is right for small n/N. At N/8 and N/4 the best of n
depends on few trials; its estimate is skewed and moves together with its standard
error, so that t misses on one side: by how much depends on how losses are distributed
near the best. Two numbers that do not change with location and scale of the losses
tell: how the curve falls (it flattens out near a bound, and not where losses have a
long tail to the best), and how rough the losses are along the ranks (0 where the
reported loss is the validation loss, 1 where the ranks say nothing about it). The two
limits are the t quantile times exp(a polynomial in both), which vanishes with n/N; its
coefficients are quantile regressions over simulated pools with tails of many shapes
(`benchmarks/fit_interval.py`). How far that holds on losses that it was not fitted to
is measured by `benchmarks/calibration.py`.
"""

import numpy as np
from scipy import stats

from benchmark_utils.best_of_n import best_of_n_weights

FEWEST = 4  # N/n; of smaller pools there is no interval

# From benchmarks/fit_interval.py, in the order of `features`.
BELOW = np.array([
    0.079, -0.694, 0.02, -0.152, 1.235, 0.123,
    1.246, 0.977, -0.381, 0.247, -1.85, 0.018,
    -0.284, 0.586, 0.67,
])  # fmt: skip
ABOVE = np.array([
    -1.685, 4.001, -1.523, 1.477, -3.526, 0.562,
    1.942, -7.104, 3.501, -1.645, 5.117, -1.034,
    6.274, -0.362, -5.71,
])  # fmt: skip
LONGEST, SHORTEST = np.exp(2.5), np.exp(-2)  # times Student's t


def limits(loss, n: int, confidence: float):
    """Return how many standard errors the limits are below and above the mean.

    loss : array (..., N), best validation loss first. NaN where N/n is below `FEWEST`.
    """
    N = loss.shape[-1]
    if n * FEWEST > N:
        return np.full((2, *loss.shape[:-1]), np.nan)
    x = features(fall(loss, n), roughness(loss, n), N, n)
    factors = np.exp(np.stack([x @ BELOW, x @ ABOVE]))
    return student_t(N, n, confidence) * np.clip(factors, SHORTEST, LONGEST)


def student_t(N: int, n: int, confidence: float) -> float:
    """Return the two-sided quantile where limits start from."""
    return float(stats.t.ppf((1 + confidence) / 2, max(min(2 * N / n, N) - 1, 1)))


def fall(loss, n: int):
    """Return b where the mean curve falls as n^-b, in [-1, 3].

    From its values at n/8, n/4 and n/2 trials, which hardly depend on the few trials
    that decide about the best of n. 0 where the curve does not fall twice.
    """
    N = loss.shape[-1]
    weights = [best_of_n_weights(N, n / k) for k in (8, 4, 2)]
    first, second, third = (loss[..., : len(w)] @ w for w in weights)
    falls = (first > second) & (second > third)
    with np.errstate(divide="ignore", invalid="ignore"):
        b = np.log2((first - second) / (second - third))
    return np.clip(np.where(falls, b, 0), -1, 3)


def roughness(loss, n: int):
    """Return the share of the spread of the best of n that is between neighbours."""
    w = best_of_n_weights(loss.shape[-1], n)
    head = loss[..., : len(w)]
    k = len(w) - 1
    steps = (np.diff(head, axis=-1) ** 2 / 2) @ w[:k]
    mean = head @ w
    spread = ((head[..., :k] - mean[..., None]) ** 2) @ w[:k]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(spread > 0, np.minimum(steps / spread, 1), 0)


def features(fall, roughness, N: int, n: int) -> np.ndarray:
    """Return what the logarithm of a limit over Student's t is linear in."""
    u, b, e = np.sqrt(n / N), fall, roughness
    one = np.ones_like(b)
    x = np.stack([one, b, b**2, e, e * b, e * b**2], axis=-1)
    return np.concatenate([u * x, u**2 * x, u / n * x[..., [0, 1, 3]]], axis=-1)
