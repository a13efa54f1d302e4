from benchmark_utils.components import one_of
from benchmark_utils.designs.rsa_lhs import rsa_lhs
from benchmark_utils.designs.spheres import BOUNDARIES
from benchmark_utils.strategies import Design


class Solver(Design):
    """Latin hypercubes whose points also keep their distance.

    Placed one after another as in random sequential addition, each in rows that are
    still free: the union that the Copenhagen study (2023) left as further work.
    `boundary` as for rsa. Not extensible: drawn anew for each n.
    """

    name = "rsa-lhs"
    extensible = False
    requirements = ["pip::scipy"]
    parameters = {**Design.parameters, "boundary": ["periodic"]}

    def check(self):
        one_of("boundary", self.boundary, BOUNDARIES)

    def sample(self, n, d, rng):
        return rsa_lhs(n, d, rng, self.boundary)
