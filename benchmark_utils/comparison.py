"""Which strategy is better, how sure is that, how many random trials is it worth."""

from dataclasses import dataclass

import numpy as np

from benchmark_utils.tuning_curves import check_confidence, pools_of, t_over_splits


@dataclass(frozen=True)
class Worth:
    """How many random trials give the same mean loss, and a confidence interval.

    0 stands for "less than one random trial", infinity for "more than the ``most``
    trials that every pool has".
    """

    worth: float
    low: float
    high: float
    most: int

    def __str__(self):
        return f"{self._text(self.worth)} ({self._text(self.low)} to " + (
            f"{self._text(self.high)})"
        )

    def _text(self, n: float) -> str:
        if n == 0:
            return "< 1"
        return f"{n:.3g}" if np.isfinite(n) else f"> {self.most}"


def random_trials_worth(
    losses, pools_valid, pools_test=None, confidence: float = 0.95
) -> Worth:
    """Return the number of random trials that are as good as a strategy's search.

    It is the n' at which the mean over splits of the pools' tuning curves comes down
    to the strategy's mean loss. The interval has every n' at which a paired t test
    over splits does not tell the two means apart (as Fieller 1954 inverts a test for
    a ratio): the differences over splits hold the luck of the strategy's searches,
    that of the pools, and the splits themselves. It exists for two splits or more.

    Parameters
    ----------
    losses : array (splits,)
        the incumbent's loss after n trials of the strategy, one search per split.
    pools_valid, pools_test : sequence of arrays, or array (splits, N)
        validation (and test) losses of random trials on the same splits: a pool for
        each. What `losses` are is compared: test losses with test losses.
    confidence : float
        of the interval.

    Raises
    ------
    ValueError
        if the losses are not finite numbers, or not one for each pool.
    """
    check_confidence(confidence)
    pools = pools_of(pools_valid, pools_test)
    losses = np.asarray(losses, dtype=float)
    if losses.shape != (len(pools),) or not np.isfinite(losses).all():
        raise ValueError(
            f"losses must be {len(pools)} finite numbers, one for each pool"
        )
    most = min(len(pool.loss) for pool in pools)
    n = np.unique(np.geomspace(1, most, 400).round().astype(int))
    curves = np.array([[pool.mean(int(k)) for pool in pools] for k in n]).T
    lead, _, half = t_over_splits(curves - losses[:, None], confidence)
    # lead > 0: the strategy is better than n random trials.
    worth = first_crossing(n, lead)
    if len(losses) < 2:
        return Worth(worth, np.nan, np.nan, most)
    # The first n at which it is no longer surely better, the last at which it is not
    # surely worse.
    low = first_crossing(n, lead - half)
    high = last_crossing(n, lead + half)
    return Worth(worth, min(low, worth), max(high, worth), most)


def first_crossing(n: np.ndarray, lead: np.ndarray) -> float:
    """Return where a lead is 0 first, linear in log n: 0 before, inf after all n."""
    [behind] = np.nonzero(lead <= 0)
    if len(behind) == 0:
        return np.inf
    return _crossing(n, lead, behind[0] - 1) if behind[0] > 0 else 0.0


def last_crossing(n: np.ndarray, lead: np.ndarray) -> float:
    """Return where a lead is 0 last, linear in log n: 0 before, inf after all n."""
    [ahead] = np.nonzero(lead > 0)
    if len(ahead) == 0:
        return 0.0
    return _crossing(n, lead, ahead[-1]) if ahead[-1] < len(n) - 1 else np.inf


def _crossing(n: np.ndarray, lead: np.ndarray, i: int) -> float:
    share = lead[i] / (lead[i] - lead[i + 1])
    return float(np.exp((1 - share) * np.log(n[i]) + share * np.log(n[i + 1])))
