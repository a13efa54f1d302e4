from benchmark_utils.lists import to_configuration
from benchmark_utils.strategies import Design


class Solver(Design):
    """What everybody tries first: defaults, then what the documentation recommends.

    The learner's own defaults come first. The list is each problem's own, short (1 to
    8 configurations), and ends when it ends.
    """

    name = "folklore"
    extensible = False

    def propose(self, search):
        return [
            to_configuration("folklore", values, search.space)
            for values in search.defaults[: search.n_trials]
        ]
