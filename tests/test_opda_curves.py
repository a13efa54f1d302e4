"""Curves through opda: the library called directly, coverage, beyond the pool."""

import numpy as np
import pytest

from benchmark_utils import opda_curves
from benchmark_utils.opda_curves import median_curve, noisy_quadratic_curve


@pytest.fixture(autouse=True)
def opda():
    return pytest.importorskip("opda")


def test_the_band_is_opdas():
    from opda.nonparametric import EmpiricalDistribution

    losses = np.random.default_rng(0).random(30)
    curve = median_curve(losses, [1, 5, 30], lowest=0.0, highest=1.0)
    bands = EmpiricalDistribution.confidence_bands(
        losses, 0.95, a=0.0, b=1.0, method="ld_equal_tailed"
    )
    for name, cdf in zip(("high", "median", "low"), bands, strict=True):
        expected = cdf.quantile_tuning_curve([1, 5, 30], minimize=True)
        assert curve[name].tolist() == pytest.approx(list(expected))
    assert (curve["low"] <= curve["median"]).all()
    assert (curve["median"] <= curve["high"]).all()
    assert set(curve["kind"]) == {opda_curves.DISTRIBUTION_FREE}


def test_the_whole_median_curve_is_in_the_band_as_often_as_promised():
    rng, n = np.random.default_rng(0), np.arange(1, 21)
    truth = 1 - 0.5 ** (1 / n)  # the median of the best of n uniform losses
    covered = []
    for _ in range(200):
        curve = median_curve(rng.random(20), n, 0.8, lowest=0, highest=1)
        inside = (curve["low"] <= truth + 1e-12) & (truth <= curve["high"] + 1e-12)
        covered.append(inside.all())
    assert np.mean(covered) >= 0.72


def test_failed_trials_count_as_the_worst_and_bounds_are_checked():
    curve = median_curve([1.0, 2.0, np.inf], 1, lowest=0, highest=5)
    assert curve["median"].tolist() == [2.0]
    with pytest.raises(ValueError, match="outside the bounds 0 and 2"):
        median_curve([1.0, 3.0], 1, lowest=0, highest=2)
    with pytest.raises(ValueError, match="n=3 is not between 1 and the 2"):
        median_curve([1.0, 2.0], 3)


def test_the_model_goes_beyond_the_pool_and_says_that_it_is_one():
    # A noise-free bowl in one dimension: the loss of a random trial is u^2, u uniform.
    losses = np.random.default_rng(0).random(60) ** 2
    curve = noisy_quadratic_curve(losses, [5, 240])
    assert curve["n"].tolist() == [5, 240]
    assert set(curve["kind"]) == {opda_curves.MODEL}
    # the mean of the best of n is 2 / ((n + 1) (n + 2))
    assert curve["mean"][0] == pytest.approx(2 / (6 * 7), abs=0.03)
    assert curve["mean"][1] == pytest.approx(2 / (241 * 242), abs=0.01)


@pytest.mark.parametrize("share", [0, 1.5])
def test_a_share_is_a_share(share):
    with pytest.raises(ValueError, match="share="):
        noisy_quadratic_curve([1.0, 2.0], 5, share)


def test_without_opda_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setattr(opda_curves, "missing", lambda *names: "pip install opda")
    with pytest.raises(ImportError, match="pip install opda"):
        median_curve([1.0, 2.0], 1)
