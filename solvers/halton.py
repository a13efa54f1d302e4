from benchmark_utils.designs import classical
from benchmark_utils.strategies import Design


class Solver(Design):
    """Halton sequence, scrambled: radical inverses in the first d prime bases.

    Halton 1960; scrambling of Owen 2017, through scipy. Extensible.
    """

    name = "halton"
    requirements = ["pip::scipy"]

    def sample(self, n, d, rng):
        return classical.halton(n, d, rng)
