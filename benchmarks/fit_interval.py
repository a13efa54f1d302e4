"""Fit the coefficients of `benchmark_utils/intervals.py` and print them.

    python benchmarks/fit_interval.py       (about a minute on one core)

Pools of N = 4 n to 64 n trials whose validation losses have the quantile function
(p^b - 1) / b, b from -0.1 to 2.5: near the best that of a quadratic bowl in 2 / b
dimensions (Gumbel's for b = 0); with and without noise on the reported loss. The pivot
(truth - mean) / standard error is regressed on `intervals.features` at its outer
quantiles (Koenker & Bassett 1978), by a smoothed check function; kinds of pools that
are missed too often count more in a second round.
"""

import sys
from pathlib import Path

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, gammaln

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmark_utils import intervals
from benchmark_utils.tuning_curves import best_of_n_weights, moments

TAILS = (0.027, 0.03)  # missed below and above
SMOOTH = 0.05  # width of the corner of the check function, in standard errors


def pools(rng: np.random.Generator, N: int, n: int, b: float, noise: float, size: int):
    """Return ranked losses, array (size, N), and the true mean of the best of n."""

    def power_mean(k):  # E p^(k b), p the lowest of n uniform numbers
        return n * np.exp(gammaln(k * b + 1) + gammaln(n) - gammaln(k * b + 1 + n))

    loss = (np.sort(rng.random((size, N)), axis=1) ** b - 1) / b
    spread = np.sqrt(max(power_mean(2) - power_mean(1) ** 2, 0)) / abs(b)
    loss = loss + noise * spread * rng.normal(size=loss.shape)
    return loss, (power_mean(1) - 1) / b


def training_data(rng: np.random.Generator, size: int = 300):
    """Return pivots, features, t quantiles and the kind of pool, one row for each."""
    rows = []
    for ratio in (4, 5, 6, 8, 12, 16, 32, 64):
        for n in (1, 2, 4, 8, 32):
            for b in (-0.1, 0.01, 0.25, 0.5, 0.75, 1, 1.5, 2, 2.5):
                for noise in (0, 0.25, 1, 4):
                    N = ratio * n
                    loss, truth = pools(rng, N, n, b, noise, size)
                    mean, _, error = moments(loss, n)
                    w = best_of_n_weights(N, n), best_of_n_weights(N - 1, n)
                    x = intervals.features(*intervals.summaries(loss, *w), N, n)
                    pivot = (truth - mean) / np.maximum(error, 1e-9)
                    t = np.full(size, intervals.student_t(N, n, 0.95))
                    kind = np.full(size, hash((ratio, b, noise)))
                    rows.append((pivot, x, t, kind))
    return [np.concatenate(column) for column in zip(*rows, strict=True)]


def fit(pivot, x, t, kind, tail: float) -> np.ndarray:
    """Return coefficients a such that t exp(x a) is exceeded by a share ``tail``."""
    y = np.clip(pivot, -30, 30)
    kind = np.unique(kind, return_inverse=True)[1]
    weight, a = np.ones(len(y)), np.zeros(x.shape[1])

    def objective(a):
        log_factor = x @ a
        q = t * np.exp(np.clip(log_factor, -2, 2.5))
        d = y - q
        loss = (1 - tail) * d + SMOOTH * np.logaddexp(0, -d / SMOOTH)
        slope = (1 - tail) - expit(-d / SMOOTH)
        inside = (log_factor > -2) & (log_factor < 2.5)
        gradient = -(weight * slope * q * inside / t) @ x / len(y)
        return np.mean(weight * loss / t) + 1e-6 * a @ a, gradient + 2e-6 * a

    for _ in range(2):
        a = minimize(objective, a, jac=True, method="L-BFGS-B").x
        missed = y > t * np.exp(np.clip(x @ a, -2, 2.5))
        excess = np.bincount(kind, missed) / np.bincount(kind) - tail
        weight = weight * np.exp(6 * np.clip(excess, -0.015, 0.03))[kind]
        weight /= weight.mean()
    return a


def main() -> None:
    pivot, x, t, kind = training_data(np.random.default_rng(0))
    for name, sign, tail in (("BELOW", -1, TAILS[0]), ("ABOVE", 1, TAILS[1])):
        a = fit(sign * pivot, x, t, kind, tail)
        print(f"{name} = np.array({np.round(a, 3).tolist()})")


if __name__ == "__main__":
    main()
