"""The three kinds of strategy: designs, sequential strategies, minimisers."""

import contextlib
import math
import sys
import time
from abc import abstractmethod
from collections.abc import Callable, Iterator

import numpy as np
from benchopt import BaseSolver
from benchopt.stopping_criterion import StoppingCriterion
from ConfigSpace import Configuration, ConfigurationSpace

from benchmark_utils.components import Component, one_of, whole_number
from benchmark_utils.designs import SAMPLERS
from benchmark_utils.search import ROUNDING, BudgetSpent, Search
from benchmark_utils.trials import Request, Trial


class SearchEnds(StoppingCriterion):
    """Run until the search ends: not cut short by --max-runs or --timeout.

    Benchopt's defaults (100 rows, 100 seconds) would end a search quietly.
    """

    SECONDS_BETWEEN_LINES = 0.2

    def get_runner_instance(self, max_runs=1, timeout=None, solver=None, **kwargs):
        instance = super().get_runner_instance(
            max_runs=sys.maxsize, timeout=None, solver=solver, **kwargs
        )
        instance._next_line = 0.0
        return instance

    def check_convergence(self, rows):
        return False, rows[-1]["objective_cost"] / self.solver.search.n_trials

    def debug(self, msg):
        # Benchopt's own looks for its settings file at every call: 50 us a trial.
        pass

    def progress(self, progress):
        # A line per trial would cost more than a look-up.
        now = time.monotonic()
        if now >= self._next_line:
            super().progress(progress)
            self._next_line = now + self.SECONDS_BETWEEN_LINES


class Strategy(Component, BaseSolver):
    """A benchopt solver that searches: one row for each trial."""

    # Whether a search of n trials is the first n trials of a longer one.
    extensible = True
    search: Search

    def __init__(self, **parameters):
        super().__init__()
        self.take_parameters(parameters)
        self.check()

    def check(self) -> None:
        """Fail if a parameter is wrong: before anything is trained."""

    def unfit(self, space: ConfigurationSpace, n_trials: int) -> str | None:
        """Say in one line why this strategy cannot search this space, or None.

        Fails where the person has to mend something first.
        """
        return None

    def check_together(self, spaces: list[ConfigurationSpace]) -> None:
        """Fail if something of this strategy is for none of the problems of a run."""

    def skip(self, search: Search) -> tuple[bool, str | None]:
        reason = self.unfit(search.space, search.n_trials)
        return reason is not None, reason

    def set_objective(self, search: Search) -> None:
        self.search = search

    def get_next(self, stop_val: int) -> int:
        return stop_val + 1

    def run(self, callback: Callable[[], bool]) -> None:
        for _ in self.trials():
            if not callback():
                break

    def get_result(self) -> dict:
        return {"record": {**self.search.record, "extensible": self.extensible}}

    @abstractmethod
    def trials(self) -> Iterator[Trial]:
        """Search; yield every trial as it is finished."""


class Design(Strategy):
    """Points fixed in advance: implement ``sample``, or ``propose``."""

    def sample(self, n: int, d: int, rng: np.random.Generator) -> np.ndarray:
        """Return at most n points, ndarray (n, d) in [0, 1]^d."""
        raise TypeError(f"{type(self).__name__} has neither sample nor propose")

    def propose(self, search: Search) -> list[Configuration]:
        """Return at most ``search.n_trials`` configurations."""
        rng = np.random.default_rng(search.seed)
        points = self.sample(search.n_trials, search.cube.d, rng)
        return search.cube.configurations(points)

    def trials(self):
        with self.search.thinking:
            configurations = self.propose(self.search)
        requests = [self.search.request(c) for c in configurations]
        yield from self.search.evaluate(requests)


class Sequential(Strategy):
    """Asks, is told, asks again: implement ``start``, ``ask`` and ``tell``."""

    @abstractmethod
    def start(self) -> None:
        """Begin anew on ``self.search``."""

    @abstractmethod
    def ask(self) -> list[Request]:
        """Return what to train next; nothing ends the search."""

    @abstractmethod
    def tell(self, trial: Trial) -> None:
        """Learn from a finished trial."""

    def trials(self):
        search = self.search
        with search.thinking:
            self.start()
        while search.budget_left >= search.min_fidelity - ROUNDING:
            with search.thinking:
                requests = self._affordable(self.ask())
            if not requests:
                return
            for trial in search.evaluate(requests):
                with search.thinking:
                    self.tell(trial)
                yield trial

    def _affordable(self, requests: list[Request]) -> list[Request]:
        # The last batch of a generation may be larger than what is left.
        left, affordable = self.search.budget_left, []
        for request in requests:
            left -= self.search.price(request)
            if left < -ROUNDING:
                break
            affordable.append(request)
        return affordable


class ModelBased(Sequential):
    """Learns a model of the loss: implement ``start``, ``suggest`` and ``tell``.

    ``initial`` is the design that it starts from: a name of `designs.SAMPLERS`, of
    ``n_initial`` points, or None for the library's own start, in which ``suggest`` is
    asked from the first trial on.
    """

    parameters = {"initial": [None], "n_initial": [10]}

    def check(self):
        whole_number(f"{self.name}: n_initial", self.n_initial, low=1)
        if self.initial is not None:
            one_of("initial", self.initial, SAMPLERS)

    @abstractmethod
    def suggest(self) -> Configuration:
        """Return the configuration to try next, by what was told."""

    def ask(self):
        search = self.search
        if self.initial is None or search.record:
            return [search.request(self.suggest())]
        n = min(self.n_initial, search.n_trials)
        rng = np.random.default_rng(search.seed)
        points = SAMPLERS[self.initial](n, search.cube.d, rng)
        return [search.request(c) for c in search.cube.configurations(points)]


class Restart(Exception):
    """A run of a minimiser's library leads nowhere: another one begins."""


class Minimiser(Strategy):
    """A library that only takes a function: implement ``minimise``.

    ``rng``, seeded by the search, goes on from one call of ``minimise`` to the next.

    ``patience`` ends a run of a local method in a space of cells (integers, choices):
    as soon as that many trials in a row were of configurations already tried, from
    which there is nothing to learn. None is for never.
    """

    patience: int | None = None

    @abstractmethod
    def minimise(self, f: Callable[[np.ndarray], float]) -> None:
        """Minimise f over [0, 1]^d, starting at random; called again to restart.

        f takes a point, ndarray (d,), and returns its loss, always finite. It raises
        BudgetSpent at the end of the budget, and Restart if a trial fails before any
        has succeeded, or if ``patience`` is at its end; both must pass through.
        """

    def run(self, callback):
        search = self.search
        self.rng = np.random.default_rng(search.seed)
        has_cells = any(math.isfinite(axis.n_values) for axis in search.cube.axes)
        patience = self.patience if has_cells else None
        tried, n_repeats = set(), 0

        def f(point):
            nonlocal n_repeats
            [configuration] = search.cube.configurations([point])
            if patience is not None:
                n_repeats = n_repeats + 1 if configuration in tried else 0
                tried.add(configuration)
            [trial] = search.evaluate([search.request(configuration)])
            if not callback():
                raise BudgetSpent
            search.thinking.start()
            if math.isinf(trial.loss) or n_repeats == patience:
                n_repeats = 0
                raise Restart
            return trial.loss

        try:
            while True:
                left = search.budget_left
                search.thinking.start()
                with contextlib.suppress(Restart):
                    self.minimise(f)
                if search.budget_left == left:
                    return  # a call without an evaluation would go on for ever
        except BudgetSpent:
            pass

    def trials(self):
        raise TypeError("a minimiser is driven by its library: see run")
