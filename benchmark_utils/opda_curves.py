"""Tuning curves of random search through opda: bands for all n, and beyond the pool.

Optional: `pip install opda` (Lourie, Cho & He 2024, "Show your work with confidence",
arXiv:2311.09480; Lourie, He & Cho 2025, "Hyperparameter loss surfaces are simple near
their optima", arXiv:2510.02721). Of the validation loss; failed trials count as the
worst loss of those that did not fail, as in `tuning_curves.pool_curve`.
"""

import warnings

import numpy as np
import pandas as pd

from benchmark_utils.components import missing
from benchmark_utils.tuning_curves import (
    check_confidence,
    checked_losses,
    numbers_of_trials,
)

DISTRIBUTION_FREE = "simultaneous band of the median, distribution-free"
MODEL = "model: noisy quadratic distribution, fitted to the pool"


def median_curve(
    valid_loss,
    n=None,
    confidence: float = 0.95,
    lowest: float = -np.inf,
    highest: float = np.inf,
) -> pd.DataFrame:
    """Return the median result of n random trials, with a band for all n at once.

    Columns ``n, median, low, high, kind``. With ``confidence`` the whole median curve
    is between low and high, whatever the distribution of the losses (exact where it is
    continuous). ``lowest`` and ``highest`` bound what losses are possible, 0 of an
    error rate for instance: they close the band, which is else infinite for large n.
    n goes up to the size of the pool.
    """
    _check_opda()
    from opda.nonparametric import EmpiricalDistribution

    check_confidence(confidence)
    _, losses = checked_losses(valid_loss, None)
    if not (lowest <= losses.min() and losses.max() <= highest):
        raise ValueError(
            f"losses are from {losses.min():g} to {losses.max():g}: outside the bounds "
            f"{lowest:g} and {highest:g}"
        )
    n = numbers_of_trials(n, len(losses))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of ties: see above
        distributions = EmpiricalDistribution.confidence_bands(
            losses, confidence, a=lowest, b=highest, method="ld_equal_tailed"
        )
    high, median, low = (
        np.asarray(d.quantile_tuning_curve(n, minimize=True), dtype=float)
        for d in distributions
    )
    return pd.DataFrame(
        {"n": n, "median": median, "low": low, "high": high, "kind": DISTRIBUTION_FREE}
    )


def noisy_quadratic_curve(valid_loss, n, share: float = 0.5) -> pd.DataFrame:
    """Return the mean result of n random trials by a model: n may exceed the pool.

    Columns ``n, mean, kind``; no interval. Near the optimum of a smooth loss with
    normal noise, losses of random trials follow a noisy quadratic distribution. It is
    fitted to the best ``share`` of the pool, the rest only counted (opda's advice, as
    it is a model of the tail): that takes seconds to a minute. How wrong it is where
    the model is, no number here tells.
    """
    _check_opda()
    from opda.parametric import NoisyQuadraticDistribution

    if not 0 < share <= 1:
        raise ValueError(f"share={share}: must be above 0 and at most 1")
    _, losses = checked_losses(valid_loss, None)
    n = numbers_of_trials(n, np.inf)
    worst = np.inf if share == 1 else np.quantile(losses, share)
    with np.errstate(all="ignore"):
        fitted = NoisyQuadraticDistribution.fit(
            losses,
            limits=(-np.inf, worst),
            constraints={"convex": True},
            generator=np.random.default_rng(0),
        )
        mean = fitted.average_tuning_curve(n.astype(float), minimize=True)
    return pd.DataFrame({"n": n, "mean": mean, "kind": MODEL})


def _check_opda() -> None:
    if reason := missing("opda", "opda"):
        raise ImportError(reason)
