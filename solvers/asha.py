from benchmark_utils.in_parts import Climbing


class Solver(Climbing):
    """Asynchronous successive halving: no rung waits until it is full.

    Li, Jamieson, Rostamizadeh, Gonina, Ben-tzur, Hardt, Recht & Talwalkar 2020, "A
    system for massively parallel hyperparameter tuning", MLSys; through optuna's
    SuccessiveHalvingPruner. Of those that have reached a rung, the best 1/eta go on.
    Optuna decides at once and for good (the paper's would come back to a training that
    is among the best 1/eta later), and lets the best so far go on while there are fewer
    than eta. The configurations are those of `random`, in its order.
    """

    name = "asha"
    rule = "asha"
