from benchmark_utils.components import one_of
from benchmark_utils.designs.rsa import rsa
from benchmark_utils.designs.spheres import BOUNDARIES
from benchmark_utils.strategies import Design


class Solver(Design):
    """Random sequential addition: spheres dropped at random that never overlap.

    The radius is the largest for which n spheres can be placed. From the Copenhagen
    study (2023); near saturation, after Zhang & Torquato 2013, Phys. Rev. E 88, 053312.
    `boundary` is periodic, or hard: then points pile up on the faces. Not extensible:
    drawn anew for each n.
    """

    name = "rsa"
    extensible = False
    requirements = ["pip::scipy"]
    parameters = {**Design.parameters, "boundary": ["periodic"]}

    def check(self):
        one_of("boundary", self.boundary, BOUNDARIES)

    def sample(self, n, d, rng):
        return rsa(n, d, rng, self.boundary)
