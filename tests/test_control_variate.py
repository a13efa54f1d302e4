"""The mean of repeated searches with a surrogate: parts, exactness, interval."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.linear_model import RidgeCV
from sklearn.preprocessing import PolynomialFeatures

from benchmark_utils import control_variate as cv


def searches(R, M, noise, rng, n=8, d=2):
    """Return points, validation and test losses of R searches, and M fresh designs."""
    points, fresh = rng.random((R, n, d)), rng.random((M, n, d))
    loss = np.mean((points - 0.3) ** 2, axis=-1)
    valid, test = loss + rng.normal(0, noise, (2, R, n))
    return points, valid, test, fresh


@pytest.mark.parametrize(("d", "R"), [(1, 3), (2, 6), (5, 20)])
def test_surrogate_is_the_best_polynomial_by_leave_one_out(d, R):
    points, valid, test, _ = searches(R, 2, 0.01, np.random.default_rng(d), d=d)
    losses = np.stack([valid, np.exp(3 * test)], axis=-1)
    sizes, designs = cv.polynomial(points)
    coefficients, intercepts, error = cv.surrogate(designs, losses, sizes)
    X = 2 * points.reshape(-1, d) - 1
    for j in range(2):
        y, fits = losses[..., j].ravel(), []
        for degree in range(1, len(sizes) + 1):
            expand = PolynomialFeatures(degree, include_bias=False)
            ridge = RidgeCV(cv.PENALTIES).fit(expand.fit_transform(X), y)
            fits.append((-ridge.best_score_, ridge.predict(expand.transform(X))))
        lowest, fitted = min(fits, key=lambda fit: fit[0])
        ours = designs @ coefficients[:, j] + intercepts[j]
        np.testing.assert_allclose(ours.ravel(), fitted, atol=1e-6)
        if j == 0:
            assert error == pytest.approx(np.sqrt(lowest), rel=1e-6)


@settings(deadline=None)
@given(st.lists(st.floats(-2, 2), min_size=3, max_size=6, unique=True), st.data())
def test_control_is_the_minimum_without_error_and_the_average_with_a_large_one(v, data):
    v = np.round(v, 3)
    test = np.array(
        data.draw(st.lists(st.floats(-1, 1), min_size=len(v), max_size=len(v)))
    )
    designs = np.stack([v, test], axis=-1)  # the two terms are the two predictions
    args = designs, np.eye(2), np.zeros(2)
    best = test[v == v.min()].mean()
    assert cv.expected_result(*args, 0.0) == pytest.approx(best)
    assert cv.expected_result(*args, 1e-6) == pytest.approx(best)
    assert cv.expected_result(*args, 1e6) == pytest.approx(test.mean(), abs=1e-5)


def test_weights_of_the_control_are_the_chances_under_gumbel_noise():
    rng = np.random.default_rng(0)
    valid, test, sd = np.array([0.0, 0.1, 0.3, 0.5]), np.array([1.0, 4, 2, 8]), 0.2
    noise = stats.gumbel_l(scale=sd * np.sqrt(6) / np.pi).rvs(
        (200_000, 4), random_state=rng
    )
    assert noise.std() == pytest.approx(sd, rel=0.01)
    drawn = test[np.argmin(valid + noise, axis=1)]
    designs = np.stack([valid, test], axis=-1)
    control = cv.expected_result(designs, np.eye(2), np.zeros(2), sd)
    assert abs(drawn.mean() - control) < 4 * stats.sem(drawn)


@pytest.mark.parametrize("noise", [0.0, 0.05])
def test_a_surrogate_that_knows_nothing_leaves_the_plain_mean(monkeypatch, noise):
    """The mean, standard error and interval of scipy's t."""
    points, valid, test, fresh = searches(7, 50, noise, np.random.default_rng(1))
    nothing = np.zeros((cv.polynomial(points)[0][-1], 2)), np.ones(2), 1.0
    monkeypatch.setattr(cv, "surrogate", lambda *_: nothing)
    found = cv.search_mean(points, valid, test, fresh)
    results = test[np.arange(7), valid.argmin(axis=1)]
    limits = stats.t.interval(0.95, 6, results.mean(), stats.sem(results))
    assert found.mean == pytest.approx(results.mean(), rel=1e-12)
    assert found.plain_mean == pytest.approx(results.mean(), rel=1e-12)
    assert found.standard_error == pytest.approx(found.plain_standard_error, rel=1e-12)
    np.testing.assert_allclose([found.low, found.high], limits, rtol=1e-12)


def test_a_control_has_not_seen_the_searches_of_its_fold():
    """Other losses of search 1 change no control in its fold, and all others."""
    rng = np.random.default_rng(6)
    points, valid, test, fresh = searches(13, 50, 0.05, rng)
    before = cv.cross_fitted(points, valid, test, fresh)[1]
    valid[1], test[1] = rng.random((2, valid.shape[1]))
    after = cv.cross_fitted(points, valid, test, fresh)[1]
    same = np.arange(13) % cv.MOST_FOLDS == 1
    np.testing.assert_array_equal(before[same], after[same])
    assert (before[~same] != after[~same]).all()


@pytest.mark.parametrize("known", [True, False])
def test_unbiased_against_the_exact_mean(monkeypatch, known):
    """Any surrogate that has not seen the searches, and the cross-fitted one.

    Random search in one dimension for the loss x: the mean of the best of n is 1/(n+1).
    """
    rng = np.random.default_rng(2)
    if known:  # far from the truth on purpose
        wrong = (
            np.array([[0.2, 0.5], [0.3, -0.4], [-0.1, 0.1], [0, 0.2]]),
            np.ones(2),
            0.1,
        )
        monkeypatch.setattr(cv, "surrogate", lambda *_: wrong)
    found = []
    for _ in range(200):
        points = rng.random((5, 4, 1))
        loss = points[..., 0]
        found.append(cv.search_mean(points, loss, loss, rng.random((200, 4, 1))))
    means = np.array([f.mean for f in found])
    assert abs(means.mean() - 1 / 5) < 4 * stats.sem(means)
    # ... and it is another estimate than the plain mean
    assert abs(means - [f.plain_mean for f in found]).max() > 0.02


@pytest.mark.parametrize("noise", [0.001, 0.1])
def test_coverage(noise):
    """Between 0.88 and 1 in 200 replicates; cheaper where losses are exact."""
    rng = np.random.default_rng(3)
    _, valid, test, _ = searches(100_000, 2, noise, rng)
    truth = np.take_along_axis(test, valid.argmin(axis=1)[:, None], axis=1).mean()
    found = np.array(
        [cv.search_mean(*searches(8, 300, noise, rng)) for _ in range(200)]
    )
    _, error, low, high, _, plain = found.T
    assert 0.88 < np.mean((low <= truth) & (truth <= high)) < 1
    gain = np.mean(plain) ** 2 / np.mean(error) ** 2
    assert gain > 10 if noise == 0.001 else 0.8 < gain < 1.3


def test_failed_trials_count_as_the_worst_and_are_no_result():
    rng = np.random.default_rng(4)
    points, valid, test, fresh = searches(6, 100, 0.01, rng)
    worst = np.unravel_index(valid.argmax(), valid.shape)
    failed = valid.copy(), test.copy()
    failed[0][worst] = failed[1][worst] = np.inf
    found = cv.search_mean(points, *failed, fresh)
    assert np.isfinite(found).all()
    assert found.plain_mean == cv.search_mean(points, valid, test, fresh).plain_mean


def test_excess_is_the_control_less_its_mean_over_the_fresh_designs(monkeypatch):
    rng = np.random.default_rng(7)
    points, valid, test, fresh = searches(12, 5, 0.01, rng)
    terms = cv.polynomial(points)[0][-1]
    model = rng.normal(size=(terms, 2)), np.zeros(2), 0.3
    monkeypatch.setattr(cv, "surrogate", lambda *_: model)
    results, excess, foretold = cv.cross_fitted(points, valid, test, fresh)
    control, of_fresh = (
        cv.expected_result(cv.polynomial(x)[1], *model) for x in (points, fresh)
    )
    np.testing.assert_allclose(foretold, of_fresh)
    np.testing.assert_allclose(excess, control - of_fresh.mean())
    np.testing.assert_array_equal(results, test[np.arange(12), valid.argmin(axis=1)])


def test_what_cannot_be_estimated_is_said_in_one_line():
    points, valid, test, fresh = searches(4, 10, 0.01, np.random.default_rng(5))
    with pytest.raises(ValueError, match="3 searches"):
        cv.search_mean(points[:2], valid[:2], test[:2], fresh)
    with pytest.raises(ValueError, match="3 searches"):
        cv.search_mean(points, valid[:, 1:], test[:, 1:], fresh)
    with pytest.raises(ValueError, match="fresh designs"):
        cv.search_mean(points, valid, test, fresh[:, 1:])
    with pytest.raises(ValueError, match="incumbent"):
        cv.search_mean(points, np.full_like(valid, np.inf), test * np.inf, fresh)
