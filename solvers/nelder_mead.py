import numpy as np
from scipy.optimize import minimize

from benchmark_utils.components import number_between
from benchmark_utils.strategies import Minimiser


class Solver(Minimiser):
    """Nelder-Mead: a simplex reflects, expands and contracts; restarted at random.

    Nelder & Mead 1965, Comput. J. 7, 308-313, through scipy, which keeps it within the
    bounds. It works in the unit cube: log scales are linear there, integers and choices
    are cells (categories in their given order), inactive hyperparameters move unseen.

    It starts at a uniformly random point, with the other d corners of the simplex
    `step` away from it along each axis, towards the middle. Of steps from 0.1 to 0.5,
    0.4 was as good as the best on smooth problems; 0.1 and 0.25 stayed within the cells
    of recorded tables, 0.5 sometimes fell flat onto a bound, where scipy clips it. It
    is restarted when no corner is further than `xatol` from the best, or when 4 points
    in a row fell on known configurations (which are not trained again).
    """

    name = "nelder-mead"
    requirements = ["pip::scipy"]
    parameters = {"step": [0.4], "xatol": [0.01]}
    patience = 4

    def check(self):
        number_between("nelder-mead: step", self.step, 0, 0.5)
        number_between("nelder-mead: xatol", self.xatol, 0, 1)

    def minimise(self, f):
        d = self.search.cube.d
        x0 = self.rng.random(d)
        steps = np.where(x0 < 0.5, self.step, -self.step)
        options = {
            "initial_simplex": np.vstack([x0, x0 + np.diag(steps)]),
            "xatol": self.xatol,
            "fatol": np.inf,  # the scale of the loss is not known: only xatol counts
        }
        minimize(f, x0, method="Nelder-Mead", bounds=[(0, 1)] * d, options=options)
