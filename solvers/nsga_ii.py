import math

from benchmark_utils.optuna_space import Genetic


class Solver(Genetic):
    """NSGA-II: a genetic algorithm for small losses and small models at once.

    Deb, Pratap, Agarwal & Meyarivan 2002, IEEE Trans. Evol. Comput. 6. Through optuna.
    Its objectives are the loss and the size of the model (trees x leaves, parameters x
    epochs); a failed trial has the largest size seen. Where a problem has no size, the
    loss is the only one that counts. It is measured by its loss like all others, and
    spends trials on small models that others do not.

    Start, scales, categories and conditions as in `genetic`.
    """

    name = "nsga-ii"
    n_objectives = 2

    def start(self):
        super().start()
        self.largest = 0.0

    def losses(self, trial):
        size = self.largest if math.isnan(trial.size) else trial.size
        self.largest = max(self.largest, size)
        return [trial.loss, size]
