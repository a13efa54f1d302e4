import sys

import numpy as np

from benchmark_utils.components import fail
from benchmark_utils.strategies import ModelBased

MARGIN_UP_TO = 100  # values; more of them are as good as continuous


class Solver(ModelBased):
    """CMA-ES: a normal distribution that moves, stretches and turns to better trials.

    Hansen 2016, "The CMA evolution strategy: a tutorial", arXiv:1604.00772; margin for
    discrete values: Hamano et al. 2022, arXiv:2205.13482. Through cmaes (CMAwM), in the
    unit cube: floats and integers on their own scale (linear or log).

    It starts in the middle of the space, or at the best trial of a design, with a
    standard deviation of `sigma` of the range and the usual small population, 4 + 3 ln
    d; a converged one is followed by another at random of twice its size (Auger &
    Hansen 2005, CEC). The distribution is kept from settling on one integer, ordinal or
    category too early; categories are in the order of the space, which means nothing.
    Cells of different widths (integers on log scale, weighted categories) and more than
    100 values count as continuous. Coordinates of inactive hyperparameters drift.
    """

    name = "cma-es"
    requirements = ["pip::cmaes"]
    libraries = {"cmaes": "cmaes"}
    parameters = {**ModelBased.parameters, "sigma": [0.25]}

    def check(self):
        super().check()
        if not isinstance(self.sigma, int | float) or not 0 < self.sigma < np.inf:
            fail(f"cma-es: sigma={self.sigma!r} must be a number above 0")

    def start(self):
        self.steps = np.array([_step(axis) for axis in self.search.cube.axes])
        self.rng = np.random.default_rng(self.search.seed)
        self.optimizer, self.told = None, []
        self.best = np.inf, np.full(len(self.steps), 0.5)

    def begin(self, mean, population_size, seed):
        from cmaes import CMAwM

        bounds = np.column_stack([self.steps / 2, 1 - self.steps / 2])
        self.optimizer = CMAwM(
            mean.clip(*bounds.T),
            self.sigma,
            bounds,
            self.steps,
            seed=seed,
            population_size=population_size,
        )

    def suggest(self):
        if self.optimizer is None:
            self.begin(self.best[1], None, self.search.seed)
        elif not self.told and self.optimizer.should_stop():
            mean, seed = self.rng.random(len(self.steps)), int(self.rng.integers(2**31))
            self.begin(mean, 2 * self.optimizer.population_size, seed)
        point, self.asked = self.optimizer.ask()
        return self.search.configurations([point.clip(0, 1)])[0]

    def tell(self, trial):
        if self.optimizer is None:  # of the initial design
            point = self.search.cube.points([trial.configuration])[0]
            self.best = min(self.best, (trial.loss, point), key=lambda best: best[0])
            return
        # Only ranks count, but the difference of two infinite losses is no number.
        self.told.append((self.asked, min(trial.loss, sys.float_info.max)))
        if len(self.told) == self.optimizer.population_size:
            self.optimizer.tell(self.told)
            self.told = []


def _step(axis):
    """Return the distance of neighbouring values on an axis, 0 for a continuous one."""
    if not 2 <= axis.n_values <= MARGIN_UP_TO:
        return 0.0
    even = (np.arange(axis.n_values) + 0.5) / axis.n_values
    middles = [axis.coordinate(value) for value in axis.values(even)]
    return 1 / axis.n_values if np.allclose(middles, even) else 0.0
