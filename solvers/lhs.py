from benchmark_utils.designs import classical
from benchmark_utils.strategies import Design


class Solver(Design):
    """Latin hypercube: on every axis, one point in each of n equal cells.

    McKay, Beckman & Conover 1979, Technometrics 21. Not extensible: drawn anew for
    each n.
    """

    name = "lhs"
    extensible = False
    requirements = ["pip::scipy"]

    def sample(self, n, d, rng):
        return classical.lhs(n, d, rng)
