"""Searches in brackets: many configurations trained a little, the best of them more."""

from abc import abstractmethod
from collections.abc import Iterator
from copy import deepcopy

from ConfigSpace import Configuration

from benchmark_utils.in_parts import InParts
from benchmark_utils.rungs import random_stream, rungs
from benchmark_utils.search import ROUNDING
from benchmark_utils.strategies import Sequential

MOST_DRAWS = 100  # in a row that bring nothing new: the space is exhausted


class Brackets(InParts, Sequential):
    """A search by one of smac's intensifiers: implement ``intensifier``.

    It is asked and told without smac's facades: it decides which configuration is
    trained to which rung, and takes new ones from ``stream``, those of random search
    unless a strategy knows better. None is tried twice.

    Where the budget has no room for what comes next, that is left out, and cheaper
    trainings follow until none fits. Failed trials are told as the worst loss seen.
    """

    requirements = ["pip::smac"]
    libraries = {"smac": "smac"}

    @abstractmethod
    def intensifier(self) -> type:
        """Return smac's class."""

    def stream(self) -> Iterator[Configuration]:
        """Yield configurations to begin with, without end."""
        return random_stream(self.search)

    def start(self):
        from smac import Scenario
        from smac.runhistory import RunHistory

        self.rungs = rungs(self.search.min_fidelity, self.eta, self.n_rungs)
        scenario = Scenario(
            deepcopy(self.search.space),  # smac seeds it
            deterministic=True,
            min_budget=0.999 * self.rungs[0],  # it rounds a logarithm of this down
            max_budget=1.0,
            n_trials=self.search.n_trials,
            seed=self.search.seed,
        )
        self.smac = self.intensifier()(scenario, eta=self.eta)
        self.smac.runhistory = self.history = RunHistory()
        self.smac.config_selector = self._new_ones()
        self.next_trials = iter(self.smac)
        self.ids: dict[Configuration, int] = {}

    def _new_ones(self):
        given, n_draws = set(), 0
        for configuration in self.stream():
            n_draws += 1
            if configuration not in given:
                given.add(configuration)
                n_draws = 0
                yield configuration
            elif n_draws == MOST_DRAWS:
                return

    def ask(self):
        search = self.search
        if search.budget_left < self.rungs[0] - ROUNDING:
            return []
        for asked in self.next_trials:
            self.asked, configuration = asked, asked.config
            self.history.add_running_trial(asked)
            request = search.request(configuration, asked.budget)
            if configuration in self.ids:
                request = request._replace(trial_id=self.ids[configuration])
            if search.price(request) <= search.budget_left + ROUNDING:
                self.ids[configuration] = request.trial_id
                self._release()
                return [request]
        return []

    def _release(self):
        # What is in none of smac's stages any more was stopped.
        staged = {
            configuration
            for groups in self.smac._tracker.values()
            for _, group in groups
            for configuration in group
        }
        self.search.release(i for c, i in self.ids.items() if c not in staged)

    def tell(self, trial):
        self.history.add(
            trial.configuration,
            cost=trial.loss,
            seed=self.asked.seed,
            budget=self.asked.budget,
            force_update=True,
        )
