from benchmark_utils.designs import classical
from benchmark_utils.strategies import Design


class Solver(Design):
    """Sobol sequence, scrambled: fills every dyadic box evenly.

    Sobol 1967; scrambling of Matousek 1998, through scipy. Extensible, and best
    balanced where n is a power of 2.
    """

    name = "sobol"
    requirements = ["pip::scipy"]

    def sample(self, n, d, rng):
        return classical.sobol(n, d, rng)
