"""The expected result of a random search of n trials, from one pool of N.

Random search draws its configurations independently, so every n-subset of a pool of N
trials is a search of n trials. The mean over all of them, a U-statistic, is unbiased
and has the smallest variance of all unbiased estimates; so has the mean over all pairs
of disjoint subsets, by which its variance is known without repeating anything
(Hoeffding 1948; Dodge et al. 2019, arXiv:1909.03004, have the mean with replacement).

With trials ranked by validation loss, 1 the best, and T_r their (test) losses::

    w_r  = C(N-r, n-1) / C(N, n)                 rank r is the best of n
    P_rs = w_s C(N-n-r, n-1) / C(N-n, n), r < s  s and r are the best of two disjoint n
    mean            = sum_r w_r T_r
    square          = sum_{r != s} P_rs T_r T_s  unbiased for the expectation, squared
    spread^2        = sum_r w_r T_r^2 - square   the variance of one search's result
    standard_error^2 = mean^2 - square           the variance of the mean curve
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
from scipy import stats

from benchmark_utils import intervals

MOST_POINTS = 200  # of a curve whose n is not given


def pool_curve(
    valid_loss, test_loss=None, n=None, confidence: float = 0.95
) -> pd.DataFrame:
    """Return the tuning curve of random search from one pool of independent trials.

    Parameters
    ----------
    valid_loss : array (N,)
        by which the best of n is chosen. Failed trials have an infinite loss: they
        are chosen last, and count as the worst loss of those that did not fail.
    test_loss : array (N,), optional
        what is reported of the best of n; by default its validation loss. That of
        failed trials is not looked at.
    n : int or array of int, optional
        numbers of trials, from 1 to N; by default up to 200 of them.
    confidence : float
        of the interval.

    Returns
    -------
    pandas.DataFrame
        with columns ``n``, ``mean`` (of the result of a search of n trials),
        ``spread`` (standard deviation of the result of one such search),
        ``standard_error`` (of the mean curve), ``low`` and ``high`` (a confidence
        interval of the mean curve, see `intervals`). Where the pool is too small for
        them they are NaN: the interval above n = N/4, the two deviations above N/2.

    Raises
    ------
    ValueError
        if the losses or n are not what is described here.
    """
    pool = Pool.of(valid_loss, test_loss)
    n = numbers_of_trials(n, len(pool.loss))
    check_confidence(confidence)
    rows = [(k, *pool.at(k), *pool.limits(k, confidence)) for k in n.tolist()]
    names = ["n", "mean", "spread", "standard_error", "below", "above"]
    curve = pd.DataFrame(rows, columns=names)
    low = curve["mean"] - curve.pop("below") * curve["standard_error"]
    high = curve["mean"] + curve.pop("above") * curve["standard_error"]
    return curve.assign(low=low, high=high)


def splits_curve(
    valid_losses, test_losses=None, n=None, confidence: float = 0.95
) -> pd.DataFrame:
    """Return the mean over splits of the tuning curves of one pool per split.

    Parameters
    ----------
    valid_losses, test_losses : sequence of arrays, or array (splits, N)
        one pool for each split, independent of each other.
    n, confidence
        see `pool_curve`; n goes up to the size of the smallest pool.

    Returns
    -------
    pandas.DataFrame
        with the columns of `pool_curve`, for a search on a split that is drawn anew,
        and ``split_spread``, the part of ``spread`` that is due to the split. The
        interval is Student's t over splits: it holds for any n, as pools of different
        splits are independent, and needs two splits.
    """
    pools = pools_of(valid_losses, test_losses)
    n = numbers_of_trials(n, min(len(pool.loss) for pool in pools))
    check_confidence(confidence)
    # (splits, n, 3)
    moments = np.array([[pool.at(int(k)) for k in n] for pool in pools])
    means, spreads, errors = np.moveaxis(moments, 2, 0)
    mean, standard_error, half = t_over_splits(means, confidence)
    between = len(pools) * standard_error**2 - np.mean(errors**2, axis=0)
    split_variance = np.maximum(between, 0)
    return pd.DataFrame(
        {
            "n": n,
            "mean": mean,
            "spread": np.sqrt(np.mean(spreads**2, axis=0) + split_variance),
            "standard_error": standard_error,
            "low": mean - half,
            "high": mean + half,
            "split_spread": np.sqrt(split_variance),
        }
    )


def t_over_splits(values: np.ndarray, confidence: float):
    """Return mean, standard error and half the t interval over the first axis."""
    S = len(values)
    mean = np.mean(values, axis=0)
    if S < 2:
        return mean, *np.full((2, *mean.shape), np.nan)
    standard_error = np.std(values, axis=0, ddof=1) / np.sqrt(S)
    t = stats.t.ppf((1 + confidence) / 2, S - 1)
    return mean, standard_error, t * standard_error


@dataclass(frozen=True, eq=False)
class Pool:
    """The losses of a pool of independent trials, best validation loss first.

    Trials that tie in validation loss are each as likely to be the incumbent:
    ``loss``, ndarray (N,), has the mean of the tie's reported losses, ``variance``
    their variance, ``first`` the first place of the tie. Two different members of a
    tie have the covariance ``-within``.
    """

    loss: np.ndarray
    variance: np.ndarray
    first: np.ndarray
    within: np.ndarray

    @classmethod
    def of(cls, valid_loss, test_loss=None) -> "Pool":
        """Rank a pool; raises ValueError if its losses are not usable."""
        valid, loss = checked_losses(valid_loss, test_loss)
        order = np.argsort(valid, kind="stable")
        valid, loss = valid[order], loss[order]
        new = np.r_[True, valid[1:] != valid[:-1]]
        tie = np.cumsum(new) - 1
        count = np.bincount(tie)
        mean = np.bincount(tie, loss) / count
        # Exactly zero where nothing ties, and no cancellation where something does.
        variance = np.bincount(tie, (loss - mean[tie]) ** 2) / count
        within = variance / np.maximum(count - 1, 1)
        return cls(mean[tie], variance[tie], np.flatnonzero(new)[tie], within[tie])

    def mean(self, n: int) -> float:
        """Return the mean result of a search of n trials."""
        w = best_of_n_weights(len(self.loss), n)
        return float(w @ self.loss[: len(w)])

    def at(self, n: int) -> tuple[float, float, float]:
        """Return mean, spread and standard error at n trials, in O(N)."""
        N = len(self.loss)
        mean, second, square = raw_moments(self.loss, n)
        if 2 * n > N:
            return float(mean), np.nan, np.nan
        # Members of a tie have their mean above: add the variance around it, and that
        # two of one tie are not independent draws.
        w = best_of_n_weights(N, n)
        other = first_n(best_of_n_weights(N - n, n), len(w))
        chances = np.r_[0.0, np.cumsum(other)]
        both = 2 * w * (chances[:-1] - chances[self.first[: len(w)]])
        square -= both @ self.within[: len(w)]
        second += w @ self.variance[: len(w)]
        return (float(mean), *map(float, roots(second - square, -square)))

    def limits(self, n: int, confidence: float) -> tuple[float, float]:
        """Return the limits of the interval in standard errors from the mean."""
        N = len(self.loss)
        if n * intervals.FEWEST > N:
            return np.nan, np.nan
        weights = best_of_n_weights(N, n), best_of_n_weights(N - 1, n)
        return tuple(map(float, intervals.limits(self.loss, n, *weights, confidence)))


def moments(loss: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return mean, spread and standard error at n <= N/2 trials of many pools at once.

    loss : array (..., N), best validation loss first, without ties.
    """
    mean, second, square = raw_moments(loss, n)
    return mean, *roots(second - square, -square)


def raw_moments(loss: np.ndarray, n: int):
    """Return the mean and, of losses less their mean, sum w T^2 and sum P T T.

    Neither variance changes if the mean is subtracted, and nothing has to cancel:
    the squared standard error is then the last of the three, with its sign changed.
    """
    N = loss.shape[-1]
    w = best_of_n_weights(N, n)
    head = loss[..., : len(w)]
    mean = head @ w
    if 2 * n > N:
        return mean, np.nan, np.nan
    t = head - mean[..., None]
    other = first_n(best_of_n_weights(N - n, n), len(w))
    better = np.cumsum(other * t, axis=-1) - other * t
    return mean, t**2 @ w, 2 * (t * better) @ w


def first_n(weights: np.ndarray, length: int) -> np.ndarray:
    """Cut or fill with zeros."""
    filled = np.zeros(length)
    filled[: len(weights)] = weights[:length]
    return filled


def roots(*variances):
    """Return square roots; unbiased estimates of a variance can be below zero."""
    return [np.sqrt(np.maximum(v, 0.0)) for v in variances]


@lru_cache(maxsize=8)  # pools of one size are asked one after the other
def best_of_n_weights(N: int, n: int) -> np.ndarray:
    """Return w_r = C(N-r, n-1) / C(N, n) for r = 1, 2, ...: rank r is the best of n.

    Cut off where a weight is below 1e-40. Each is the one before it times
    (N-r-n+1) / (N-r): products of numbers below one, which neither overflow nor, as
    differences of log-gamma functions do for large N, lose digits.
    """
    most = N - n + 1
    if n > 1:  # w_r <= n/N exp(-(r - 1) (n - 1) / (N - 1))
        most = min(most, int(95 * (N - 1) / (n - 1)) + 2)
    r = np.arange(1, most)
    weights = n / N * np.cumprod(np.r_[1.0, (N - r - n + 1) / (N - r)])
    weights.flags.writeable = False
    return weights


def checked_losses(valid_loss, test_loss) -> tuple[np.ndarray, np.ndarray]:
    """Return both losses as floats, those of failed trials replaced by the worst."""
    valid = one_dimensional("valid_loss", valid_loss)
    if len(valid) == 0:
        raise ValueError("valid_loss is empty: a curve needs at least one trial")
    if np.isnan(valid).any():
        raise ValueError(
            f"valid_loss is NaN for {np.isnan(valid).sum()} of {len(valid)} trials: "
            "leave unfinished trials out, give failed ones an infinite loss"
        )
    if (valid == -np.inf).any():
        raise ValueError("valid_loss has -inf: losses are minimised")
    loss = valid if test_loss is None else one_dimensional("test_loss", test_loss)
    if len(loss) != len(valid):
        raise ValueError(
            f"{len(valid)} validation losses but {len(loss)} test losses: "
            "one of each for every trial"
        )
    ok = np.isfinite(valid)
    if not ok.any():
        raise ValueError(f"all {len(valid)} trials failed (infinite validation loss)")
    if not np.isfinite(loss[ok]).all():
        raise ValueError(
            f"test_loss is missing or infinite for {(~np.isfinite(loss[ok])).sum()} "
            "trials with a finite validation loss"
        )
    return valid, np.where(ok, loss, loss[ok].max())


def one_dimensional(name: str, values) -> np.ndarray:
    try:
        values = np.asarray(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must be numbers: {error}") from None
    if values.ndim != 1:
        raise ValueError(f"{name} has {values.ndim} dimensions, not one: {name}[trial]")
    return values


def numbers_of_trials(n, N: int) -> np.ndarray:
    """Return n as an array of whole numbers from 1 to N."""
    if n is None:
        return np.unique(np.geomspace(1, N, min(N, MOST_POINTS)).round().astype(int))
    n = np.atleast_1d(np.asarray(n))
    if n.ndim != 1 or n.dtype.kind not in "iuf" or (n != np.floor(n)).any():
        raise ValueError("n must be a whole number or a list of them")
    if ((n < 1) | (n > N)).any():
        wrong = n[(n < 1) | (n > N)][0]
        raise ValueError(f"n={wrong:g} is not between 1 and the {N} trials of the pool")
    return n.astype(int)


def check_confidence(confidence: float) -> None:
    if not 0 < confidence < 1:
        raise ValueError(f"confidence={confidence}: must be between 0 and 1")


def pools_of(valid_losses, test_losses=None) -> list[Pool]:
    """Return one pool for each split."""
    if np.ndim(valid_losses[0]) == 0:
        raise ValueError("several pools are expected, one array for each split")
    if test_losses is None:
        test_losses = [None] * len(valid_losses)
    if len(test_losses) != len(valid_losses):
        raise ValueError(
            f"{len(valid_losses)} pools of validation but {len(test_losses)} of test "
            "losses"
        )
    pairs = zip(valid_losses, test_losses, strict=True)
    return [Pool.of(valid, test) for valid, test in pairs]
