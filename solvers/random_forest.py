import logging
import tempfile
import warnings
from copy import deepcopy
from pathlib import Path

from benchmark_utils.components import whole_number
from benchmark_utils.strategies import ModelBased


class Solver(ModelBased):
    """Random forest of the losses, expected improvement: SMAC.

    Hutter, Hoos & Leyton-Brown 2011, LION 5; Lindauer et al. 2022, "SMAC3", JMLR 23;
    through smac's HyperparameterOptimizationFacade, asked and told: 10 trees on
    log-scaled losses, log expected improvement by local and random search, every fifth
    configuration at random. It retrains after each trial; the facade's own default is
    `retrain_after=8`. Starts with smac's scrambled Sobol points: 10 for each
    hyperparameter, at most a quarter of the trials.

    smac works on the search space itself: log scales, integers, categories, conditions.
    It never tries a configuration twice; where it finds no other, random ones follow.
    Failed trials are told as the worst loss; those before any loss, as soon as there is
    one.
    """

    name = "random-forest"
    extensible = False
    requirements = ["pip::smac"]
    libraries = {"smac": "smac"}
    parameters = {**ModelBased.parameters, "retrain_after": [1]}

    def check(self):
        super().check()
        whole_number("random-forest: retrain_after", self.retrain_after, low=1)

    def start(self):
        from smac import HyperparameterOptimizationFacade as Facade
        from smac import Scenario

        logging.getLogger("smac").setLevel(logging.CRITICAL)  # else it warns on stderr
        self.space = deepcopy(self.search.space)  # smac seeds it
        self.seed = 0
        with tempfile.TemporaryDirectory() as folder:  # only smac's start writes to it
            scenario = Scenario(
                self.space,
                output_directory=Path(folder),
                deterministic=True,
                n_trials=self.search.n_trials,
                seed=self.search.seed,
            )
            maximiser = Facade.get_acquisition_maximizer(scenario)
            _order_starts(maximiser._local_search)
            n_own = None if self.initial is None else 0
            model = Facade.get_model(scenario)
            # The same trees, without room for 2^20 leaves each and without threads.
            leaves = self.search.n_trials + 2
            model._rf_opts |= {"max_leaf_nodes": leaves, "n_jobs": 1}
            self.smac = Facade(
                scenario,
                model=model,
                acquisition_maximizer=maximiser,
                initial_design=Facade.get_initial_design(scenario, n_configs=n_own),
                config_selector=Facade.get_config_selector(
                    scenario, retrain_after=self.retrain_after
                ),
                logging_level=False,
            )

    def suggest(self):
        from smac.main.exceptions import ConfigurationSpaceExhaustedException

        try:
            with warnings.catch_warnings():  # it takes the mean of nothing, for its log
                warnings.filterwarnings("ignore", "Mean of empty|invalid value")
                info = self.smac.ask()
        except (StopIteration, ConfigurationSpaceExhaustedException):
            return self.space.sample_configuration()
        self.seed = info.seed  # smac's, drawn at its first ask
        return info.config

    def tell(self, trial):
        from smac.runhistory import TrialInfo, TrialValue

        info = TrialInfo(trial.configuration, seed=self.seed)
        for told, due in self.due(info, trial):
            self.smac.tell(told, TrialValue(due.loss), save=False)


def _order_starts(local_search):
    # smac takes them from a set of objects hashed by their text: another order, and so
    # another search, in each process that has another PYTHONHASHSEED.
    starts = local_search._get_init_points_from_previous_configs
    local_search._get_init_points_from_previous_configs = lambda *arguments: sorted(
        starts(*arguments), key=repr
    )
