"""A confidence interval for the mean curve of a pool, up to a quarter of its size.

Student's t with 2N/n - 1 degrees of freedom (that many disjoint searches of n trials
fit into the pool twice over) is right for small n/N. At N/8 and N/4 the best of n
depends on few trials; its estimate is skewed and moves together with its standard
error, so that t misses on one side: by how much depends on how losses are distributed
near the best. Two numbers that do not change with location and scale of the losses
tell: the skewness of the jackknife's values, and how rough the losses are along the
ranks (0 where the reported loss is the validation loss, 1 where the ranks say nothing
about it). The two limits are the t quantile times exp(a polynomial in both), which
vanishes with n/N; its coefficients are quantile regressions over pools with tails of
many shapes (`benchmarks/fit_interval.py`). How far that holds on losses that it was not
fitted to is measured by `benchmarks/calibration.py`.
"""

import numpy as np
from scipy import stats

FEWEST = 4  # N/n; of smaller pools there is no interval

# From benchmarks/fit_interval.py, in the order of `features`.
BELOW = np.array(
    [
        -2.062,
        -2.151,
        -0.409,
        2.748,
        2.74,
        0.378,
        1.9,
        1.139,
        0.342,
        -0.556,
        -1.653,
        -1.008,
        1.236,
        -0.215,
        -1.885,
    ]
)
ABOVE = np.array(
    [
        1.472,
        1.237,
        0.379,
        -3.025,
        -1.941,
        -0.07,
        1.699,
        1.144,
        -1.413,
        1.064,
        -0.583,
        0.227,
        -2.339,
        0.394,
        3.154,
    ]
)
LONGEST, SHORTEST = np.exp(2.5), np.exp(-2)  # times Student's t


def limits(loss, n: int, weights, fewer, confidence: float):
    """Return how many standard errors the limits are below and above the mean.

    loss : array (..., N), best validation loss first; weights, fewer : the weights of
    the best of n, of N and of N - 1 trials. NaN where N/n is below `FEWEST`.
    """
    N = loss.shape[-1]
    if n * FEWEST > N:
        return np.full((2, *loss.shape[:-1]), np.nan)
    x = features(*summaries(loss, weights, fewer), N, n)
    factors = np.exp(np.stack([x @ BELOW, x @ ABOVE]))
    return student_t(N, n, confidence) * np.clip(factors, SHORTEST, LONGEST)


def student_t(N: int, n: int, confidence: float) -> float:
    """Return the two-sided quantile where limits start from."""
    return float(stats.t.ppf((1 + confidence) / 2, max(min(2 * N / n, N) - 1, 1)))


def summaries(loss, weights, fewer) -> tuple[np.ndarray, np.ndarray]:
    """Return skewness of the jackknife and roughness, both free of location and scale.

    The mean without trial i is a sum over better trials, which keep their rank, and
    worse ones, which move up by one. Trials without weight all leave the same mean.
    """
    N, k = loss.shape[-1], min(len(weights), len(fewer))
    mean = loss[..., : len(weights)] @ weights
    head = loss[..., : k + 1] - mean[..., None]
    stay, move = head[..., :k] * fewer[:k], head[..., 1:] * fewer[:k]
    without = np.zeros((*loss.shape[:-1], k + 1))
    without[..., 1:] = np.cumsum(stay, axis=-1)
    without[..., :-1] += np.cumsum(move[..., ::-1], axis=-1)[..., ::-1]
    n_rest = N - k - 1
    rest = without[..., -1]
    centre = (without.sum(axis=-1) + n_rest * rest) / N
    d = centre[..., None] - without
    d_rest = centre - rest
    second = (d**2).sum(axis=-1) + n_rest * d_rest**2
    third = (d**3).sum(axis=-1) + n_rest * d_rest**3
    steps = (np.diff(head, axis=-1) ** 2 / 2) @ weights[:k]
    spread = (head[..., :k] ** 2) @ weights[:k]
    with np.errstate(divide="ignore", invalid="ignore"):
        skewness = np.where(second > 0, third / second**1.5, 0)
        roughness = np.where(spread > 0, np.minimum(steps / spread, 1), 0)
    return skewness, roughness


def features(skewness, roughness, N: int, n: int) -> np.ndarray:
    """Return what the logarithm of a limit over Student's t is linear in."""
    u = np.sqrt(n / N)
    z, e = np.clip(skewness / u, -2.5, 1.5), roughness
    one = np.ones_like(z)
    x = np.stack([one, z, z**2, e, e * z, e * z**2], axis=-1)
    return np.concatenate([u * x, u**2 * x, u / n * x[..., [0, 1, 3]]], axis=-1)
