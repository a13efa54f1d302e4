from benchmark_utils.brackets import Brackets


class Solver(Brackets):
    """Hyperband: successive halving in turn with more and less eager brackets.

    Li, Jamieson, DeSalvo, Rostamizadeh & Talwalkar 2018, JMLR 18; through smac. With
    eta = 3 and 4 rungs the brackets begin with 27 configurations at 1/27, 12 at 1/9, 6
    at 1/3 and 4 at full length; a round of the four costs 13.2 full trainings, for a
    continued training costs only the difference. The configurations are those of
    `random`, in its order.
    """

    name = "hyperband"

    def intensifier(self):
        from smac.intensifier.hyperband import Hyperband

        return Hyperband
