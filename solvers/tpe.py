from benchmark_utils.components import one_of
from benchmark_utils.optuna_space import Optuna


class Solver(Optuna):
    """Tree-structured Parzen estimators: two densities, of good and of other trials.

    Bergstra, Bardenet, Bengio & Kégl 2011, "Algorithms for hyper-parameter
    optimization", NeurIPS 24; as explained by Watanabe 2023, arXiv:2304.11127.
    Through optuna, with its settings. The next trial is the best of 24 draws from the
    density of the good ones, by the ratio of the two.

    It starts with `n_initial` random trials. Floats and integers are modelled on their
    own scale (linear or log), ordinals as integers, categories as categories (their
    weights are ignored). A conditional hyperparameter is modelled from the trials in
    which it was active. With `multivariate`, optuna's default and better in every case
    that was measured, the densities are joint instead of one for each hyperparameter;
    conditional ones keep one each.
    """

    name = "tpe"
    parameters = {**Optuna.parameters, "multivariate": [True]}

    def check(self):
        super().check()
        one_of("tpe: multivariate", self.multivariate, [False, True])

    def sampler(self, seed):
        from optuna.samplers import TPESampler

        return TPESampler(
            seed=seed,
            n_startup_trials=self.n_initial,
            multivariate=self.multivariate,
        )
