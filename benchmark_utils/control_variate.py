"""Mean result of repeated searches of a design, with a surrogate as control variate.

A design of n points is drawn and searched R times; T_r is the loss of the incumbent of
search r, and E T is wanted. If C(D) is a fixed function of a design's points whose mean
c over fresh designs is known, T_r - C(D_r) + c has the mean E T too, and a smaller
variance where C foretells T (a control variate: Glasserman 2003, Monte Carlo Methods in
Financial Engineering, 4.1). A surrogate makes C, and c comes from thousands of fresh
designs without a training.

**C** is what the surrogate expects a search of D to return: its reported losses,
weighted by each point's chance to be the incumbent. With Gumbel noise on its validation
losses v the chances are a softmax, w_i ~ exp(-v_i / tau), tau = sqrt(6) / pi x its
leave-one-out error: the best point where that is small, the plain average where nothing
can be foretold. The coefficient of C is 1: one estimated from R skewed results goes
with the same outliers as the mean (measured: `benchmarks/control_variate.py`).

**Cross-fitting.** A surrogate that has seen search r follows its noise, foretells T_r
better than a new result, and makes intervals too short. That of one fold's searches is
fitted to all others. Given these, e_r = T_r - C(D_r) + c has the mean E T exactly.

**Variance.** Two e of one fold are uncorrelated. Those of two folds share, in
Hoeffding's decomposition over searches, only terms with both r and s in them, as each
has mean E T given all searches but its own. In first order e_r depends on s by the
shift w(x_r, x_s) y_s that a trial of s gives the surrogate at a point of r, and e_s on
r by w(x_s, x_r) y_r: where the y are noise, which is what over-fitting follows, the
product has mean 0. Misfit is left, and bounded: were all of e_r terms of pairs,
Var(mean e) would be 2 Var(e) / R at most. Measured, s^2(e) / R is right. To it comes
the variance of c: that of C over the fresh designs, divided by their number.
"""

from math import comb
from typing import NamedTuple

import numpy as np
from scipy import stats
from scipy.special import softmax
from sklearn.preprocessing import PolynomialFeatures

MOST_FOLDS = 10
DEGREES = (1, 2, 3, 4)  # of the polynomial, as long as it has at most
MOST_TERMS = 150
PENALTIES = np.logspace(-6, 3, 10)


class SearchMean(NamedTuple):
    """Mean result of a search and its limits; ``plain``: without a surrogate."""

    mean: float
    standard_error: float
    low: float
    high: float
    plain_mean: float
    plain_standard_error: float


def search_mean(points, valid, test, fresh, confidence: float = 0.95) -> SearchMean:
    """Return the mean result of a search and its interval, Student's t.

    points : (R, n, d), R >= 3 independent draws of one design in [0, 1]^d, searched on
    the same split (another split is another landscape).
    valid, test : (R, n), losses of the trials, `inf` where one failed. A search returns
    the test loss of its trial with the lowest validation loss; to report validation
    losses, give them twice.
    fresh : (M, n, d), more draws of the design, for which nothing is trained. A few
    thousand: the standard error cannot fall below that of C over M draws.
    """
    results, excess, foretold = cross_fitted(points, valid, test, fresh)
    mean, error, half = t_interval(results - excess, foretold, confidence)
    plain = results.mean(), stats.sem(results)
    return SearchMean(*map(float, (mean, error, mean - half, mean + half, *plain)))


def t_interval(corrected, foretold, confidence: float) -> tuple[float, float, float]:
    """Return mean, standard error and half the interval, t of Welch 1947."""
    own, of_c = stats.sem(corrected) ** 2, stats.sem(foretold) ** 2
    spread = own**2 / (len(corrected) - 1) + of_c**2 / (len(foretold) - 1)
    df = (own + of_c) ** 2 / spread if spread > 0 else len(corrected) - 1
    error = np.sqrt(own + of_c)
    return corrected.mean(), error, stats.t.ppf((1 + confidence) / 2, df) * error


def cross_fitted(points, valid, test, fresh) -> tuple[np.ndarray, ...]:
    """Return T (R,), C(D) - c (R,), and C of fresh designs (M,), mean over folds."""
    points, fresh = np.asarray(points, dtype=float), np.asarray(fresh, dtype=float)
    losses = np.stack([valid, test], axis=-1).astype(float)
    if points.ndim != 3 or losses.shape[:-1] != points.shape[:2] or len(points) < 3:
        raise ValueError("needs points (R, n, d) and losses (R, n) of 3 searches")
    if fresh.shape[1:] != points.shape[1:] or len(fresh) < 2:
        raise ValueError("fresh designs need the shape of those that were searched")
    R = len(points)
    results = losses[np.arange(R), losses[..., 0].argmin(axis=1), 1]
    if not np.isfinite(results).all():
        raise ValueError("every search needs an incumbent with a finite loss")
    sizes, designs = polynomial(np.concatenate([points, fresh]))
    fold = np.arange(R) % MOST_FOLDS
    excess, foretold = np.empty(R), np.zeros(len(fresh))
    for k in np.unique(fold):
        model = surrogate(designs[:R][fold != k], losses[fold != k], sizes)
        control = expected_result(designs, *model)
        excess[fold == k] = control[:R][fold == k] - control[R:].mean()
        foretold += control[R:] * np.mean(fold == k)
    return results, excess, foretold


def polynomial(points: np.ndarray) -> tuple[list[int], np.ndarray]:
    """Return the number of terms up to each degree, and all at points (..., terms)."""
    d = points.shape[-1]
    sizes = [comb(d + k, k) - 1 for k in DEGREES]
    sizes = sizes[:1] + [size for size in sizes[1:] if size <= MOST_TERMS]
    expand = PolynomialFeatures(DEGREES[len(sizes) - 1], include_bias=False)
    terms = expand.fit_transform(2 * points.reshape(-1, d) - 1)
    return sizes, terms.reshape(*points.shape[:-1], -1)


def surrogate(designs, losses, sizes) -> tuple[np.ndarray, np.ndarray, float]:
    """Return coefficients (terms, 2), intercepts (2,), error in the validation loss.

    designs : (R, n, terms); losses : (R, n, 2). Ridge regression; for either loss the
    degree and penalty of the lowest squared leave-one-out error, which is (residual /
    (1 - leverage))^2. A failed trial has the loss of the worst.
    """
    X, Y = designs.reshape(-1, designs.shape[-1]), losses.reshape(-1, 2)
    Y = np.where(np.isfinite(Y), Y, np.where(np.isfinite(Y), Y, -np.inf).max(axis=0))
    centre, middle = X.mean(axis=0), Y.mean(axis=0)
    lowest, coefficients = np.full(2, np.inf), np.zeros((X.shape[1], 2))
    for size in sizes:
        A = X[:, :size] - centre[:size]
        w, V = np.linalg.eigh(A.T @ A)
        U = A @ V
        along, shrunk = U.T @ (Y - middle), 1 / (np.maximum(w, 0) + PENALTIES[:, None])
        leverage = 1 / len(X) + shrunk @ U.T**2
        residuals = Y - middle - U @ (shrunk[..., None] * along)
        errors = np.mean((residuals / (1 - leverage[..., None])) ** 2, axis=1)
        for j in np.flatnonzero(errors.min(axis=0) < lowest):
            best, lowest[j] = errors[:, j].argmin(), errors[:, j].min()
            coefficients[:size, j] = V @ (shrunk[best] * along[:, j])
    return coefficients, middle - centre @ coefficients, float(np.sqrt(lowest[0]))


def expected_result(designs, coefficients, intercepts, error: float) -> np.ndarray:
    """Return C of designs (..., n, terms)."""
    valid, test = np.moveaxis(designs @ coefficients + intercepts, -1, 0)
    above = valid - valid.min(axis=-1, keepdims=True)
    tau = max(np.sqrt(6) / np.pi * error, np.finfo(float).tiny)
    return np.sum(softmax(-np.minimum(above, 700 * tau) / tau, axis=-1) * test, axis=-1)
