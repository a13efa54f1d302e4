from benchmark_utils.brackets import Brackets


class Solver(Brackets):
    """Successive halving: of the configurations of a rung, the best 1/eta go on.

    Jamieson & Talwalkar 2016, "Non-stochastic best arm identification and
    hyperparameter optimization", AISTATS; through smac, as Hyperband's most eager
    bracket again and again: 27 configurations to 1/27, 9 to 1/9, 3 to 1/3 and 1 to the
    end, which costs 3 full trainings. The configurations are those of `random`, in its
    order.
    """

    name = "successive-halving"

    def intensifier(self):
        from smac.intensifier.successive_halving import SuccessiveHalving

        return SuccessiveHalving
