import numpy as np
from ConfigSpace import Configuration

from benchmark_utils.brackets import Brackets


class Solver(Brackets):
    """BOHB: Hyperband whose new configurations come from densities of good ones.

    Falkner, Klein & Hutter 2018, "BOHB: robust and efficient hyperparameter
    optimization at scale", ICML. As there, a third of the configurations is random,
    and the others come from a multivariate tree-structured Parzen estimator of the
    losses at the highest rung with d + 3 of them; random ones until there is one.

    The brackets are smac's, the densities optuna's, with its settings. It differs from
    the paper in what those are: optuna calls the best tenth good (paper: 15 %, at
    least d + 1), picks the best of 24 draws (64), and has its own kernels, bandwidths
    and prior. All configurations of a bracket are drawn when it begins. A conditional
    hyperparameter has a density of its own.
    """

    name = "bohb"
    requirements = ["pip::smac", "pip::optuna"]
    libraries = {"smac": "smac", "optuna": "optuna"}

    def intensifier(self):
        from smac.intensifier.hyperband import Hyperband

        return Hyperband

    def start(self):
        self.told = {}  # fidelity -> (configuration, loss) of each trial
        super().start()

    def tell(self, trial):
        super().tell(trial)
        if np.isfinite(trial.loss):
            told = self.told.setdefault(trial.fidelity, [])
            told.append((trial.configuration, trial.loss))

    def stream(self):
        from benchmark_utils.optuna_space import suggest

        random_ones = super().stream()
        rng = np.random.default_rng([self.search.seed, 1])
        fewest, known = self.search.cube.d + 3, None
        while True:
            enough = [f for f, trials in self.told.items() if len(trials) >= fewest]
            if not enough or rng.random() < 1 / 3:
                yield next(random_ones)
                continue
            told = self.told[max(enough)]
            if known != (max(enough), len(told)):
                known = max(enough), len(told)
                study = self.study(told, int(rng.integers(2**31)))
            values = suggest(study.ask(), self.search.space)
            yield Configuration(self.search.space, values)

    def study(self, told, seed):
        """Return optuna's study of these trials."""
        import optuna

        from benchmark_utils.optuna_space import suggest, to_params

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        sampler = optuna.samplers.TPESampler(
            n_startup_trials=0, multivariate=True, seed=seed
        )
        study = optuna.create_study(sampler=sampler)
        for configuration, loss in told:
            study.enqueue_trial(to_params(self.search.space, configuration))
            trial = study.ask()
            suggest(trial, self.search.space)
            study.tell(trial, loss)
        return study
