"""Which strategy finds good hyperparameters, with how many trainings?

Dataset.get_data()        -> problem      what is tuned, on which data, which space
Objective.get_objective() -> search       this run: space, budget, seed, evaluate
Solver.run(callback)      : ask -> search.evaluate -> tell -> callback
Objective.evaluate_result(record)         one row for each trial

Columns (benchopt puts `objective_` before each):

value                 the incumbent's validation loss
incumbent_test_loss   the incumbent's test loss; NaN where there is no test part
trial, trial_id       1, 2, ... in order of completion; identity across fidelities
valid_loss, test_loss this trial's
regret                the incumbent's distance to the best known; else NaN
fidelity, cost        this trial's fidelity; cost of the search so far
fit_seconds, predict_seconds, suggest_seconds
                      measured: training, predicting the test part, thinking
size                  deterministic amount of model: trees x leaves, ...
status                ok, failed, or too slow (to serve: max_predict_seconds)
afterwards            whether the search was over: see finish_stopped
config                the configuration as JSON
point                 its place in the unit cube, hyperparameters in natural order
metric, split, search_seed, training_seed
                      what it was measured by, on and with
extensible            whether a search of n trials is the first n of a longer one: only
                      then is there a curve between budgets

The incumbent is the trial with the lowest validation loss among those at the
highest fidelity reached so far. Every rung of a training in parts is a row; the
seconds of a continued one are those of its continuation.
"""

from benchopt import BaseObjective

from benchmark_utils.components import (
    Component,
    number_between,
    one_of,
    whole_number,
)
from benchmark_utils.metrics import METRICS
from benchmark_utils.preflight import look_at_selection
from benchmark_utils.search import Search
from benchmark_utils.seeds import VARY, seeds_of
from benchmark_utils.strategies import SearchEnds
from benchmark_utils.terminal import make_safe_to_pickle


class Objective(Component, BaseObjective):
    """Tune hyperparameters: validation and test loss against trials and seconds."""

    name = "hpo"
    url = "https://github.com/benchopt/benchmark_hpo"
    min_benchopt_version = "1.10"
    requirements = ["pip::ConfigSpace", "pip::scikit-learn"]

    # n_trials: budget in full trainings. vary: which sources of variance change from
    # one repetition to the next. metric: "default" is the problem's own. n_folds: 1 is
    # a validation part, k is k-fold cross-validation inside the split.
    # max_predict_seconds: trials whose test part takes longer to predict (the column
    # predict_seconds: all its rows, all folds) lose. They are told to the strategy as
    # the worst loss seen and cannot be the incumbent. Seconds are measured, so such a
    # search cannot be repeated exactly, recorded times aside.
    # finish_stopped: after the search, train to the end what it stopped, to see what
    # was lost by it: rows that leave incumbent and cost as they were.
    parameters = {
        "n_trials": [25],
        "vary": ["all"],
        "metric": ["default"],
        "n_folds": [1],
        "max_predict_seconds": [None],
        "finish_stopped": [False],
    }
    sampling_strategy = "callback"
    stopping_criterion = SearchEnds()
    test_config = {"n_trials": 3}

    def __init__(self, **parameters):
        super().__init__()
        self.take_parameters(parameters)
        metrics = ["default", *(name for task in METRICS.values() for name in task)]
        metrics += ["mse", "loss"]
        whole_number("n_trials", self.n_trials, low=1)
        whole_number("n_folds", self.n_folds, low=1)
        one_of("vary", self.vary, VARY)
        one_of("finish_stopped", self.finish_stopped, [False, True])
        if self.max_predict_seconds is not None:
            seconds = self.max_predict_seconds
            number_between("max_predict_seconds", seconds, low=0, high=1e9)
        one_of("metric", self.metric, metrics)
        look_at_selection()
        make_safe_to_pickle()

    @classmethod
    def get_all_parameter_values(cls, name):
        # "all" is a value of `vary`, not benchopt's wildcard.
        return "all" if name == "vary" else None

    def skip(self, problem, unavailable=None):
        reason = unavailable or problem.unfit(self.metric, self.n_folds)
        if reason is None and self.max_predict_seconds and not problem.times_prediction:
            reason = "max_predict_seconds: nobody timed its predictions"
        return reason is not None, reason

    def set_data(self, problem, unavailable=None):
        self.problem = problem

    def get_objective(self):
        seeds = seeds_of(self.get_seed(), self._repetition, self.vary)
        search = Search(
            self.problem,
            self.n_trials,
            seeds,
            self.metric,
            self.n_folds,
            self.max_predict_seconds,
            self.finish_stopped,
        )
        return {"search": search}

    def evaluate_result(self, record):
        return record

    def get_one_result(self):
        search = self.get_objective()["search"]
        [configuration] = search.cube.configurations([[0.5] * search.cube.d])
        for _ in search.evaluate([search.request(configuration)]):
            pass
        return {"record": search.record}
