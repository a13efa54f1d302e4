"""DNGO: a network whose last layer is the basis of a Bayesian linear regression.

Snoek et al. 2015, "Scalable Bayesian optimization using deep neural networks", ICML.
"""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import torch
from botorch.acquisition import LogExpectedImprovement
from botorch.models.model import Model
from botorch.posteriors import GPyTorchPosterior
from gpytorch.distributions import MultivariateNormal

from benchmark_utils.one_thread import one_thread

N_UNITS, N_LAYERS, DECAY, STEPS = 50, 3, 1e-3, 60
NOISE = np.logspace(-8, 1, 55)[:, None]  # variance of the noise to that of the basis


def expected_improvement(
    X: np.ndarray, y: np.ndarray, new: np.ndarray, seed: int
) -> np.ndarray:
    """Return the log expected improvement, (m,), at new inputs, (m, k).

    X, ndarray (n, k), are the inputs known, in [-1, 1]; y, ndarray (n,), their losses,
    standardised. What is improved on is the lowest of their predicted losses.
    """
    basis = trained(X, y, seed)
    predict = regression(basis(X), y)
    lowest = predict(basis(X))[0].min()
    gain = LogExpectedImprovement(LastLayer(basis, predict), lowest, maximize=False)
    return gain(torch.from_numpy(new)[:, None]).numpy()


class LastLayer(Model):
    """What botorch calls a model: a normal distribution at each input, (m, 1, k)."""

    num_outputs = 1

    def __init__(self, basis: Callable, predict: Callable):
        super().__init__()
        self.basis, self.predict = basis, predict

    def posterior(self, X, **options):
        mean, deviation = map(
            torch.from_numpy, self.predict(self.basis(X[:, 0].numpy()))
        )
        normal = MultivariateNormal(mean[:, None], deviation[:, None, None] ** 2)
        return GPyTorchPosterior(normal)


def standardised(losses: np.ndarray) -> np.ndarray:
    """Return losses with mean 0 and variance 1; all 0 where there is nothing to learn.

    Losses further above the median than three times the best is below it, infinite ones
    too, are pulled in to there.
    """
    finite = losses[np.isfinite(losses)]
    if not len(finite):
        return np.zeros(len(losses))
    low, middle = finite.min(), np.median(finite)
    y = np.minimum(losses, min(finite.max(), middle + 3 * (middle - low))) - low
    return (y - y.mean()) / (y.std() or 1)


def trained(X: np.ndarray, y: np.ndarray, seed: int) -> Callable:
    """Train a network on the losses; return its last hidden layer, a function of X."""
    generator = torch.Generator().manual_seed(seed)
    options = {"generator": generator, "dtype": torch.float64}
    sizes = [X.shape[1], *[N_UNITS] * N_LAYERS]
    weights = []
    for fan_in, fan_out in pairwise(sizes):
        weights.append(torch.randn(fan_in, fan_out, **options) / fan_in**0.5)
        weights.append(torch.randn(fan_out, **options))
    weights.append(torch.randn(N_UNITS + 1, **options) / N_UNITS**0.5)
    for w in weights:
        w.requires_grad_()

    def hidden(X):
        for W, b in zip(weights[:-1:2], weights[1:-1:2], strict=True):
            X = torch.tanh(X @ W + b)
        return torch.cat([X, torch.ones_like(X[:, :1])], dim=1)

    def loss():
        optimiser.zero_grad()
        error = ((hidden(inputs) @ weights[-1] - target) ** 2).sum()
        error = error + DECAY * sum((w**2).sum() for w in weights)
        error.backward()
        return error

    inputs, target = torch.from_numpy(X), torch.from_numpy(y)
    optimiser = torch.optim.LBFGS(
        weights, max_iter=STEPS, history_size=10, line_search_fn="strong_wolfe"
    )
    with one_thread():
        optimiser.step(loss)
    return lambda X: hidden(torch.from_numpy(X)).detach().numpy()


def regression(basis: np.ndarray, y: np.ndarray) -> Callable:
    """Bayesian linear regression; return the function (mean, deviation) of a basis.

    The variances of noise and weights maximise the marginal likelihood: their ratio on
    a grid, the weights' then in closed form.
    """
    spectrum, U = np.linalg.eigh(basis @ basis.T)
    spectrum = spectrum.clip(0)
    z = U.T @ y
    noise = NOISE * spectrum.mean()
    variances = np.mean(z**2 / (spectrum + noise), axis=1)  # of the weights, best each
    evidence = len(y) * np.log(variances) + np.log(spectrum + noise).sum(axis=1)
    best = evidence.argmin()
    scale = spectrum + noise[best]

    def predict(new):
        k = new @ basis.T @ U
        variance = (new**2).sum(axis=1) - (k**2 / scale).sum(axis=1)
        return k @ (z / scale), np.sqrt(variances[best] * variance.clip(1e-12))

    return predict
