import numpy as np

from benchmark_utils.components import missing
from benchmark_utils.strategies import Minimiser


class Solver(Minimiser):
    name = "bobyqa"
    requirements = ["pip::Py-BOBYQA"]
    parameters = {"rhobeg": [0.2], "rhoend": [0.001]}

    def unfit(self, space, n_trials):
        return missing("pybobyqa", "Py-BOBYQA")

    def minimise(self, f):
        import pybobyqa

        d = self.search.cube.d
        pybobyqa.solve(
            f,
            self.rng.random(d),
            bounds=(np.zeros(d), np.ones(d)),
            rhobeg=self.rhobeg,
            rhoend=self.rhoend,
            do_logging=False,
        )
