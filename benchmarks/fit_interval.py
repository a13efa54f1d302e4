"""Fit the coefficients of `benchmark_utils/intervals.py` and print them.

    python benchmarks/fit_interval.py       (about two minutes on one core)

Pools of N = 4 n to 64 n trials from populations whose losses have, near the best, the
quantile function (p^b - 1) / b, b from -0.1 to 2.5: that of a quadratic bowl in 2 / b
dimensions (Gumbel's for b = 0). Each also with a third of the trials diverged, with a
heavy tail of bad losses, and with noise on the reported loss. The pivot (truth - mean)
/ standard error is regressed on `intervals.features` at its outer 2.5 % quantiles
(Koenker & Bassett 1978), by a smoothed check function.
"""

import sys
from pathlib import Path

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmark_utils import intervals
from benchmark_utils.tuning_curves import moments

SMOOTH = 0.05  # width of the corner of the check function, in standard errors
SIZE = 100_000  # of a population
POOLS = 75  # of each kind


def populations():
    """Yield the losses of a population, best first, and the noise to add to them."""
    p = (np.arange(SIZE) + 0.5) / SIZE
    for b in (-0.1, 0.01, 0.25, 0.5, 0.75, 1, 1.5, 2, 2.5):
        loss = (p**b - 1) / b
        for noise in (0, 0.25, 1, 4):
            yield loss, noise
        good = np.minimum(p / 0.7, 1)
        yield np.where(p < 0.7, (good**b - 1) / b, 20 * loss.std()), 0
        yield loss + (p / (1 - p)) ** 0.6 * loss.std() / 2, 0


def training_data(rng: np.random.Generator):
    """Return pivots, features and t quantiles, one row for each pool."""
    rows = []
    for loss, noise in populations():
        for ratio in (4, 5, 6, 8, 12, 16, 32, 64):
            for n in (1, 2, 4, 8, 16, 32):
                N = ratio * n
                chance = -np.diff((1 - np.arange(SIZE + 1) / SIZE) ** n)
                truth = chance @ loss
                spread = np.sqrt(chance @ (loss - truth) ** 2)
                pools = loss[np.sort(rng.integers(0, SIZE, (POOLS, N)), axis=1)]
                pools = pools + noise * spread * rng.normal(size=pools.shape)
                mean, _, error = moments(pools, n)
                b, e = intervals.fall(pools, n), intervals.roughness(pools, n)
                pivot = (truth - mean) / np.maximum(error, 1e-9)
                t = np.full(POOLS, intervals.student_t(N, n, 0.95))
                rows.append((pivot, intervals.features(b, e, N, n), t))
    return [np.concatenate(column) for column in zip(*rows, strict=True)]


def fit(pivot, x, t, tail: float = 0.025) -> np.ndarray:
    """Return coefficients a such that t exp(x a) is exceeded by a share ``tail``."""
    y = np.clip(pivot, -30, 30)
    scale = x.std(axis=0)
    x = x / scale

    def objective(a):
        log_factor = x @ a
        q = t * np.exp(np.clip(log_factor, -2, 2.5))
        d = y - q
        loss = (1 - tail) * d + SMOOTH * np.logaddexp(0, -d / SMOOTH)
        slope = (1 - tail) - expit(-d / SMOOTH)
        inside = (log_factor > -2) & (log_factor < 2.5)
        gradient = -(slope * q * inside / t) @ x / len(y)
        return 100 * np.mean(loss / t), 100 * gradient

    options = {"maxiter": 1000, "ftol": 1e-12}
    start = np.zeros(x.shape[1])
    found = minimize(objective, start, jac=True, method="L-BFGS-B", options=options)
    return found.x / scale


def main() -> None:
    pivot, x, t = training_data(np.random.default_rng(0))
    for name, sign in (("BELOW", -1), ("ABOVE", 1)):
        a = fit(sign * pivot, x, t)
        print(f"{name} = np.array({np.round(a, 3).tolist()})")


if __name__ == "__main__":
    main()
