"""Response surfaces in the unit cube with a known optimum.

Landscapes take places (..., d) relative to the optimum and return losses (...,).
"""

import math

import numpy as np
from ConfigSpace import ConfigurationSpace, Float

from benchmark_utils.problems import Problem
from benchmark_utils.trials import Outcome


def bowl(z: np.ndarray) -> np.ndarray:
    """Mean squared distance from the optimum: smooth, one basin."""
    return np.mean(z**2, axis=-1)


def basins(z: np.ndarray) -> np.ndarray:
    """A bowl with ripples (Rastrigin 1974): many local optima, one global."""
    return np.mean(z**2 + 0.1 * (1 - np.cos(6 * np.pi * z)), axis=-1)


def valley(z: np.ndarray) -> np.ndarray:
    """A bent narrow valley (Rosenbrock 1960), its minimum moved to z = 0.

    In one dimension a bowl.
    """
    along = np.mean(z**2, axis=-1)
    if z.shape[-1] == 1:
        return 0.1 * along
    across = np.mean((z[..., 1:] - 2 * z[..., :-1] ** 2) ** 2, axis=-1)
    return 0.1 * along + 10 * across


SPEEDS = (5.0, 50.0)  # of the slowest and the quickest learning curve
DROP = 0.3  # from the loss of an untrained configuration to its last


def still_to_learn(fidelity: float, u: float) -> float:
    """Return by how much a partial training's loss is above the full one's.

    An exponential curve, a(f) = DROP (e^(-k f) - e^-k) / (1 - e^-k), from DROP at
    f = 0 to exactly 0 at f = 1; its speed k goes on a logarithmic scale from 5 at
    u = 0 to 50 at u = 1.
    """
    k = SPEEDS[0] * (SPEEDS[1] / SPEEDS[0]) ** u
    return DROP * (math.exp(-k * fidelity) - math.exp(-k)) / -math.expm1(-k)


LANDSCAPES = {"bowl": bowl, "basins": basins, "valley": valley}


class Simulated(Problem):
    """A landscape over x0, x1, … in [0, 1], of which only some matter.

    Optimum and the hyperparameters that matter are drawn anew for every split: the
    optimum uniformly in [0.1, 0.9]^n_dims, the others as a random subset (low
    effective dimension: Bergstra & Bengio 2012, JMLR 13). The noise-free loss at
    the optimum is 0.

    The validation loss has Gaussian noise of standard deviation ``noise``, drawn
    with the training seed, anew at every fidelity; the test loss is the noise-free
    loss, and so is the regret: exact, and not deceived by a lucky draw.

    Learning curves: at a fidelity f below 1, the loss is higher by `still_to_learn`.
    How quickly a configuration learns depends on one of the hyperparameters that
    matter, drawn with the split, as it does on a learning rate; where the loss at the
    end is lowest has nothing to do with it, so that learning curves cross.
    """

    metrics = ("loss",)
    min_fidelity = 0.01

    def __init__(self, n_dims: int, effective_dims: int, noise: float, landscape: str):
        self.space = ConfigurationSpace(
            space=[Float(f"x{i}", (0.0, 1.0), default=0.5) for i in range(n_dims)]
        )
        self.defaults = [{f"x{i}": 0.5 for i in range(n_dims)}]
        self._n_dims = n_dims
        self._effective_dims = effective_dims
        self._noise = noise
        self._landscape = LANDSCAPES[landscape]

    def optimum(self, split: int, data_seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the optimum, (n_dims,), and the dimensions that matter."""
        return self._draw(split, data_seed)[:2]

    def _draw(self, split, data_seed):
        rng = np.random.default_rng([data_seed, split])
        optimum = rng.uniform(0.1, 0.9, self._n_dims)
        matter = rng.choice(self._n_dims, self._effective_dims, replace=False)
        return optimum, np.sort(matter), rng.choice(matter)

    def evaluate(self, requests, seeds, setting, kept=None):
        optimum, matter, speed = self._draw(setting.split, setting.data_seed)
        for trial_id, configuration, fidelity in requests:
            x = np.array([configuration[f"x{i}"] for i in matter])
            loss = float(self._landscape(x - optimum[matter]))
            loss += still_to_learn(fidelity, configuration[f"x{speed}"])
            noise = 0.0
            if self._noise:
                seed = [seeds[trial_id]] + [round(fidelity * 1e9)] * (fidelity < 1)
                noise = np.random.default_rng(seed).normal(0, self._noise)
            yield Outcome(
                trial_id,
                valid_loss=loss + noise,
                test_loss=loss,
                regret=loss,
                fit_seconds=0.0,
                predict_seconds=0.0,
                size=math.nan,
            )
