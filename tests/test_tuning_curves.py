"""Curves from one pool: against enumeration, their properties, their intervals."""

from itertools import combinations
from math import comb

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark_utils import intervals
from benchmark_utils.tuning_curves import (
    Pool,
    best_of_n_weights,
    moments,
    pool_curve,
    splits_curve,
)

QUIETLY = settings(deadline=None)  # on a busy machine a call may take a second


def result_of(subset, valid, loss):
    """Return mean and mean square of the result of a search: ties are drawn."""
    best = [i for i in subset if valid[i] == min(valid[j] for j in subset)]
    return np.mean(loss[best]), np.mean(loss[best] ** 2)


def enumerated(valid, loss, n):
    """Return mean, and variance of a search and of the mean, over all subsets."""
    subsets = [frozenset(s) for s in combinations(range(len(valid)), n)]
    results = [result_of(s, valid, loss) for s in subsets]
    mean, second = np.mean(results, axis=0)
    square = [
        a[0] * b[0]
        for s, a in zip(subsets, results, strict=True)
        for t, b in zip(subsets, results, strict=True)
        if not s & t
    ]
    if not square:
        return mean, np.nan, np.nan
    return mean, second - np.mean(square), mean**2 - np.mean(square)


POOLS = st.integers(1, 8).flatmap(
    lambda size: st.tuples(
        # whole numbers tie
        st.lists(
            st.one_of(st.integers(0, 3), st.floats(0, 3)), min_size=size, max_size=size
        ),
        st.lists(st.floats(-1, 1), min_size=size, max_size=size),
    )
)


@QUIETLY
@given(POOLS)
def test_closed_forms_are_the_enumeration_of_all_subsets_and_disjoint_pairs(pool):
    valid, loss = map(np.array, pool)
    curve = pool_curve(valid, loss, range(1, len(valid) + 1))
    for row in curve.itertuples():
        mean, search, error = enumerated(valid, loss, row.n)
        assert row.mean == pytest.approx(mean, abs=1e-12)
        if 2 * row.n > len(valid):
            assert np.isnan(row.spread)
            assert np.isnan(row.standard_error)
        else:
            assert row.spread**2 == pytest.approx(max(search, 0), abs=1e-12)
            assert row.standard_error**2 == pytest.approx(max(error, 0), abs=1e-12)


@QUIETLY
@given(st.integers(1, 60), st.data())
def test_weights_are_ratios_of_binomials_and_sum_to_one(N, data):
    n = data.draw(st.integers(1, N))
    w = best_of_n_weights(N, n)
    exact = [comb(N - r, n - 1) / comb(N, n) for r in range(1, N - n + 2)]
    assert w == pytest.approx(exact[: len(w)], rel=1e-12)
    assert sum(exact[len(w) :]) < 1e-38


@pytest.mark.parametrize("n", [1, 2, 7, 1000, 25_000, 50_000, 99_999, 100_000])
def test_weights_sum_to_one_for_large_pools(n):
    assert best_of_n_weights(100_000, n).sum() == pytest.approx(1, abs=1e-12)


@QUIETLY
@given(POOLS, st.randoms(use_true_random=False))
def test_the_order_of_the_trials_does_not_matter(pool, random):
    valid, loss = pool
    order = list(range(len(valid)))
    random.shuffle(order)
    again = pool_curve([valid[i] for i in order], [loss[i] for i in order])
    pd.testing.assert_frame_equal(pool_curve(valid, loss), again, atol=1e-7)


@QUIETLY
@given(POOLS, st.floats(-100, 100), st.floats(0.1, 10))
def test_location_and_scale_go_through(pool, shift, scale):
    valid, loss = map(np.array, pool)
    curve, moved = pool_curve(valid, loss), pool_curve(valid, shift + scale * loss)
    assert moved["mean"].to_numpy() == pytest.approx(
        (shift + scale * curve["mean"]).to_numpy(), abs=1e-9
    )
    for column in ("spread", "standard_error"):
        assert moved[column].to_numpy() == pytest.approx(
            (scale * curve[column]).to_numpy(), abs=1e-6, nan_ok=True
        )


@QUIETLY
@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_the_curve_falls_from_the_mean_to_the_best(valid):
    mean = pool_curve(valid, n=range(1, len(valid) + 1))["mean"].to_numpy()
    assert mean[0] == pytest.approx(np.mean(valid), abs=1e-12)
    assert mean[-1] == pytest.approx(min(valid), abs=1e-15)
    assert (np.diff(mean) <= 1e-12).all()


def test_one_trial_is_the_mean_and_its_textbook_standard_error():
    loss = np.random.default_rng(0).normal(size=40)
    [row] = pool_curve(loss, n=1).itertuples()
    assert row.mean == pytest.approx(loss.mean())
    assert row.spread == pytest.approx(loss.std(ddof=1))
    assert row.standard_error == pytest.approx(loss.std(ddof=1) / np.sqrt(40))


def test_failed_trials_are_chosen_last_and_count_as_the_worst_that_did_not_fail():
    curve = pool_curve([0.3, np.inf, 0.1, np.inf], [3.0, np.nan, 1.0, -9.0], [1, 3, 4])
    assert curve["mean"].tolist() == pytest.approx([(3 + 1 + 3 + 3) / 4, 1.5, 1])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([],), "is empty"),
        (([1.0, np.nan],), "NaN for 1 of 2 trials"),
        (([np.inf, np.inf],), "all 2 trials failed"),
        (([1.0, -np.inf],), "minimised"),
        (([1.0, 2.0], [1.0]), "one of each for every trial"),
        (([1.0, 2.0], [1.0, np.nan]), "test_loss is missing or infinite for 1"),
        (([1.0, 2.0], None, 3), "n=3 is not between 1 and the 2 trials"),
        (([1.0, 2.0], None, 0), "n=0 is not between"),
        (([1.0, 2.0], None, 1.5), "n must be a whole number"),
        (([1.0, 2.0], None, 1, 1.5), "confidence=1.5"),
        (([[1.0, 2.0]],), "2 dimensions"),
        ((["a", "b"],), "must be numbers"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(arguments, message):
    with pytest.raises(ValueError, match=message) as error:
        pool_curve(*arguments)
    assert "\n" not in str(error.value)


def test_many_pools_at_once_are_the_same():
    pools = np.sort(np.random.default_rng(0).exponential(size=(5, 40)), axis=1)
    together = np.transpose(moments(pools, 10))
    alone = [Pool.of(pool).at(10) for pool in pools]
    assert together == pytest.approx(np.array(alone))


@pytest.mark.parametrize(("N", "n"), [(8, 2), (40, 10), (40, 1), (300, 60)])
def test_the_jackknife_is_that_of_leaving_each_trial_out(N, n):
    rng = np.random.default_rng(0)
    loss = np.sort(rng.exponential(size=N))
    loss = loss + 0.1 * rng.normal(size=N)
    weights, fewer = best_of_n_weights(N, n), best_of_n_weights(N - 1, n)
    without = [np.delete(loss, i)[: len(fewer)] @ fewer for i in range(N)]
    d = np.mean(without) - without
    skewness, roughness = intervals.summaries(loss, weights, fewer)
    assert skewness == pytest.approx((d**3).sum() / (d**2).sum() ** 1.5)
    assert 0 < roughness <= 1


def test_the_interval_ends_at_a_quarter_of_the_pool():
    curve = pool_curve(np.random.default_rng(0).random(40), n=[1, 10, 11, 20, 21])
    assert np.isfinite(curve["low"]).tolist() == [True, True, False, False, False]
    assert np.isfinite(curve["spread"]).tolist() == [True] * 4 + [False]
    some = curve[:2]
    assert ((some["low"] < some["mean"]) & (some["mean"] < some["high"])).all()


@pytest.mark.parametrize("ratio", [8, 4])
@pytest.mark.parametrize("loss", ["normal", "exponential", "lognormal", "random"])
def test_the_interval_covers_the_truth(loss, ratio):
    N, replicates = 96, 4000
    n, rng = N // ratio, np.random.default_rng(1)
    draw = getattr(rng, loss)
    truth = np.sort(draw(size=(200_000, n)), axis=1)[:, 0].mean()
    pools = np.sort(draw(size=(replicates, N)), axis=1)
    mean, _, error = moments(pools, n)
    weights = best_of_n_weights(N, n), best_of_n_weights(N - 1, n)
    below, above = intervals.limits(pools, n, *weights, 0.95)
    covered = np.mean((mean - below * error <= truth) & (truth <= mean + above * error))
    assert 0.92 <= covered <= 0.98


def test_a_hundred_thousand_trials():
    loss = np.random.default_rng(0).exponential(size=100_000)
    n = np.unique(np.linspace(1, 25_000, 200).astype(int))
    curve = pool_curve(loss, n=n)
    assert len(curve) == 200
    assert np.isfinite(curve).all(axis=None)
    assert curve["mean"].to_numpy() == pytest.approx(1 / n, abs=5 * 0.01)


def test_over_splits_the_interval_and_the_split_spread():
    rng = np.random.default_rng(0)
    covered, variances = [], []
    for _ in range(400):
        pools = rng.random((6, 20)) + rng.normal(0, 0.5, (6, 1))
        [row] = splits_curve(pools, n=10).itertuples()
        covered.append(row.low <= 1 / 11 <= row.high)
        variances.append((row.spread**2, row.split_spread**2))
    assert 0.92 <= np.mean(covered) <= 0.98
    within = 10 / (11**2 * 12)
    assert np.mean(variances, axis=0) == pytest.approx([0.25 + within, 0.25], rel=0.15)


def test_pools_of_splits_may_differ_in_size_and_one_split_has_no_interval():
    curve = splits_curve([[1.0, 2.0, 3.0], [1.0, 2.0]])
    assert curve["n"].tolist() == [1, 2]
    assert curve["mean"].tolist() == pytest.approx([1.75, (4 / 3 + 1) / 2])
    alone = splits_curve([[1.0, 2.0, 3.0]])
    assert np.isnan(alone["low"]).all()
    with pytest.raises(ValueError, match="one array for each split"):
        splits_curve([1.0, 2.0])
