from benchmark_utils.designs.hypertiling import hypertiling
from benchmark_utils.strategies import Design


class Solver(Design):
    """Hypertiling: vertices of a randomly turned aperiodic tiling.

    In two dimensions the rhombic Penrose tiling (de Bruijn 1981), in three its
    icosahedral analogue, above it d + 1 directions close to those of a regular
    simplex. From the Copenhagen study (2023). Not extensible: drawn anew for each n.
    """

    name = "hypertiling"
    extensible = False
    requirements = ["pip::scipy"]

    def sample(self, n, d, rng):
        return hypertiling(n, d, rng)
