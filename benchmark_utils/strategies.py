"""The three kinds of strategy: designs, sequential strategies, minimisers."""

import contextlib
import importlib
import itertools
import math
import re
import sys
import time
import warnings
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import numpy as np
from benchopt import BaseSolver
from benchopt.stopping_criterion import StoppingCriterion
from ConfigSpace import Configuration, ConfigurationSpace

from benchmark_utils.components import Component, missing, one_of, whole_number
from benchmark_utils.designs import SAMPLERS
from benchmark_utils.problems import Problem
from benchmark_utils.rungs import ETA, N_RUNGS, RULES, climb, rungs
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
    """A benchopt solver that searches: one row for each trial.

    ``libraries`` are the optional modules that it imports, each with the package to
    install for it. Where one is missing the strategy is skipped.

    ``in_parts``: whether it trains in parts, by the rungs of its parameters ``eta``
    and ``n_rungs``, and so is not for problems where that means nothing.

    ``extensible``: whether a search of n trials is the first n of a longer one (in
    parts: but for the cheap trainings that fill what is left of a budget).
    """

    libraries: Mapping[str, str] = {}
    in_parts = False
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

    def lacks(self) -> str | None:
        """Say in one line which package to install first, or None."""
        for module, package in self.libraries.items():
            if reason := missing(module, package):
                return reason
        return None

    def check_together(self, spaces: list[ConfigurationSpace]) -> None:
        """Fail if something of this strategy is for none of the problems of a run."""

    def unfit_for(self, problem: Problem | Search, n_trials: int) -> str | None:
        """Say in one line why this strategy cannot search this problem, or None."""
        lowest = problem.min_fidelity
        if self.in_parts and len(rungs(lowest, self.eta, self.n_rungs)) == 1:
            if lowest == 1:
                return "trains in parts, and this problem has no partial trainings"
            return f"eta={self.eta}: this problem trains from {lowest:g} to 1"
        return self.unfit(problem.space, n_trials)

    def skip(self, search: Search) -> tuple[bool, str | None]:
        reason = self.lacks() or self.unfit_for(search, search.n_trials)
        return reason is not None, reason

    def set_objective(self, search: Search) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of one library about another
            for module in self.libraries:  # now: seconds that are not thinking
                importlib.import_module(module)
        self.search = search

    def get_next(self, stop_val: int) -> int:
        return stop_val + 1

    def run(self, callback: Callable[[], bool]) -> None:
        for _ in itertools.chain(self.trials(), self.search.finish()):
            if not callback():
                break

    def get_result(self) -> dict:
        return {"record": {**self.search.record, "extensible": self.extensible}}

    @abstractmethod
    def trials(self) -> Iterator[Trial]:
        """Search; yield every trial as it is finished."""


class Design(Strategy):
    """Points fixed in advance: implement ``sample``, or ``propose``.

    With ``stopping``, a name of `rungs.RULES`, they are tried in their order, each rung
    by rung until the rule stops it, and the search costs less than its budget.
    """

    parameters = {"stopping": [None]}
    eta, n_rungs = ETA, N_RUNGS

    def __init__(self, **parameters):
        super().__init__(**parameters)
        one_of(f"{self.name}: stopping", self.stopping, [None, *RULES])

    def __repr__(self):
        # A design that is not stopped is called what it always was.
        name = super().__repr__()
        if self.stopping is None:
            name = re.sub(r"stopping=None,?", "", name).replace(",]", "]")
        return name.removesuffix("[]")

    @property
    def in_parts(self) -> bool:
        return self.stopping is not None

    @property
    def libraries(self) -> Mapping[str, str]:
        return {"optuna": "optuna"} if self.in_parts else {}

    def sample(self, n: int, d: int, rng: np.random.Generator) -> np.ndarray:
        """Return at most n points, ndarray (n, d) in [0, 1]^d."""
        raise TypeError(f"{type(self).__name__} has neither sample nor propose")

    def propose(self, search: Search) -> list[Configuration]:
        """Return at most ``search.n_trials`` configurations."""
        rng = np.random.default_rng(search.seed)
        points = self.sample(search.n_trials, search.cube.d, rng)
        return search.configurations(points)

    def trials(self):
        with self.search.thinking:
            configurations = self.propose(self.search)
        if self.stopping is not None:
            yield from climb(self.search, configurations, self.stopping)
            return
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
                requests = self.ask()
            requests = self._affordable(requests)
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

    A library that cannot be told of a failure before there was any loss has it wait:
    see `due`.
    """

    parameters = {"initial": [None], "n_initial": [10]}

    def check(self):
        whole_number(f"{self.name}: n_initial", self.n_initial, low=1)
        if self.initial is not None:
            one_of("initial", self.initial, SAMPLERS)

    @abstractmethod
    def suggest(self) -> Configuration:
        """Return the configuration to try next, by what was told."""

    def set_objective(self, search):
        super().set_objective(search)
        self._waiting = []

    def due(self, handle: object, trial: Trial) -> list[tuple[object, Trial]]:
        """Return what can be told now: this trial, and those that waited for a loss.

        Trials that failed before there was any loss get the first one. ``handle`` is
        what the library knows the trial by.
        """
        self._waiting.append((handle, trial))
        if math.isinf(trial.loss):
            return []
        due, self._waiting = self._waiting, []
        return [(h, replace(t, loss=min(t.loss, trial.loss))) for h, t in due]

    def ask(self):
        search = self.search
        if self.initial is None or search.record:
            return [search.request(self.suggest())]
        rng = np.random.default_rng(search.seed)
        points = SAMPLERS[self.initial](self.n_initial, search.cube.d, rng)
        # Cut, not drawn smaller: a short search is the first part of a longer one.
        points = points[: search.n_trials]
        return [search.request(c) for c in search.configurations(points)]


class Restart(Exception):
    """A run of a minimiser's library leads nowhere: another one begins."""


class Minimiser(Strategy):
    """A library that only takes a function: implement ``minimise``.

    ``rng``, seeded by the search, goes on from one call of ``minimise`` to the next.

    A configuration that was tried before is not trained again: the library gets the
    loss that is known. ``patience`` ends a run of a local method in a space of cells
    (integers, choices) after so many of those in a row, from which there is nothing to
    learn; None is for never. After `MOST_REPEATS` in a row the space is taken for
    exhausted, and the next is trained again.
    """

    MOST_REPEATS = 100
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
        known, n_repeats = {}, 0

        def f(point):
            nonlocal n_repeats
            search.thinking.stop()
            [configuration] = search.cube.configurations([point])
            values = tuple(configuration.items())
            if values in known and n_repeats < self.MOST_REPEATS:
                n_repeats += 1
                if patience and n_repeats % patience == 0:
                    raise Restart
                search.thinking.start()
                return known[values]
            n_repeats = 0
            [trial] = search.evaluate([search.request(configuration)])
            if not callback():
                raise BudgetSpent
            if math.isinf(trial.loss):
                raise Restart
            known[values] = trial.loss
            search.thinking.start()
            return trial.loss

        with contextlib.suppress(BudgetSpent):
            before = None
            while before != (search.budget_left, n_repeats):
                before = search.budget_left, n_repeats
                search.thinking.start()
                with contextlib.suppress(Restart):
                    self.minimise(f)

    def trials(self):
        raise TypeError("a minimiser is driven by its library: see run")
