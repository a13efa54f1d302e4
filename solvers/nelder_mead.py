import numpy as np

from benchmark_utils.strategies import Minimiser


class Solver(Minimiser):
    name = "nelder-mead"
    requirements = ["pip::scipy"]
    parameters = {"step": [0.25], "xatol": [0.001], "adaptive": [False]}

    def minimise(self, f):
        from scipy.optimize import minimize

        d = self.search.cube.d
        x0 = self.rng.random(d)
        step = np.where(x0 < 0.5, self.step, -self.step)
        minimize(
            f,
            x0,
            method="Nelder-Mead",
            bounds=[(0, 1)] * d,
            options={
                "initial_simplex": np.vstack([x0, x0 + np.diag(step)]),
                "xatol": self.xatol,
                "fatol": np.inf,
                "adaptive": self.adaptive,
            },
        )
