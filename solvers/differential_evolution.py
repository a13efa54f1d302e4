from benchmark_utils.components import one_of, whole_number
from benchmark_utils.designs import SAMPLERS
from benchmark_utils.strategies import Minimiser


class Solver(Minimiser):
    name = "differential-evolution"
    requirements = ["pip::scipy"]
    parameters = {"pop_size": [10], "initial": ["lhs"], "strategy": ["best1bin"]}

    def minimise(self, f):
        from scipy.optimize import differential_evolution

        d = self.search.cube.d
        differential_evolution(
            f,
            [(0, 1)] * d,
            strategy=self.strategy,
            init=SAMPLERS[self.initial](self.pop_size, d, self.rng),
            polish=False,
            rng=self.rng,
        )
