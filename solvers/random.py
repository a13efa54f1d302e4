from benchmark_utils.designs import classical
from benchmark_utils.strategies import Design


class Solver(Design):
    """Random search: independent uniform draws.

    Bergstra & Bengio 2012, "Random search for hyper-parameter optimization",
    JMLR 13. Extensible: the first n points are the n-point design.
    """

    name = "random"

    def sample(self, n, d, rng):
        return classical.random(n, d, rng)
