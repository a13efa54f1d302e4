from scipy.stats import qmc

from benchmark_utils.strategies import Design


class Solver(Design):
    """Sobol sequence, scrambled: fills every dyadic box evenly.

    Sobol 1967; scrambling of Matousek 1998, through scipy. Extensible, and best
    balanced where n is a power of 2.
    """

    name = "sobol"
    requirements = ["pip::scipy"]

    def sample(self, n, d, rng):
        # A power of 2 is drawn and cut: scipy warns about any other number.
        return qmc.Sobol(d, rng=rng).random_base2((n - 1).bit_length())[:n]
