"""Which strategy is better, how sure is that, how many random trials is it worth."""

import itertools
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from benchmark_utils.tuning_curves import (
    Pool,
    check_confidence,
    pools_of,
    t_over_splits,
)


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
    that of the pools, and the splits themselves. It exists for two splits or more; of 5
    to 20 splits with exponential losses, nominal 95 % covered 90 to 97 %.

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
    return worth_on(*curves_of(pools), losses, confidence)


def curves_of(pools: list[Pool]) -> tuple[np.ndarray, np.ndarray]:
    """Return up to 400 numbers of trials and each pool's mean curve, (splits, n)."""
    most = min(len(pool.loss) for pool in pools)
    n = np.unique(np.geomspace(1, most, 400).round().astype(int))
    return n, np.array([[pool.mean(int(k)) for pool in pools] for k in n]).T


def worth_on(n, curves, losses: np.ndarray, confidence: float = 0.95) -> Worth:
    """Return the worth of a strategy's losses on the `curves_of` random trials."""
    most = int(n[-1])
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


@dataclass(frozen=True)
class Beats:
    """How often A has the lower loss, with an interval, and a test of no difference."""

    probability: float
    low: float
    high: float
    p_value: float
    n_pairs: int


MOST_FLIPS = 2**14


def beats(losses_a, losses_b, confidence: float = 0.95) -> Beats:
    """Compare two strategies in pairs: one loss of each for every split.

    P(A beats B) counts a tie as half. Its interval is Clopper & Pearson's (1934): exact
    without ties, too wide with them. A bootstrap's percentiles cover 80 % over 5 pairs
    where P is 0.7, and 40 % where it is 0.9: five wins out of five are always five.

    The p value is that of the sign-flip test on the mean difference: if A and B are the
    same strategy, every difference is as likely with the other sign, whatever its
    distribution. All flips for up to 14 pairs, else 2^14 random ones, always the same.
    Five pairs or fewer have no p value below 0.05.

    Several searches on one split are not independent: average them first.
    """
    check_confidence(confidence)
    a, b = (np.asarray(losses, dtype=float) for losses in (losses_a, losses_b))
    if a.shape != b.shape or a.ndim != 1 or len(a) == 0:
        raise ValueError(f"pairs are needed, not {a.shape} and {b.shape} losses")
    if np.isnan(a).any() or np.isnan(b).any():
        raise ValueError("a loss is NaN: leave out the splits that both do not have")
    S = len(a)
    wins = float(np.sum(a < b) + np.sum(a == b) / 2)
    alpha = 1 - confidence
    low = stats.beta.ppf(alpha / 2, wins, S - wins + 1) if wins > 0 else 0.0
    high = stats.beta.ppf(1 - alpha / 2, wins + 1, S - wins) if wins < S else 1.0
    return Beats(wins / S, float(low), float(high), flip_test(a, b), S)


def differences(a, b) -> np.ndarray:
    """Return a - b without zeros.

    Failed searches are infinitely bad: worse than any difference that was seen.
    """
    a, b = (np.asarray(losses, dtype=float) for losses in (a, b))
    both = np.isinf(a) & np.isinf(b)
    with np.errstate(invalid="ignore"):
        d = np.where(both, 0.0, a - b)
    worst = 2 * np.abs(d[np.isfinite(d)]).sum() + 1
    d = np.clip(d, -worst, worst)
    return d[d != 0]


def flip_test(a: np.ndarray, b: np.ndarray) -> float:
    """Return the two-sided p value of the sign-flip test on the mean of a - b."""
    return flip_signs(differences(a, b))


def flip_signs(d: np.ndarray) -> float:
    """Return how often a sum with random signs is as far from 0 as the sum of d."""
    if len(d) == 0:
        return 1.0
    if 2 ** len(d) <= MOST_FLIPS:
        signs = 1 - 2 * ((np.arange(2 ** len(d))[:, None] >> np.arange(len(d))) & 1)
    else:
        rng = np.random.default_rng(0)
        signs = rng.choice([-1, 1], (MOST_FLIPS, len(d)))
        signs[0] = 1  # what was seen is one of them
    sums = np.abs(signs @ d)
    return float(np.mean(sums >= np.abs(d.sum()) * (1 - 1e-12)))


def mean_ranks(losses: pd.DataFrame, confidence: float = 0.95) -> pd.DataFrame:
    """Return the mean ranks of strategies over problems, best first.

    losses : one row for each problem (or split), one column for each strategy.
    ``low`` and ``high`` are half of Nemenyi's critical difference around a mean rank:
    strategies whose intervals do not overlap differ (Demšar 2006, sections 3.2.2 and
    3.2.4). ``p_value`` is Friedman's, of no difference at all, the same in every row.
    """
    check_confidence(confidence)
    n, k = losses.shape
    if n < 2 or k < 2 or losses.isna().any(axis=None):
        raise ValueError("ranks need 2 problems and 2 strategies, without gaps")
    ranks = losses.rank(axis=1)
    mean = ranks.mean()
    q = stats.studentized_range.ppf(confidence, k, np.inf) / np.sqrt(2)
    difference = q * np.sqrt(k * (k + 1) / (6 * n))
    # Friedman's statistic with the correction for ties.
    between = n * ((mean - (k + 1) / 2) ** 2).sum()
    within = ((ranks - (k + 1) / 2) ** 2).to_numpy().sum() / (n * (k - 1))
    p_value = stats.chi2.sf(between / within, k - 1) if within > 0 else 1.0
    table = pd.DataFrame(
        {
            "mean_rank": mean,
            "low": mean - difference / 2,
            "high": mean + difference / 2,
            "p_value": p_value,
        }
    )
    return table.sort_values("mean_rank", kind="stable")


def wilcoxon_pairs(losses: pd.DataFrame) -> pd.DataFrame:
    """Return which two strategies differ, by Wilcoxon's signed ranks over problems.

    losses : one row for each problem (or split), one column for each strategy.
    Columns ``a, b, p_value, holm``: of every pair, the two-sided p value (scipy; exact
    for up to 50 problems without ties), and that of Holm 1979, with which all pairs
    together have the nominal error. Benavoli, Corani & Mangili 2016 (JMLR 17) prefer
    it to Nemenyi's test, in which the difference of two depends on the others.
    """
    n, k = losses.shape
    if n < 2 or k < 2 or losses.isna().any(axis=None):
        raise ValueError("Wilcoxon needs 2 problems and 2 strategies, without gaps")
    pairs = list(itertools.combinations(losses.columns, 2))
    p_values = [signed_ranks_p_value(losses[a], losses[b]) for a, b in pairs]
    table = pd.DataFrame(pairs, columns=["a", "b"])
    return table.assign(p_value=p_values, holm=holm(p_values))


def signed_ranks_p_value(a, b) -> float:
    """Return Wilcoxon's two-sided p value; zeros are left out.

    With ties scipy has only a normal approximation: then the signs of the ranks are
    flipped.
    """
    d = differences(a, b)
    if len(np.unique(np.abs(d))) < len(d) or len(d) == 0:
        return flip_signs(np.sign(d) * stats.rankdata(np.abs(d)))
    return float(stats.wilcoxon(d).pvalue)


def holm(p_values) -> np.ndarray:
    """Return p values adjusted so that all tests together have the nominal error."""
    p = np.asarray(p_values, dtype=float)
    order = np.argsort(p, kind="stable")
    scaled = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(scaled, 1)
    return adjusted
