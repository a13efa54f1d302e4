import numpy as np
from ConfigSpace.hyperparameters import CategoricalHyperparameter

from benchmark_utils.strategies import ModelBased

N_ANYWHERE, N_NEAR = 500, 500  # candidates


class Solver(ModelBased):
    """Bayesian neural network, expected improvement: DNGO.

    Snoek et al. 2015, "Scalable Bayesian optimization using deep neural networks",
    ICML: the last layer of a network (3 x 50 tanh units) is the basis of a Bayesian
    linear regression. The network is trained in torch, anew after each trial, by L-BFGS
    with weight decay (theirs: gradient descent); variances of noise and weights have
    the highest marginal likelihood (theirs: sampled); the prior mean is constant
    (theirs: quadratic). Log expected improvement (Ament et al. 2023, NeurIPS) by
    botorch, compared at 1000 candidates, those tried left out: half anywhere, half near
    the five best trials.

    Works in the unit cube, categories one-hot, other choices at the middle of their
    cell, inactive hyperparameters at 0.5. Very bad losses are pulled in towards the
    median.

    Starts with a Sobol design. A failure before any loss counts as the worst of later
    ones; before any two different losses, and where all was tried, it draws at random.
    """

    name = "bayesian-nn"
    requirements = ["pip::torch", "pip::botorch"]
    libraries = {"torch._dynamo": "torch", "botorch.acquisition": "botorch"}

    def check(self):
        self.initial = self.initial or "sobol"
        super().check()

    def start(self):
        cube = self.search.cube
        self.rng = np.random.default_rng(self.search.seed)
        self.points, self.losses = np.empty((0, cube.d)), np.empty(0)
        self.middles = [_middles(cube.space[axis.name], axis) for axis in cube.axes]

    def tell(self, trial):
        point = self.search.cube.points([trial.configuration])
        self.points = np.concatenate([self.points, point])
        self.losses = np.append(self.losses, trial.loss)

    def suggest(self):
        from benchmark_utils.dngo import expected_improvement, standardised

        search, y = self.search, standardised(self.losses)
        candidates = self.candidates(y)
        points = self.cells(candidates)
        tried = (points[:, None] == self.points).all(axis=2).any(axis=1)
        if tried.all() or not y.any():
            return search.configurations(candidates[:1])[0]
        known, new = self.encoded(self.points), self.encoded(points)
        gain = expected_improvement(known, y, new, int(self.rng.integers(2**31)))
        best = np.where(tried, -np.inf, gain).argmax()
        return search.configurations(candidates[[best]])[0]

    def candidates(self, y):
        """Return points: anywhere, then near the best, some axes drawn anew."""
        rng, d = self.rng, self.points.shape[1]
        best = self.points[np.argsort(y, kind="stable")[:5]]
        near = best[rng.integers(len(best), size=N_NEAR)]
        near += 10 ** rng.uniform(-3, -0.5, (N_NEAR, 1)) * rng.normal(size=near.shape)
        anywhere = rng.random((N_ANYWHERE + N_NEAR, d))
        anew = rng.random(near.shape) < rng.choice([0, 1 / d], (N_NEAR, 1))
        near = np.where(anew, anywhere[N_ANYWHERE:], near.clip(0, 1))
        return np.concatenate([anywhere[:N_ANYWHERE], near])

    def cells(self, points):
        """Return points as the cube gives them back: choices at their cell's middle."""
        cube = self.search.cube
        if cube.space.conditions:
            return cube.points(cube.configurations(points))
        points = points.copy()
        for j, axis in enumerate(cube.axes):
            if np.isfinite(axis.n_values):
                values = axis.values(points[:, j])
                middles = {value: axis.coordinate(value) for value in set(values)}
                points[:, j] = [middles[value] for value in values]
        return points

    def encoded(self, points):
        """Return the network's inputs, in [-1, 1]: categories as one column each."""
        columns = [
            u[:, None] if middles is None else u[:, None] == middles
            for u, middles in zip(points.T, self.middles, strict=True)
        ]
        return 2.0 * np.hstack(columns) - 1


def _middles(hyperparameter, axis):
    if isinstance(hyperparameter, CategoricalHyperparameter):
        return np.array([axis.coordinate(choice) for choice in hyperparameter.choices])
    return None
