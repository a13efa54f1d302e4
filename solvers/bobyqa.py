import numpy as np

from benchmark_utils.components import number_between
from benchmark_utils.strategies import Minimiser


class Solver(Minimiser):
    """BOBYQA: a quadratic model in a trust region, without derivatives; with restarts.

    Powell 2009, report DAMTP 2009/NA06; through Py-BOBYQA (Cartis, Fiala, Marteau &
    Roberts 2019, ACM Trans. Math. Softw. 45, 32). It works in the unit cube: log scales
    are linear there, integers and choices are cells (categories in their given order),
    inactive hyperparameters move unseen.

    It starts at a uniformly random point with 2 d steps of `rhobeg` along the axes, and
    ends at a trust region of `rhoend`; another random point follows. It does so too
    when 4 points in a row fell on known configurations (which are not trained again).
    With the library's 0.1 and 1e-8 the model would see a single cell of a choice, and a
    budget ends before the first restart: of `rhobeg` 0.1 to 0.5 and `rhoend` 1e-4 to
    1e-2, these were best where there are cells or several basins; on a smooth bowl all
    were alike.
    """

    name = "bobyqa"
    requirements = ["pip::Py-BOBYQA"]
    libraries = {"pybobyqa": "Py-BOBYQA"}
    parameters = {"rhobeg": [0.45], "rhoend": [0.01]}
    patience = 4

    def check(self):
        number_between("bobyqa: rhobeg", self.rhobeg, 0, 0.5)
        number_between("bobyqa: rhoend", self.rhoend, 0, self.rhobeg / 2)

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
