from benchmark_utils.in_parts import Climbing


class Solver(Climbing):
    """Random search under the median rule, until the budget is spent.

    Golovin et al. 2017, "Google Vizier", KDD, section 3.2; through optuna's
    MedianPruner with its settings: the first 5 trials are finished, and then a
    training whose best loss so far is above the median, at its rung, of the finished
    ones is stopped. The configurations are those of `random`, in its order.
    """

    name = "median-pruning"
    rule = "median"
