"""Which strategy is better: tests that hold, intervals that cover."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from benchmark_utils.comparison import (
    beats,
    flip_signs,
    holm,
    mean_ranks,
    random_trials_worth,
    signed_ranks_p_value,
    wilcoxon_pairs,
)
from benchmark_utils.variance import optimism, sources_of_variance, split_share


@pytest.mark.parametrize("levels", [None, 3, 1])
@pytest.mark.parametrize("n_splits", [3, 5, 8, 20])
def test_identical_strategies_are_told_apart_in_at_most_5_percent(n_splits, levels):
    rng = np.random.default_rng(0)
    false = 0
    for _ in range(1000):
        a, b = rng.exponential(size=(2, n_splits)) + rng.normal(size=n_splits)
        if levels:
            a, b = np.round(a * levels), np.round(b * levels)
        false += beats(a, b).p_value <= 0.05
    assert false <= 65


def test_a_better_strategy_is_found_and_ties_are_halves():
    rng = np.random.default_rng(0)
    split = rng.normal(size=10)
    found = beats(split - 0.5, split + 0.1 * rng.normal(size=10))
    assert found.probability == 1
    assert found.p_value == 2 / 2**10
    assert found.low == pytest.approx(0.025 ** (1 / 10))
    same = beats(split, split)
    assert (same.probability, same.p_value) == (0.5, 1)
    assert same.low < 0.5 < same.high
    assert beats([1.0, 2.0, 3.0], [1.0, 3.0, 2.0]).probability == 0.5


def test_the_sign_flips_of_few_and_many_pairs_agree_with_scipy():
    rng = np.random.default_rng(0)
    for n in (9, 40):
        a, b = rng.normal(size=(2, n))
        b += 0.4
        exact = stats.permutation_test(
            (a - b,), np.mean, permutation_type="samples", n_resamples=20_000, rng=1
        )
        assert beats(a, b).p_value == pytest.approx(exact.pvalue, abs=0.01)


def test_a_search_in_which_all_failed_loses():
    assert beats([np.inf, 1.0], [1.0, 1.0]).probability == 0.25
    assert beats([np.inf] * 3, [np.inf] * 3).p_value == 1


def test_the_interval_of_the_probability_covers():
    rng = np.random.default_rng(0)
    covered = []
    for _ in range(1000):
        found = beats(rng.normal(size=8), rng.normal(0.5, 1, size=8))
        covered.append(found.low <= stats.norm.cdf(0.5 / 2**0.5) <= found.high)
    assert np.mean(covered) >= 0.95


def test_mean_ranks_have_friedmans_p_value_and_nemenyis_difference():
    rng = np.random.default_rng(0)
    losses = pd.DataFrame(rng.integers(0, 5, (12, 4)), columns=list("abcd"))
    table = mean_ranks(losses)
    assert table["mean_rank"].is_monotonic_increasing
    assert table["mean_rank"].sum() == 10
    assert table["p_value"].iloc[0] == pytest.approx(
        stats.friedmanchisquare(*losses.to_numpy().T).pvalue
    )
    # Demšar 2006, table 5: q = 2.569 for four classifiers
    width = table["high"] - table["low"]
    assert width.to_numpy() == pytest.approx(2.569 * np.sqrt(20 / 72), rel=1e-3)


def one_comparison(rng, n, S=8, N=100):
    split = rng.normal(0, 0.3, (S, 1))
    valid = rng.exponential(size=(S, N)) + split
    test = valid + rng.normal(0, 0.1, (S, N))
    own = rng.exponential(size=(S, n)).min(axis=1)
    losses = own + split[:, 0] + rng.normal(0, 0.1, S)
    return random_trials_worth(losses, valid, test)


@pytest.mark.parametrize("n", [5, 25, 60])
def test_random_search_is_worth_its_own_number_of_trials(n):
    rng = np.random.default_rng(0)
    found = [one_comparison(rng, n) for _ in range(300)]
    covered = np.mean([w.low <= n <= w.high for w in found])
    assert 0.88 <= covered <= 0.99  # of few splits and skewed losses, t has 0.90
    # Half of them are above; infinity ("more than the pool") counts as that.
    assert np.median([w.worth for w in found]) == pytest.approx(n, rel=0.4)


def test_the_worth_is_where_the_curves_meet_and_beyond_them_it_says_so():
    pools = [np.arange(1.0, 11)] * 3
    assert random_trials_worth([3.0, 3.0, 3.0], pools).worth == pytest.approx(
        np.sqrt(8 / 3 * 8 / 3), rel=0.02
    )  # the mean of the best of n is 11 / (n + 1)
    better = random_trials_worth([0.5] * 3, pools)
    assert (better.worth, better.high, str(better)) == (
        np.inf,
        np.inf,
        "> 10 (> 10 to > 10)",
    )
    worse = random_trials_worth([7.0] * 3, pools)
    assert (worse.worth, worse.low, worse.high) == (0, 0, 0)
    assert str(worse) == "< 1 (< 1 to < 1)"
    alone = random_trials_worth([3.0], pools[:1])
    assert np.isnan(alone.low)
    with pytest.raises(ValueError, match="2 finite numbers"):
        random_trials_worth([1.0], pools[:2])


@pytest.mark.parametrize("n", [10, 30])
def test_the_interval_of_a_standard_deviation_covers(n):
    rng = np.random.default_rng(0)
    covered = []
    for _ in range(1000):
        [row] = sources_of_variance({"search": rng.normal(0, 2, n)}).itertuples()
        covered.append(row.low <= 2 <= row.high)
    assert 0.92 <= np.mean(covered) <= 0.98


@pytest.mark.parametrize("n", [20, 50])
def test_the_interval_of_a_standard_deviation_of_skewed_losses(n):
    rng = np.random.default_rng(0)
    covered = []
    for _ in range(1000):
        [row] = sources_of_variance({"search": rng.gumbel(size=n)}).itertuples()
        covered.append(row.low <= np.pi / 6**0.5 <= row.high)
    assert 0.9 <= np.mean(covered) <= 0.98


@pytest.mark.parametrize("split_sd", [0, 0.02, 0.5])
def test_the_share_of_the_split_is_told_from_the_luck_of_the_trials(split_sd):
    rng = np.random.default_rng(0)
    shares, covered = [], []
    for _ in range(500):
        pools = rng.random((8, 20)) + rng.normal(0, split_sd, (8, 1))
        [row] = split_share(pools).itertuples()
        assert (row.source, row.n) == ("split", 8)
        shares.append(row.sd**2)
        covered.append(row.low <= split_sd <= row.high)
    luck = 10 / (11**2 * 12)  # the variance of the lowest of 10
    assert np.mean(shares) == pytest.approx(split_sd**2, rel=0.1, abs=0.2 * luck)
    assert np.mean(covered) >= 0.9


def test_the_share_of_the_split_needs_three_pools_of_twice_the_trials():
    pools = np.random.default_rng(0).random((3, 9))
    assert np.isfinite(split_share(pools, n=4)["sd"][0])
    for wrong in ({"valid_losses": pools[:2]}, {"valid_losses": pools, "n": 5}):
        with pytest.raises(ValueError, match="needs 3 pools of"):
            split_share(**wrong)


def test_optimism_is_the_luck_of_the_selected_and_none_without_selection():
    rng = np.random.default_rng(0)
    quality = rng.normal(size=(200, 30))
    valid = quality + rng.normal(size=quality.shape)
    test = quality + rng.normal(size=quality.shape) + 0.7  # the test part is harder
    curve = optimism(valid, test, [1, 30])
    assert curve["mean"][0] == 0
    # Half of the best validation loss is luck.
    expected = -valid.min(axis=1).mean() / 2
    assert curve["low"][1] <= expected <= curve["high"][1]
    assert curve["standard_error"][1] < 0.2


def test_wilcoxon_is_scipys_and_holm_corrects_for_all_pairs():
    rng = np.random.default_rng(0)
    losses = pd.DataFrame(rng.normal(size=(12, 3)), columns=list("abc"))
    losses["c"] += 1.5
    table = wilcoxon_pairs(losses)
    assert table[["a", "b"]].to_numpy().tolist() == [["a", "b"], ["a", "c"], ["b", "c"]]
    for a, b, p_value in zip(table["a"], table["b"], table["p_value"], strict=True):
        assert p_value == stats.wilcoxon(losses[a], losses[b]).pvalue
    assert table["holm"].max() <= 1
    with pytest.raises(ValueError, match="without gaps"):
        wilcoxon_pairs(losses.mask(losses > 1))


def test_holm_is_that_of_the_textbook():
    # the smallest times 4, the next times 3, ..., never below the one before
    assert holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([0.5, 0.9]).tolist() == [1, 1]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_rejects_what_the_step_down_rejects(p_values):
    rejected, left = set(), sorted(range(len(p_values)), key=lambda i: p_values[i])
    while left and p_values[left[0]] * len(left) <= 0.05:
        rejected.add(left.pop(0))
    assert {i for i, p in enumerate(holm(p_values)) if p <= 0.05} == rejected


@pytest.mark.parametrize("n", [5, 10])
@pytest.mark.parametrize("levels", [None, 3, 1])
def test_identical_strategies_differ_by_wilcoxon_in_at_most_5_percent(n, levels):
    rng = np.random.default_rng(0)
    false = 0
    for _ in range(1000):
        a, b = rng.exponential(size=(2, n))
        if levels:
            a, b = np.round(a * levels), np.round(b * levels)
        false += signed_ranks_p_value(a, b) <= 0.05
    assert false <= 65


def test_flipped_ranks_are_wilcoxons_test_where_nothing_ties():
    d = np.random.default_rng(0).normal(0.5, 1, size=10)
    ranks = np.sign(d) * stats.rankdata(np.abs(d))
    assert flip_signs(ranks) == pytest.approx(stats.wilcoxon(d).pvalue)


def test_in_wilcoxons_test_too_a_search_in_which_all_failed_loses():
    assert signed_ranks_p_value([np.inf] * 8, [1.0] * 8) == 2 / 2**8
    assert signed_ranks_p_value([np.inf] * 8, [np.inf] * 8) == 1
